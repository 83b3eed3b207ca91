"""A study file is read strictly: every fault is one line with file, key, value and what is allowed."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrec.commands.study import transfer
from entrec.errors import UserError
from entrec.methods import METHODS
from entrec.runs import Run
from entrec.strict import Invalid, named_after, validated
from entrec.study import Study, evaluate_keys, load_study, pretrain_keys, transfer_keys
from entrec.yaml_reader import Document, read_yaml

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
        (
            "width: 8",
            "widht: 8",
            ["network.widht", "unknown key", "8", "did you mean width? allowed: backbone, width, stem"],
        ),
        ("title:", "titel:", ["titel", "unknown key", "did you mean title? allowed: title, description"]),
        ("width: 8", "width: eight", ["network.width: 'eight'; allowed: whole numbers from 1 to 4,096"]),
        ("width: 8", 'width: "8"', ["network.width: '8'; write 8; allowed: whole numbers from 1"]),
        ("width: 8", "width: 0", ["network.width: 0; allowed: whole numbers from 1"]),
        (
            "source: digits",
            "source: digit",
            ["datasets.digits.source: unknown source 'digit'; did you mean digits? allowed: digits, faces"],
        ),
        ("dataset: digits\n", "dataset: mnist\n", ["dataset", "'mnist'", "digits, faces, textures"]),
        ("claims: [C1]", "claims: [C2]", ["claims.0: 'C2'; allowed: C1, C4, C5, C6, C7"]),
        ("claims: [C1]", "claims: [C1, C1]", ["claims.1", "C1", "given twice"]),
        ("[faces, textures]", "[faces, flowers]", ["evaluation.transfer.datasets.1", "'flowers'", "faces, textures"]),
        (
            "  cmc: {",
            "  cmcc: {",
            ["methods.cmcc: unknown method 'cmcc'; did you mean cmc? allowed: untrained, supervised"],
        ),
        (
            "label_smoothing: 0.1",
            "label_smoothing: 2",
            ["methods.supervised.label_smoothing: 2; allowed: numbers from 0 to 1"],
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
        (
            "\n  faces: ",
            "\n  fa.ces: ",
            ["datasets.fa.ces: 'fa.ces' cannot be a name; allowed: letters of A to Z, digits, _ and -"],
        ),
        ("\n  faces: ", "\n  Digits: ", ["datasets.Digits: differs from 'digits' in its case alone"]),
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
            ["batch_sizes.0: 256", "not divisible by the 6 processes of resources.pretrain", "multiples of 6"],
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
        (
            "  evaluate: {threads: 1, memory_mb: 1500, gpus: 0, minutes: 10}",
            "  evaluate: null",
            ["resources.evaluate: null", "allowed: a mapping; null only for transfer"],
        ),
        ("  pretrain: {threads", "  pretrian: {threads", ["resources.pretrian", "pretrain"]),
        ("compile: false\n  chunk: null", "compile: true\n  chunk: 8", ["training.compile: true", "allowed: false"]),
        ("chunk: null", "chunk: 0", ["training.chunk: 0; allowed: whole numbers from 1 to 2,147,483,647, or null"]),
        ("\n  byol: >-", "\n  boyl: >-", ["notes.boyl", "did you mean byol? allowed: untrained, supervised, simclr"]),
        ("local_views: null", "local_views: {siez: 5}", ["local_views.siez", "unknown key", "size, view"]),
        (
            "local_views: null",
            "local_views: {size: 5, view: {<<: *view, blurr: 0}}",
            ["local_views.view.blurr", "unknown key", "crop_scale, crop_ratio, flip"],
        ),
        ("local_views: null", "local_views: {size: 9, view: *view}", ["local_views.size", "9", "up to 8"]),
        (
            "validation: 0.15",
            "validation: 0",
            ["datasets.digits.validation: 0; digits has no official validation split"],
        ),
        ("local_crops: 0", "local_crops: 2", ["methods.dino.local_crops: 2", "local_views is null", "allowed: 0"]),
    ],
)
def test_a_fault_is_one_line_that_names_file_line_key_value_and_what_is_allowed(tmp_path, old, new, says):
    path = edited(tmp_path, old, new)
    with pytest.raises(UserError) as caught:
        load_study(path)
    lines = str(caught.value).split("\n")
    assert all(re.match(rf"{re.escape(str(path))}, line \d+: ", line) for line in lines)
    assert any(all(part in line for part in says) for line in lines), lines


def test_a_claim_without_its_experiment_is_refused(tmp_path):
    study = read_yaml(DEMO) | {"claims": ["C4", "C5", "C6", "C7"], "batch_sizes": [256], "epochs": [20]}
    study["evaluation"]["transfer"]["datasets"] = []
    path, transfer_sets = tmp_path / "none.yaml", "evaluation.transfer.datasets"
    path.write_text(json.dumps(study))
    with pytest.raises(UserError) as caught:
        load_study(path)
    assert [line.split(": ", 1)[1] for line in str(caught.value).split("\n")] == [
        f"claims.1: 'C5', but {transfer_sets} has 0; allowed: with at least 1 of {transfer_sets}",
        "claims.2: 'C6', but batch_sizes has 1; allowed: with at least 2 of batch_sizes",
        "claims.3: 'C7', but epochs has 1; allowed: with at least 2 of epochs",
    ]


def test_a_study_without_methods_is_refused(tmp_path):
    study = read_yaml(DEMO)
    (tmp_path / "none.yaml").write_text(json.dumps(study | {"methods": {}, "notes": {}}))
    with pytest.raises(
        UserError, match=r"none.yaml, line 1: methods: \{\}; a study needs at least one method; allowed: untr"
    ):
        load_study(tmp_path / "none.yaml")


def settings_keys():
    """Dotted keys of the demo that are fields of a settings class, not names of datasets, methods, steps or notes."""
    named = ("datasets", "methods", "notes", "resources")
    waiting, keys = [("", read_yaml(DEMO))], []
    while waiting:
        place, values = waiting.pop()
        for key, value in values.items() if isinstance(values, dict) else enumerate(values):
            dotted = f"{place}.{key}".strip(".")
            if isinstance(values, dict) and place not in named:
                keys.append(dotted)
            if isinstance(value, dict | list):
                waiting.append((dotted, value))
    return keys


def inner(values, dotted):
    """The mapping that holds a dotted key, and the last part of the key."""
    *places, key = dotted.split(".")
    for place in places:
        values = values[int(place) if isinstance(values, list) else place]
    return values, key


@pytest.mark.parametrize("change", ["misspelt", "missing"])
def test_every_key_that_is_misspelt_or_missing_is_named_with_its_place(change):
    optional = {"path", "colour", "short_side", "broken", "nodes"}
    keys, written = settings_keys(), json.dumps(read_yaml(DEMO))
    assert {"title", "network.width", "views.1.blur", "methods.byol.optimiser.lr", "resources.prepare.gpus"} <= {*keys}
    for dotted in keys:
        raw = json.loads(written)  # each alias is its own value
        values, key = inner(raw, dotted)
        assert key not in optional
        value = values.pop(key)
        if change == "misspelt":
            values[f"{key}x"] = value
        with pytest.raises(UserError) as caught:
            named_after(Document(DEMO, raw, {}), Study)
        says = f"{dotted}x: unknown key" if change == "misspelt" else f"{dotted}: missing"
        assert str(caught.value).startswith(f"{DEMO}, line 1: {says}")
        assert f" {dotted}: missing" not in str(caught.value).removeprefix(f"{DEMO}, line 1: {says}")


def test_all_faults_of_a_study_are_found_at_once():
    """Also those of checks that need none of the values that are wrong."""
    raw = read_yaml(DEMO)
    raw["datasets"]["digits"].update(path="x", broken="skip")
    raw["datasets"]["faces"]["source"] = "facse"
    raw["network"]["stem"] = "4x4"
    raw["views"][1] = {**raw["views"][1], "blur": 2}
    raw["seeds"]["main"] = [0, 1, 0, 1]
    raw["training"]["warmup_epochs"] = 1000
    raw["diagnostics"]["samples"] = 9999
    raw["datasets"]["faces"]["channels"] = 3
    raw["methods"]["dino"]["local_crops"] = 2
    raw["methods"]["cmcc"] = raw["methods"].pop("cmc")
    raw["methods"]["byol"]["momentum"] = "x"
    raw["evaluation"]["knn"]["neighbors"] = raw["evaluation"]["knn"].pop("neighbours")
    raw["evaluation"]["transfer"]["datasets"] = ["nothing"]
    assert sorted(faults_of(raw)) == [
        "datasets.digits.broken", "datasets.digits.path", "datasets.faces.channels", "datasets.faces.source",
        "diagnostics.samples", "evaluation.knn.neighbors", "evaluation.transfer.datasets.0", "methods.byol.momentum",
        "methods.cmcc", "methods.dino.local_crops", "network.stem", "seeds.main.2", "seeds.main.3",
        "training.warmup_epochs", "views.1.blur",
    ]  # fmt: skip


def test_faults_stand_in_the_order_of_the_file_each_with_its_line(tmp_path):
    written = DEMO.read_text().replace("local_crops: 0", "local_crops: 2").replace("title:", "titel:")
    written = written.replace("jitter: 0.8", "jitter: .inf", 1).replace("stem: 3x3", "stem: 4x4")
    (tmp_path / "demo.yaml").write_text(written)
    with pytest.raises(UserError) as caught:
        load_study(tmp_path / "demo.yaml")
    said = [line.removeprefix(f"{tmp_path}/demo.yaml, ") for line in str(caught.value).split("\n")]
    numbers = {text: written[: written.index(text)].count("\n") + 1 for text in ("titel", ".inf", "4x4", "local_crops")}
    assert [line[: line.index(":", 10)] for line in said] == [
        f"line {numbers['titel']}: titel",
        f"line {numbers['4x4']}: network.stem",
        f"line {numbers['.inf']}: views.0.jitter",
        f"line {numbers['local_crops']}: methods.dino.local_crops",
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("epochs: [20, 10]", "epochs: 20", "epochs: 20; write [20]"),
        ("epochs: [20, 10]", "epochs: 20, 10", "epochs: '20, 10'; write [20, 10]"),
        ("epochs: [20, 10]", "epochs: [20.0, 10]", "epochs.0: 20.0; write 20"),
        ("channels: 1,", 'channels: "1",', "datasets.digits.channels: '1'; write 1"),
        ("jitter: 0.8", "jitter: 80%", "views.0.jitter: '80%'; write 0.8"),
        ("jitter: 0.8", "jitter: 0,8", "views.0.jitter: '0,8'; write 0.8"),
        ("channels_last: false", "channels_last: no", "training.channels_last: 'no'; write false"),
        ("compile: false", "compile: 0", "training.compile: 0; write false"),
        ("backbone: small_resnet", "backbone: Small-ResNet", "'Small-ResNet'; did you mean small_resnet?"),
        ("dataset: digits\n", "dataset: Digit\n", "unknown dataset 'Digit'; did you mean digits?"),
        ("title: ", "title: 8 #", 'title: 8; write "8"'),
        ("title: ", "title: null #", "title: null; allowed: text"),
    ],
)
def test_a_near_miss_is_told_how_to_be_written(tmp_path, old, new, says):
    with pytest.raises(UserError, match=re.escape(says)):
        load_study(edited(tmp_path, old, new))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("  - *view\nlocal", "  - &one {<<: *one}\nlocal", "views.1: *one: a value that holds itself"),
        ("batch_sizes: [256, ", "batch_sizes: [.inf, ", "batch_sizes.0: .inf: a number must be finite"),
        ("main: [0, 1]", "main: [!mine 0]", "seeds.main.0: tag '!mine': only plain values are read"),
        ("  - *view\nlocal", "  - {<<: 5}\nlocal", "views.1.<<: takes an alias of a mapping, or a list of them"),
    ],
)
def test_what_is_left_out_for_a_value_that_cannot_be_read_is_not_called_missing(tmp_path, old, new, says):
    with pytest.raises(UserError) as caught:
        load_study(edited(tmp_path, old, new))
    (line,) = str(caught.value).split("\n")
    assert line.endswith(says)


SECOND = ("  - *view\nlocal", "  - {<<: *view, blur: 7}\nlocal")


@pytest.mark.parametrize("second", [None, SECOND], ids=["alias", "merge key"])
@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("jitter: 0.8", "jitter: .inf", "views.0.jitter: .inf: a number must be finite (also views.1.jitter)"),
        ("jitter: 0.8", "jitter: 80%", "views.0.jitter: '80%'; write 0.8; allowed: "),
        ("jitter: 0.8", "gitter: 0.8", "views.0.gitter: unknown key (value 0.8); did you mean jitter? allowed: "),
        ("    jitter: 0.8\n", "", "views.0.jitter: missing; this key is required (also views.1.jitter)"),
    ],
)
def test_a_mistake_in_an_anchor_is_said_once_where_it_stands(tmp_path, second, old, new, says):
    path = edited(tmp_path, old, new)
    line = DEMO.read_text()[: DEMO.read_text().index(old if new else "&view")].count("\n") + 1
    if second:
        path.write_text(path.read_text().replace(*second))
    with pytest.raises(UserError) as caught:
        load_study(path)
    first, *others = str(caught.value).split("\n")
    assert first.startswith(f"{path}, line {line}: {says}")
    assert first.endswith(f"(also views.1.{says.split(':')[0].split('.')[-1]})")
    assert [other.split(": ")[1] for other in others] == (["views.1.blur"] if second else [])


def test_equal_mistakes_at_different_places_are_each_said(tmp_path):
    with pytest.raises(UserError) as caught:
        load_study(edited(tmp_path, "epochs: [20, 10]", "epochs: [x, x]"))
    assert [line.split(": ")[1] for line in str(caught.value).split("\n")] == ["epochs.0", "epochs.1"]


@pytest.mark.parametrize(
    "change",
    [
        lambda study, name: study["datasets"].update({name: study["datasets"]["faces"]}) or study.update(dataset="x"),
        lambda study, name: study["datasets"].update({name: 1, name.upper(): 1}),
        lambda study, name: study["evaluation"]["transfer"].update(datasets=[name, name]),
        lambda study, name: study["evaluation"]["transfer"].update(datasets=name),
        lambda study, name: study["methods"].update({name: {}}),
        lambda study, name: study["notes"].update({name: ""}),
        lambda study, name: study.update(dataset=name),
        lambda study, name: (
            study["datasets"].update({f"{name}{i}": 1 for i in range(200)}) or study.update(dataset="x")
        ),
    ],
)
def test_no_message_repeats_a_long_name_or_a_thousand_names(tmp_path, change):
    study, name = read_yaml(DEMO), "n" * 300
    change(study, name)
    path = tmp_path / "demo.yaml"
    path.write_text(json.dumps(study, indent=1))
    with pytest.raises(UserError) as caught:
        load_study(path)
    assert "n" * 70 in str(caught.value)
    assert "n" * 81 not in str(caught.value)
    assert max(map(len, str(caught.value).split("\n"))) < len(str(path)) + 52 * 82


def test_a_long_value_is_cut(tmp_path):
    with pytest.raises(UserError) as caught:
        load_study(edited(tmp_path, "width: 8", f"width: {'x' * 70_000}"))
    assert len(str(caught.value)) < len(str(tmp_path)) + 300


def faults_of(raw):
    """Return the keys of all faults of a study."""
    with pytest.raises(Invalid) as caught:
        validated(Study, {**raw, "name": "demo"})
    return [fault.key for fault in caught.value.faults]


def test_a_study_is_named_by_its_file_alone():
    with pytest.raises(UserError, match=r"demo\.yaml, line 1: name: unknown key \(value 'x'\)"):
        named_after(Document(DEMO, {**read_yaml(DEMO), "name": "x"}, {}), Study)


def test_a_study_is_read_without_torch_and_pandas():
    code = (
        "import sys, pathlib, entrec.study, entrec.__main__; entrec.study.load_study(pathlib.Path('params/demo.yaml'))"
    )
    code += "; print({'torch', 'pandas', 'scipy'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "set()"


def test_the_theory_studies_are_named_where_a_study_of_methods_is_meant():
    with pytest.raises(UserError, match=r"params/theory.yaml: the theory studies.*snakemake theory"):
        load_study(Path("params/theory.yaml"))


def test_a_dataset_that_the_study_has_not_is_refused_at_the_door(tmp_path):
    with pytest.raises(UserError, match="unknown dataset 'nope'; allowed: digits, faces, textures"):
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


COUNTS = st.integers(min_value=0, max_value=10**9)


@given(run=st.builds(Run, st.sampled_from([*METHODS]), COUNTS, COUNTS, COUNTS))
def test_a_run_is_its_name(run):
    assert Run.parse(str(run)) == run


@pytest.mark.parametrize(
    "name", ["simclr", "simclr-b256-e20", "simclr-b256-e20-s-1", "SimCLR-b256-e20-s0", "x-b1-e1-s0 "]
)
def test_another_text_is_no_run(name):
    with pytest.raises(UserError, match="not the name of a run; expected METHOD-bBATCH-eEPOCHS-sSEED"):
        Run.parse(name)


def test_editing_one_method_changes_only_that_methods_slice(tmp_path):
    old = "  cmc: {optimiser: {<<: *adamw}, projector: [64,"
    before, after = load_study(DEMO), load_study(edited(tmp_path, old, old.replace("64", "63")))
    slices = [{m: study.slice(pretrain_keys(study, m)) for m in study.methods} for study in (before, after)]
    assert {m for m in before.methods if slices[0][m] != slices[1][m]} == {"cmc"}


def test_evaluations_depend_on_how_features_are_computed():
    """The untrained encoder keeps its bytes when the precision changes; its score need not."""
    for keys in (evaluate_keys(), transfer_keys("faces")):
        assert {"network", "training.precision"} <= set(keys)
    assert not any(key == "evaluation.transfer" for key in transfer_keys("faces"))  # a new set leaves the others alone
