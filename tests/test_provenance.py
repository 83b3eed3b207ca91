"""The fingerprint changes with what computes, and with nothing else."""

import ast
import io
import os
import shutil
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest
import torch

from entrec import fingerprint, provenance
from entrec.commit import commit_of
from entrec.results import DataIdentity


@pytest.fixture
def package(tmp_path, monkeypatch):
    copy = tmp_path / "entrec"
    shutil.copytree(Path(provenance.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(fingerprint, "PACKAGE", copy)
    return copy


def today(study="pretraining"):
    fingerprint.fingerprint.cache_clear()
    try:
        return fingerprint.fingerprint(study)
    finally:
        fingerprint.fingerprint.cache_clear()


def bare_by_pythons_own_parser(source):
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            docstring = node.body[0]
            for row in range(docstring.lineno, docstring.end_lineno + 1):
                lines[row - 1] = ""
    return "\n".join(line.rstrip() for line in lines if line.strip())


def test_exactly_docstrings_and_comments_are_left_out_of_every_module():
    for path in fingerprint.PACKAGE.rglob("*.py"):
        source = path.read_text()
        assert fingerprint.bare(source) == bare_by_pythons_own_parser(source), path


def test_comments_and_docstrings_leave_the_fingerprint_alone(package):
    before = today()
    path = package / "information/sphere.py"
    text = path.read_text().replace('"""Log surface area', '"""Logarithm of the surface area')
    path.write_text(text + "\n# a remark\n")
    assert today() == before


def test_a_changed_constant_changes_the_fingerprint(package):
    before = today()
    path = package / "information/sphere.py"
    path.write_text(path.read_text().replace("math.log(2) +", "math.log(3) +"))
    assert today() != before


def test_the_report_does_not_enter_the_fingerprint(package):
    before = today()
    path = package / "report/vision/tables.py"
    path.write_text(path.read_text() + "\nX = 1\n")
    assert today() == before


@pytest.mark.parametrize(
    ("module", "stale"),
    [
        ("theory/estimators/gaussian.py", {"theory"}),
        ("methods/entrec_cont.py", {"pretraining"}),
        ("data/views.py", {"pretraining"}),
        ("evaluation/knn.py", {"pretraining"}),
        ("training/pretrain.py", {"pretraining"}),
        ("information/sphere.py", {"theory", "pretraining"}),
        ("training/checkpoint.py", {"theory", "pretraining"}),
        ("training/eager.py", {"theory", "pretraining"}),
        ("training/device.py", {"theory", "pretraining"}),
        ("training/schedule.py", {"theory", "pretraining"}),
        ("report/vision/tables.py", set()),
        ("__main__.py", set()),
    ],
)
def test_an_edit_makes_stale_the_studies_that_it_can_alter(package, module, stale):
    before = {study: today(study) for study in ("theory", "pretraining")}
    path = package / module
    path.write_text(path.read_text() + "\nX = 1\n")
    assert {study for study in before if today(study) != before[study]} == stale


STEPS = ("estimators.gaussian", "estimators.sphere", "estimators.rates", "identifiability.steps")
NUMBERLESS = {  # the theory studies import these, and no number depends on them
    "__init__.py", "allowed.py", "artefacts.py", "collectives.py", "commit.py", "errors.py", "fingerprint.py",
    "paths.py", "progress.py", "provenance.py", "regular.py", "settings.py", "sources.py", "strict.py",
    "training/__init__.py", "training/distributed.py", "yaml_reader.py",
}  # fmt: skip


def test_all_that_the_theory_studies_import_is_in_their_fingerprint_or_alters_no_number():
    steps = ", ".join(f"entrec.theory.{step}" for step in STEPS)
    code = f"import sys, {steps}; print(*(m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'entrec'))"
    environment = os.environ | {"PYTHONPATH": "src"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    modules = {Path(file).relative_to(fingerprint.PACKAGE).as_posix() for file in done.stdout.split()}
    assert "information/bounds.py" in modules
    others = {module for module in modules if not fingerprint.computes(module, "theory")}
    assert {module for module in others if not module.startswith("results/")} <= NUMBERLESS


def test_a_record_says_data_seed_code_hardware_and_time():
    with provenance.record({"network": 1}, "digits", "abc", seed=7, device=torch.device("cpu")) as recording:
        pass
    assert recording.made_from.params == {"network": 1}
    assert recording.made_from.dataset == DataIdentity(name="digits", checksum="abc")
    assert recording.made_from.seed == 7
    made = recording.circumstances
    assert made.versions["torch"] == torch.__version__.split("+")[0]
    assert made.hardware.device == "cpu"
    assert made.seconds >= 0
    assert made.peak_memory_mb > 50


def test_a_record_of_synthetic_data_has_no_dataset():
    with provenance.record({"samples": 64}, seed=0, device=torch.device("cpu"), study="theory") as recording:
        pass
    assert "dataset" not in recording.made_from.model_dump(exclude_unset=True)
    assert recording.circumstances.code == fingerprint.fingerprint("theory") != fingerprint.fingerprint("pretraining")


def commit_all(folder: Path) -> None:
    """Make a repository of `folder`, and a commit of all its files."""
    author = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "-A"], [*author, "commit", "-qm", "first"]):
        subprocess.run(["git", "-C", str(folder), *command], check=True)


def test_looking_at_the_commit_writes_nothing_into_the_repository(tmp_path):
    (tmp_path / "file").write_text("text")
    commit_all(tmp_path)
    os.utime(tmp_path / "file", (1, 1))  # `git status` would renew what the index knows of this file
    before = (tmp_path / ".git/index").read_bytes()
    assert commit_of(tmp_path).dirty is False
    assert (tmp_path / ".git/index").read_bytes() == before


@pytest.mark.parametrize(
    ("file", "dirty"),
    [
        ("src/entrec/file", True),
        ("params/record", True),
        ("record/files/md5/00/1", False),
        ("dvc.lock", False),
        ("dvc/zoo/dvc.lock", False),
        ("reports/published/demo/table_1.csv", False),
    ],
)
def test_only_the_records_of_results_may_change_without_a_mark(tmp_path, file, dirty):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "src").mkdir(exist_ok=True)
    path.write_text("before")
    commit_all(tmp_path)
    path.write_text("after")
    assert commit_of(tmp_path / "src").dirty is dirty


@pytest.mark.parametrize("git", ["#!/bin/sh\nexit 128\n", None], ids=["no repository", "no git"])
def test_where_git_cannot_be_asked_commit_and_changes_are_unknown(tmp_path, monkeypatch, git):
    if git:
        (tmp_path / "git").write_text(git)
        (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with provenance.record({}, seed=0, device=torch.device("cpu")) as recording:
        pass
    assert (recording.circumstances.commit, recording.circumstances.dirty) == (None, None)
