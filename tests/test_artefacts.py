"""Files appear whole or not at all."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from dvc.repo import Repo

from entrec.artefacts import alone_in, in_turn, read_json, replacing, replacing_all, write_csv, write_json, write_text
from entrec.errors import UserError
from entrec.networks import load_backbone
from entrec.settings import Network


def test_a_failed_write_leaves_the_old_file_and_no_scratch(tmp_path):
    path = tmp_path / "value.json"
    write_text(path, "good")
    with pytest.raises(ZeroDivisionError), replacing(path) as scratch:
        print(scratch.write_text("half") / 0)
    assert path.read_text() == "good"
    assert list(tmp_path.iterdir()) == [path]


WRITE_WITHOUT_ROOM = """
import resource, sys
from pathlib import Path
from entrec.artefacts import write_text
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
write_text(Path(sys.argv[1]), "x" * 10_000)
"""


def test_a_disk_without_room_is_one_line_and_loses_nothing(tmp_path):
    """The system refuses to let a file grow beyond a limit as it refuses a write to a full disk.

    The limit holds for a child alone, since this process may itself be writing into a file that is larger.
    """
    path = tmp_path / "value.json"
    write_text(path, "good")
    child = subprocess.run([sys.executable, "-c", WRITE_WITHOUT_ROOM, path], capture_output=True, text=True)
    assert child.stderr.splitlines()[-1].startswith("entrec.errors.UserError: ")
    assert "value.json: cannot be written (File too large); free space" in child.stderr
    assert path.read_text() == "good"
    assert list(tmp_path.iterdir()) == [path]


def test_of_several_files_none_moves_before_all_are_on_disk(tmp_path, monkeypatch):
    paths = [tmp_path / name for name in "abc"]
    for path in paths:
        write_text(path, "old")
    flush, flushed = os.fsync, []

    def full(file):
        flushed.append(file)
        if len(flushed) == len(paths):
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(file)

    monkeypatch.setattr(os, "fsync", full)
    with (
        pytest.raises(UserError, match=r"a, .*b, .*c: cannot be written \(No space left"),
        replacing_all(paths) as files,
    ):
        list(map(Path.touch, files))
    assert [path.read_text() for path in paths] == ["old"] * 3
    assert sorted(tmp_path.iterdir()) == paths


def test_several_files_move_in_the_order_given(tmp_path, monkeypatch):
    moved, move = [], os.replace
    monkeypatch.setattr(os, "replace", lambda source, target: (moved.append(target.name), move(source, target)))
    with replacing_all([tmp_path / name for name in "bca"]) as files:
        for file in files:
            file.write_text("new")
    assert moved == ["b", "c", "a"]


WRITE_FOR_EVER = """
import sys, time
from pathlib import Path
from entrec.artefacts import replacing
with replacing(Path(sys.argv[1])) as scratch:
    scratch.write_text("half")
    print(scratch, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def writer(tmp_path):
    """A process that is writing into the folder; it says the name of its scratch file first."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITE_FOR_EVER, str(tmp_path / "old.json")], stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def test_what_a_killed_process_left_is_removed_by_the_next_write_into_the_folder(tmp_path, writer):
    left = Path(writer.stdout.readline().strip())
    assert left.read_text() == "half"
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    write_text(tmp_path / "new.json", "whole")
    assert list(tmp_path.iterdir()) == [tmp_path / "new.json"]


def test_the_scratch_file_of_a_living_process_stays(tmp_path, writer):
    left = Path(writer.stdout.readline().strip())
    write_text(tmp_path / "new.json", "whole")
    assert left.read_text() == "half"


def test_the_scratch_file_of_another_machine_stays_for_a_day(tmp_path):
    young, old = (tmp_path / f".{name}.json.other-node-1.scratch" for name in ("young", "old"))
    young.touch()
    old.touch()
    two_days_ago = old.stat().st_mtime - 2 * 24 * 3600
    os.utime(old, (two_days_ago, two_days_ago))
    write_text(tmp_path / "new.json", "whole")
    assert sorted(tmp_path.iterdir()) == [young, tmp_path / "new.json"]


def test_git_and_dvc_ignore_scratch_files(writer):
    left = Path("params", Path(writer.stdout.readline().strip()).name)
    assert subprocess.run(["git", "check-ignore", "--quiet", left]).returncode == 0
    assert Repo().dvcignore.is_ignored_file(str(left.absolute()))


def test_a_file_in_place_of_a_folder_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file/x: cannot be written"):
        write_text(tmp_path / "file" / "x", "text")


def test_a_folder_in_place_of_a_file_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"cannot be read \(Is a directory\)"):
        read_json(tmp_path)
    with pytest.raises(UserError, match=f"{tmp_path}: cannot be read"):
        load_backbone(tmp_path, Network(backbone="small_resnet", width=8, stem="3x3"), channels=1)


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


HOLD = """
import sys, time
from pathlib import Path
from entrec.artefacts import alone_in, in_turn
with alone_in(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def holder(tmp_path):
    """A function that starts a process which holds a folder for some seconds."""
    started = []

    def hold(folder, seconds):
        command = [sys.executable, "-c", HOLD, str(folder), str(seconds)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout.readline() == "held\n"
        return started[-1]

    yield hold
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_folder_that_another_process_holds_is_refused_until_it_ends_even_if_it_is_killed(holder, tmp_path):
    folder = tmp_path / "some" / "folder"
    process = holder(folder, 600)
    with (
        pytest.raises(UserError, match="folder: another process is at work there; wait until it has ended, or stop it"),
        alone_in(folder),
    ):
        pass
    process.kill()
    process.wait()
    with alone_in(folder):
        assert list(folder.iterdir()) == []


def test_processes_that_take_turns_wait_for_each_other(holder, tmp_path):
    began = time.monotonic()
    process = holder(tmp_path, 1)
    with in_turn(tmp_path):
        assert time.monotonic() - began > 1
        assert process.wait(timeout=10) == 0


def test_a_folder_that_cannot_be_made_is_left_to_whoever_writes_there(tmp_path):
    (tmp_path / "file").write_text("")
    with alone_in(tmp_path / "file" / "folder"):
        pass
