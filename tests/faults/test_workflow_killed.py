"""Snakemake that SIGKILL ends at random moments, with its jobs or without them, ends with the same bits when rerun."""

import os
import random
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from tests.faults.conftest import FULL, ROOT, settled, tiny_study, write_images

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not FULL, reason="Snakemake takes minutes; make test-faults tries it"),
]
KILLS = 10
SECONDS = (4, 40)  # between the start of Snakemake, which reads the study for some seconds, and its end
SEEN = ".seen.json"
COMMAND = ["snakemake", "all", "--cores", "2", "--configfile", "params/tiny.yaml"]


def checkout(folder):
    """Make a folder with the workflow, the tiny study and its images, as a clone of the repository has them."""
    shutil.copytree(ROOT / "workflow", folder / "workflow", symlinks=True)
    for name in ("Snakefile", "environment.yml", "profiles"):  # the last is a link into `workflow/`
        shutil.copy(ROOT / name, folder / name, follow_symlinks=False)
    for name in ("templates", "notebooks"):
        shutil.copytree(ROOT / "reports" / name, folder / "reports" / name)
    (folder / "params").mkdir()
    (folder / "params/tiny.yaml").write_text(yaml.safe_dump(tiny_study(), sort_keys=False))
    shutil.copy(ROOT / "params/theory.yaml", folder / "params")
    write_images(folder / "images/small", side=9, each=8)
    write_images(folder / "images/photos", side=14, each=8)
    return folder


def start(folder):
    tools = Path(sys.executable).parent
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "src"), "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1",
        "ENTREC_DEVICE": "cpu", "XDG_CACHE_HOME": str(folder / ".cache"),
    }  # fmt: skip
    output = (folder / "said").open("w")
    with output:
        return subprocess.Popen(
            COMMAND, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )


def finish(folder):
    if (folder / ".snakemake/locks").exists():  # of a Snakemake that was killed; the user is told this command
        subprocess.run([*COMMAND, "--unlock"], cwd=folder, capture_output=True, check=True)
    assert start(folder).wait(timeout=900) == 0, (folder / "said").read_text()
    made = {part: settled(folder / part) for part in ("data", "results", "reports/tiny/tables")}
    # without what is known of the times of the images, which were written for each folder
    return {part: {name: files[name] for name in files if not name.endswith(SEEN)} for part, files in made.items()}


def group(number):
    """The processes of a session, each with its parent."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == number:
            found.append(int(path.parent.name))
    return found


def test_a_killed_snakemake_ends_with_the_same_bits(tmp_path, figures):
    whole = finish(checkout(tmp_path / "whole"))
    killed, choice, done = checkout(tmp_path / "killed"), random.Random("snakemake"), 0
    for number in range(KILLS):
        if (killed / ".snakemake/locks").exists():
            subprocess.run([*COMMAND, "--unlock"], cwd=killed, capture_output=True, check=True)
        process = start(killed)
        try:
            process.wait(timeout=choice.uniform(*SECONDS))
        except subprocess.TimeoutExpired:
            with_jobs = number % 3 < 2
            for pid in group(process.pid) if with_jobs else [process.pid]:
                with suppress(ProcessLookupError):  # it has ended meanwhile
                    os.kill(pid, signal.SIGKILL)
            done += process.wait() == -signal.SIGKILL
    assert finish(killed) == whole
    figures["kills of snakemake"] = {"cases": done}
