"""The fingerprint changes with what computes, and with nothing else."""

import shutil
from pathlib import Path

import pytest
import torch

from entrec import provenance


@pytest.fixture
def package(tmp_path, monkeypatch):
    copy = tmp_path / "entrec"
    shutil.copytree(Path(provenance.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "PACKAGE", copy)
    return copy


def fingerprint():
    provenance.fingerprint.cache_clear()
    try:
        return provenance.fingerprint()
    finally:
        provenance.fingerprint.cache_clear()


def test_comments_and_docstrings_leave_the_fingerprint_alone(package):
    before = fingerprint()
    path = package / "information/sphere.py"
    text = path.read_text().replace('"""Log surface area', '"""Logarithm of the surface area')
    path.write_text(text + "\n# a remark\n")
    assert fingerprint() == before


def test_a_changed_constant_changes_the_fingerprint(package):
    before = fingerprint()
    path = package / "information/sphere.py"
    path.write_text(path.read_text().replace("math.log(2) +", "math.log(3) +"))
    assert fingerprint() != before


def test_the_report_does_not_enter_the_fingerprint(package):
    before = fingerprint()
    path = package / "report/tables.py"
    path.write_text(path.read_text() + "\nX = 1\n")
    assert fingerprint() == before


def test_a_record_says_data_seed_code_hardware_and_time():
    with provenance.record({"network": 1}, "digits", "abc", seed=7, device=torch.device("cpu")) as record:
        assert "seconds" not in record
    assert record["dataset"] == {"name": "digits", "checksum": "abc"}
    assert record["seed"] == 7
    assert record["versions"]["torch"] == torch.__version__.split("+")[0]
    assert record["hardware"]["device"] == "cpu"
    assert record["seconds"] >= 0
    assert record["peak_memory_mb"] > 50
