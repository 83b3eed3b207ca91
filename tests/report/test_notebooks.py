"""The kernels of notebooks: their sockets are in a private folder, wherever temporary files go."""

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import pytest

from entrec.errors import UserError
from entrec.report import notebooks
from entrec.report.notebooks import jupyter_home

RENDER = """
import sys
from pathlib import Path
from entrec.report.notebooks import execute, jupyter_home
with jupyter_home():
    execute(Path(sys.argv[1]), {}, Path(sys.argv[2]))
"""


@pytest.fixture
def temporary_in(monkeypatch):
    """A function that makes a folder that of temporary files, as at the start of a process."""

    def choose(folder):
        monkeypatch.setenv("TMPDIR", str(folder))
        monkeypatch.setattr(tempfile, "tempdir", None)

    return choose


def can_hold_sockets(folder):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(os.path.join(folder, "12345678", "k-5"))
    return True


@pytest.mark.parametrize("name", ["short", "long" * 50, "no/such/folder"])
def test_sockets_find_a_place_whatever_tmpdir_is(name, temporary_in, tmp_path):
    if "/" not in name:
        (tmp_path / name).mkdir()
    temporary_in(tmp_path / name)
    with jupyter_home():
        folder = os.environ["JUPYTER_RUNTIME_DIR"]
        assert Path(folder).stat().st_mode & 0o777 == 0o700
        os.mkdir(os.path.join(folder, "12345678"))
        assert can_hold_sockets(folder)
    assert not Path(folder).exists()


def test_a_relative_tmpdir_is_one_of_the_working_folder(temporary_in, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t").mkdir()
    temporary_in("t")
    with jupyter_home():
        assert Path(os.environ["JUPYTER_RUNTIME_DIR"]).is_absolute()


def test_without_a_place_for_sockets_the_remedy_is_one_line(temporary_in, tmp_path, monkeypatch):
    (tmp_path / ("long" * 50)).mkdir()
    temporary_in(tmp_path / ("long" * 50))
    monkeypatch.setattr(notebooks, "SHORT_FOLDERS", ("/no/such/folder",))
    with (
        pytest.raises(UserError, match=r"^TMPDIR: none of .* can hold a socket; set TMPDIR to a short path"),
        jupyter_home(),
    ):
        pass


def test_notebooks_that_run_at_the_same_time_do_not_meet(tmp_path):
    cells = [nbformat.v4.new_code_cell("import time; time.sleep(1); print(6 * 7)")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "given.ipynb")
    running = [
        subprocess.Popen([sys.executable, "-c", RENDER, "given.ipynb", f"{number}.ipynb"], cwd=tmp_path)
        for number in range(3)
    ]
    assert [one.wait(timeout=300) for one in running] == [0, 0, 0]
    for number in range(3):
        assert "42" in (tmp_path / f"{number}.ipynb").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.ipynb", "1.ipynb", "2.ipynb", "given.ipynb"]
