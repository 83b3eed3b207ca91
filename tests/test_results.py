"""Result files: what is written is read back, and a fault names the file, the key and the command that mends it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.report.conftest import made_from

from entrec.errors import UserError
from entrec.paths import DatasetFolder
from entrec.results import EvaluationResult, digest_of, read_card, read_result, write_result

REMEDY = "snakemake evaluation.json"
MADE = made_from(seed=7)  # of synthetic data, which has no dataset
SCORES = {"test": 0.9, "test_mean_per_class": 0.8, "validation": 1.0}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    grid = [{"l2": 0.0, "validation": 1.0, "gradient_norm": 1e-7}]
    scores = {"linear": {**SCORES, "l2": 0.0, "grid": grid}, "knn": SCORES}
    about = {"run": "byol-b64-e20-s7", "encoder": "0" * 64}
    values = {**about, **scores, "made_from": MADE.model_dump(exclude_unset=True)}
    values["digest"] = digest_of(values)
    write_result(tmp_path / "evaluation.json", EvaluationResult.model_validate_json(json.dumps(values)))
    assert json.loads((tmp_path / "evaluation.json").read_text()) == values
    assert list(json.loads((tmp_path / "evaluation.json").read_text())) == list(values)
    return tmp_path / "evaluation.json"


def read(path: Path, run: str = "byol-b64-e20-s7") -> EvaluationResult:
    return read_result(EvaluationResult, path, remedy=REMEDY, about={"run": run})


def test_what_is_written_is_read_back(file: Path) -> None:
    result = read(file)
    assert result.made_from == MADE
    assert result.linear.grid[0].l2 == 0.0
    assert "dataset" not in json.loads(file.read_text())["made_from"]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('{\n  "run"', '"run"', "not valid JSON"),
        ('"test": 0.9,', "", "has no linear.test"),
        ('"test": 0.9', '"test": 93.1', "linear.test is 93.1, which should be less than or equal to 1"),
        ('"test": 0.9', '"test": "high"', "linear.test is 'high', which should be a valid number"),
        ('"test": 0.9', '"test": NaN', "linear.test is nan, which should be a finite number"),
        ('"test": 0.9', '"tests": 0.9, "test": 0.9', "has the unknown key linear.tests"),
        ('"seed": 7', '"seed": 7.0', "made_from.seed is 7.0, which should be a valid integer"),
        ('"test": 0.9', '"test": 0.8', "its digest is not that of its contents, so that a value was altered"),
        ('"digest"', '"x": 1, "digest"', "has the unknown key x"),
        ('"made_from": {', '"made_from": 1, "x": {', "made_from is a int, which should be keys and values"),
        ('"made_from": {', '"provenance": {', "has no made_from"),  # as results of earlier versions are
    ],
)
def test_a_damaged_file_is_named_with_its_fault_and_the_remedy(old: str, new: str, fault: str, file: Path) -> None:
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(UserError) as caught:
        read(file)
    assert str(caught.value) == f"{file}: damaged ({fault}); delete it and make it again: {REMEDY}"


def test_a_file_about_another_run_is_refused(file: Path) -> None:
    with pytest.raises(UserError, match=r"damaged \(run is 'byol-b64-e20-s7', which should be 'simclr-b64-e20-s7'\)"):
        read(file, "simclr-b64-e20-s7")


def test_a_missing_file_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"none\.json: missing; make it: {REMEDY}"):
        read(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("folder", "remedy"),
    [
        ("data/demo/nothing", "snakemake data/demo/nothing/card.json --configfile params/demo.yaml"),
        ("data/nobody/nothing", "rerun the preparation"),  # no such study
        ("elsewhere/demo/nothing", "rerun the preparation"),
    ],
)
def test_a_missing_card_of_a_study_is_named_with_the_command_that_makes_it(folder: str, remedy: str) -> None:
    with pytest.raises(UserError) as caught:
        read_card(DatasetFolder(Path(folder)))
    assert str(caught.value) == f"{folder}/card.json: missing; make it: {remedy}"


def test_the_models_import_neither_pandas_nor_torch() -> None:
    code = "import sys, entrec.results; print({'pandas', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
