"""A study file is read strictly: every fault is one line with file, key, value and what is allowed."""

from pathlib import Path

import pytest

from entrec.errors import UserError
from entrec.methods import METHODS
from entrec.params import load_study, pretrain_keys
from entrec.runs import Run

DEMO = Path("params/demo.yaml")


def edited(tmp_path, old, new):
    text = DEMO.read_text()
    assert old in text
    path = tmp_path / "demo.yaml"
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize("path", sorted(Path("params").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_study_file_is_valid_and_named_after_itself(path):
    study = load_study(path)
    assert study.name == path.stem
    assert len(set(map(str, study.runs))) == len(study.runs)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("width: 8", "widht: 8", ["network.widht", "unknown key", "8", "backbone, width, stem"]),
        ("title:", "titel:", ["titel", "unknown key", "title, description"]),
        ("width: 8", "width: eight", ["network.width", "'eight'", "integer"]),
        ("width: 8", 'width: "8"', ["network.width", "'8'", "integer"]),
        ("width: 8", "width: 0", ["network.width", "0", "greater than or equal to 1"]),
        ("width: 8, ", "", ["network.width", "missing"]),
        ("source: digits", "source: digit", ["datasets.digits.source", "'digit'", "'digits', 'faces'"]),
        ("dataset: digits\n", "dataset: mnist\n", ["dataset", "'mnist'", "digits, faces, textures"]),
        ("[faces, textures]", "[faces, flowers]", ["evaluation.transfer.datasets.1", "'flowers'", "faces, textures"]),
        ("  cmc: {", "  cmcc: {", ["methods.cmcc", "unknown method", "simclr, cmc"]),
        (
            "label_smoothing: 0.1",
            "label_smoothing: 2",
            ["methods.supervised.label_smoothing", "2", "less than or equal"],
        ),
        ("crop_scale: [0.4, 1.0]", "crop_scale: [1.0, 0.4]", ["views.0.crop_scale", "low to high"]),
        ("epochs: [20", "epochs: [nan, 20", ["epochs.0"]),
        ("metric: top1}", "metric: top1, path: x}", ["datasets.digits.path", "folder"]),
    ],
)
def test_a_fault_is_one_line_that_names_file_key_value_and_what_is_allowed(tmp_path, old, new, says):
    path = edited(tmp_path, old, new)
    with pytest.raises(UserError) as caught:
        load_study(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    for part in says:
        assert part in message


def test_numbers_in_scientific_notation_need_no_point(tmp_path):
    study = load_study(edited(tmp_path, "label_smoothing: 0.1", "label_smoothing: 1e-3"))
    assert study.method("supervised").label_smoothing == pytest.approx(0.001)


def test_a_key_given_twice_is_refused(tmp_path):
    path = edited(tmp_path, "dataset: digits\n", "title: again\ndataset: digits\n")
    line = path.read_text().splitlines().index("title: again") + 1
    with pytest.raises(UserError, match=rf"demo.yaml, line {line}: key 'title' given twice"):
        load_study(path)


def test_a_missing_file_and_a_file_without_keys_are_named(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        load_study(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("- a\n")
    with pytest.raises(UserError, match=r"list.yaml: expected keys"):
        load_study(tmp_path / "list.yaml")


def test_runs_are_the_main_column_and_both_sweeps():
    study = load_study(DEMO)
    columns = {(run.batch_size, run.epochs) for run in study.runs if run.method == "simclr"}
    assert columns == set(study.columns)
    assert {run.seed for run in study.main_runs if run.method == "byol"} == set(study.seeds.main)
    for method, entry in METHODS.items():
        own = {(run.batch_size, run.epochs) for run in study.runs if run.method == method}
        assert len(own) == (1 if entry.baseline else len(study.columns))


def test_the_demo_sweeps_what_the_tables_need():
    study = load_study(DEMO)
    assert len(study.batch_sizes) >= 3
    assert len(study.epochs) >= 2
    assert len(study.seeds.main) >= 2


def test_a_run_is_its_name():
    run = Run("entrec_cont", 256, 20, 1)
    assert str(run) == "entrec_cont-b256-e20-s1"
    assert Run.parse(str(run)) == run
    with pytest.raises(UserError, match="METHOD-bBATCH"):
        Run.parse("simclr")


def test_editing_one_method_changes_only_that_methods_slice(tmp_path):
    before, after = (
        load_study(DEMO),
        load_study(
            edited(tmp_path, "  cmc: {optimiser: *adamw, projector: [64,", "  cmc: {optimiser: *adamw, projector: [63,")
        ),
    )
    changed = {m for m in METHODS if before.slice(pretrain_keys(before, m)) != after.slice(pretrain_keys(after, m))}
    assert changed == {"cmc"}
