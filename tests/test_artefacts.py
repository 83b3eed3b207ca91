"""Files appear whole or not at all."""

import errno

import pytest

from entrec.artefacts import read_json, replacing, write_csv, write_json, write_text
from entrec.errors import UserError


def test_a_failed_write_leaves_the_old_file_and_no_scratch(tmp_path):
    path = tmp_path / "value.json"
    write_text(path, "good")
    with pytest.raises(ZeroDivisionError), replacing(path) as scratch:
        print(scratch.write_text("half") / 0)
    assert path.read_text() == "good"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path):
    path = tmp_path / "value.json"
    write_text(path, "good")
    with pytest.raises(UserError, match=r"value.json: cannot be written \(No space left"), replacing(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert path.read_text() == "good"


def test_json_has_no_nan(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "x.json", {"value": float("nan")})
    assert not list(tmp_path.iterdir())


def test_missing_and_damaged_json_are_named(tmp_path):
    with pytest.raises(UserError, match=r"a.json: missing"):
        read_json(tmp_path / "a.json")
    (tmp_path / "b.json").write_text('{"a": ')
    with pytest.raises(UserError, match=r"b.json: not valid JSON"):
        read_json(tmp_path / "b.json")


def test_csv_columns_are_the_union_in_order(tmp_path):
    write_csv(tmp_path / "t.csv", [{"b": 1}, {"a": 2, "b": 3}], columns=["step"])
    assert (tmp_path / "t.csv").read_text() == "step,b,a\n,1,\n,3,2\n"
