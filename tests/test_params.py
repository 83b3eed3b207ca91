"""A study file is read strictly: every fault is one line with file, key, value and what is allowed."""

from pathlib import Path

import pytest

from entrec.__main__ import transfer
from entrec.errors import UserError
from entrec.methods import METHODS
from entrec.runs import Run
from entrec.study import evaluate_keys, load_study, pretrain_keys, transfer_keys

DEMO = Path("params/demo.yaml")


def edited(tmp_path, old, new):
    text = DEMO.read_text()
    assert old in text
    path = tmp_path / "demo.yaml"
    path.write_text(text.replace(old, new, 1))
    return path


STUDIES = sorted(set(Path("params").glob("*.yaml")) - {Path("params/theory.yaml")})


@pytest.mark.parametrize("path", STUDIES, ids=lambda p: p.stem)
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
        ("source: digits", "source: digit", ["datasets.digits.source", "'digit'", "allowed: digits, faces"]),
        ("dataset: digits\n", "dataset: mnist\n", ["dataset", "'mnist'", "digits, faces, textures"]),
        ("[faces, textures]", "[faces, flowers]", ["evaluation.transfer.datasets.1", "'flowers'", "faces, textures"]),
        ("  cmc: {", "  cmcc: {", ["methods.cmcc", "unknown method", "simclr, cmc"]),
        (
            "label_smoothing: 0.1",
            "label_smoothing: 2",
            ["methods.supervised.label_smoothing", "2", "less than or equal"],
        ),
        (
            "crop_scale: [0.4, 1.0]",
            "crop_scale: [1.0, 0.4]",
            ["views.0.crop_scale: [1.0, 0.4]", "the lower end first"],
        ),
        ("epochs: [20", "epochs: [nan, 20", ["epochs.0"]),
        (
            "metric: top1}",
            "metric: top1, path: x}",
            ["datasets.digits.path: 'x'", "digits ships inside an installed Python package"],
        ),
        ("\n  faces: ", "\n  fa.ces: ", ["datasets.fa.ces", "lower-case letters, digits and _"]),
        ("\n  faces: ", "\n  Faces: ", ["datasets.Faces", "lower-case letters, digits and _"]),
        ("batch_sizes: [", "batch_sizes: [512, 512, ", ["batch_sizes.1", "512 given twice", "each value once"]),
        ("\nepochs: [", "\nepochs: [80, 40, 80, ", ["epochs.2", "80 given twice", "each value once"]),
        ("main: [0", "main: [0, 0", ["seeds.main.1", "0 given twice"]),
        ("sweep: [0", "sweep: [0, 0", ["seeds.sweep.1", "0 given twice"]),
        ("sweep: [0", "sweep: [7", ["seeds.sweep.0", "7 is not among seeds.main", "allowed: 0, "]),
        ("[faces, textures]", "[faces, faces]", ["evaluation.transfer.datasets.1", "'faces' given twice"]),
        ("batch_sizes: [", "batch_sizes: [32, 512, ", ["batch_sizes.0", "32", "allowed: the largest, 512"]),
        ("\nepochs: [", "\nepochs: [5, 40, ", ["epochs.0", "5", "allowed: the largest, 40"]),
        ("warmup_epochs: 2", "warmup_epochs: 1e9", ["training.warmup_epochs", "1e+09", "up to 1"]),
        ("samples: 64", "samples: 9999", ["diagnostics.samples", "9999", "up to "]),
        (
            "pretrain: {threads: 1, memory_mb: 1500, gpus: 0",
            "pretrain: {threads: 1, memory_mb: 1500, gpus: 3, nodes: 2",
            ["batch_sizes.0: 256", "not divisible by the 6 processes of resources.pretrain", "its multiples"],
        ),
        (
            "pretrain: {threads: 1, memory_mb: 1500, gpus: 0",
            "pretrain: {threads: 1, memory_mb: 1500, gpus: 0, nodes: 2",
            ["resources.pretrain.nodes: 2 without GPUs", "allowed: 1, or gpus from 1"],
        ),
        (
            "evaluate: {threads: 1, memory_mb: 1500, gpus: 0",
            "evaluate: {threads: 1, memory_mb: 1500, gpus: 2",
            ["resources.evaluate.gpus: 2", "one process", "allowed: up to 1"],
        ),
        ("compile: false\n  chunk: null", "compile: true\n  chunk: 8", ["training.compile: True", "allowed: False"]),
        ("chunk: null", "chunk: 0", ["training.chunk", "0", "greater than or equal to 1"]),
        ("\n  byol: >-", "\n  boyl: >-", ["notes.boyl", "allowed: untrained, supervised, simclr"]),
        ("local_views: null\n", "", ["local_views", "missing"]),
        ("local_views: null", "local_views: {siez: 5}", ["local_views.siez", "unknown key", "size, view"]),
        (
            "local_views: null",
            "local_views: {size: 5, view: {<<: *view, blurr: 0}}",
            ["local_views.view.blurr", "unknown key", "crop_scale, crop_ratio, flip"],
        ),
        ("local_views: null", "local_views: {size: 9, view: *view}", ["local_views.size", "9", "up to 8"]),
        ("local_crops: 0", "local_crops: 2", ["methods.dino.local_crops: 2", "local_views is null", "allowed: 0"]),
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


def test_the_theory_studies_are_named_where_a_study_of_methods_is_meant():
    with pytest.raises(UserError, match=r"params/theory.yaml: the theory studies.*snakemake theory"):
        load_study(Path("params/theory.yaml"))


def test_a_missing_file_and_a_file_without_keys_are_named(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        load_study(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("- a\n")
    with pytest.raises(UserError, match=r"list.yaml: expected keys"):
        load_study(tmp_path / "list.yaml")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"title: x\n? [a, b]\n: 1\n", "line 2: a key must be text"),
        (b"title: x\n{a: 1}: 1\n", "line 2: a key must be text"),
        (b"title: x\ndescription: \xff\n", "line 2: not UTF-8"),
        (b"title: x\ndescription: \0\n", r"line 2: character '\\x00' is not allowed"),
        (b"title: x\ndescription: !!binary eA==\n", "line 2: could not determine a constructor for .*binary"),
        (b"title: x\ndescription: !!set {a, b}\n", "line 2: could not determine a constructor for .*set"),
        (b"title: !!int x\n", r"not plain keys and values \(invalid literal"),
        (b"title: &title [*title]\n", r"not plain keys and values \(Circular reference"),
        (b"[" * 2000, r"not plain keys and values \(maximum recursion"),
    ],
)
def test_what_is_not_plain_yaml_is_one_line_that_names_file_and_line(tmp_path, content, says):
    path = tmp_path / "odd.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"{path}(, |: ){says}") as caught:
        load_study(path)
    assert "\n" not in str(caught.value)


def test_a_date_is_text_as_in_yaml_1_2(tmp_path):
    title = next(line for line in DEMO.read_text().splitlines() if line.startswith("title: "))
    assert load_study(edited(tmp_path, title, "title: 2020-01-01")).title == "2020-01-01"


def test_a_folder_in_place_of_a_study_is_named(tmp_path):
    with pytest.raises(UserError, match=rf"{tmp_path}: cannot be read \(Is a directory\)"):
        load_study(tmp_path)


def test_a_dataset_that_the_study_has_not_is_refused_at_the_door(tmp_path):
    with pytest.raises(UserError, match="'nope' is not among this study's datasets; allowed: digits, faces, textures"):
        transfer(DEMO, str(load_study(DEMO).runs[0]), "nope", tmp_path, tmp_path, tmp_path)


def test_runs_are_the_main_column_and_both_sweeps():
    study = load_study(DEMO)
    columns = {(run.batch_size, run.epochs) for run in study.runs if run.method == "simclr"}
    assert columns == set(study.settings)
    assert {run.seed for run in study.headline_runs if run.method == "byol"} == set(study.seeds.main)
    for method in study.methods:
        own = {(run.batch_size, run.epochs) for run in study.runs if run.method == method}
        assert len(own) == (1 if METHODS[method].baseline else len(study.settings))


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
    changed = {
        m for m in before.methods if before.slice(pretrain_keys(before, m)) != after.slice(pretrain_keys(after, m))
    }
    assert changed == {"cmc"}


def test_evaluations_depend_on_how_features_are_computed():
    """The untrained encoder keeps its bytes when the precision changes; its score need not."""
    for keys in (evaluate_keys(), transfer_keys("faces")):
        assert {"network", "training.precision"} <= set(keys)
    assert not any(key == "evaluation.transfer" for key in transfer_keys("faces"))  # a new set leaves the others alone
