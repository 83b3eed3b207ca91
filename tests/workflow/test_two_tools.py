"""Snakemake and DVC in one clone: neither removes what the other made, nor files an old result under new settings."""

import hashlib
import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from tests.workflow.conftest import UP_TO_DATE, ended

from entrec.paths import circumstances_of

pytestmark = pytest.mark.workflow
RUN = "simclr-b256-e1-s0"
ENCODER, EVALUATION = f"results/demo/{RUN}/encoder.safetensors", f"results/demo/{RUN}/evaluation.json"


@pytest.fixture(scope="module")
def copied(finished, checkout, tmp_path_factory):
    """Return a copy of the finished clone, whose settings and results are those of the fixture."""
    folder = tmp_path_factory.mktemp("two") / "entrec"
    shutil.copytree(finished.folder, folder, symlinks=True)
    return checkout(folder)


def digests(clone) -> dict[str, str]:
    """Return a digest of every file that Snakemake has made of the run and its data, by path."""
    folders = [clone.folder / "data/demo/digits", clone.folder / ENCODER]
    files = [path for path in [*folders[0].rglob("*"), *folders[1].parent.rglob("*")] if path.is_file()]
    return {str(path.relative_to(clone.folder)): hashlib.md5(path.read_bytes()).hexdigest() for path in files}


def trained_with(clone) -> float:
    """Return the temperature that the encoder was trained with, as its run says."""
    run = json.loads((clone.folder / ENCODER).with_name("run.json").read_text())
    temperature: float = run["made_from"]["params"]["methods.simclr"]["temperature"]
    return temperature


def damaged_objects(clone) -> list[Path]:
    """Return the files of DVC's cache whose contents do not have the digest that they are named after."""
    objects = (clone.folder / ".dvc/cache/files/md5").glob("*/*")
    named = {path: (path.parent.name + path.name).removesuffix(".dir") for path in objects}
    return [path for path, name in named.items() if hashlib.md5(path.read_bytes()).hexdigest() != name]


def test_dvc_records_what_snakemake_finished_and_changes_nothing(copied):
    """Nobody has recorded the results, and Snakemake has no record of them either."""
    before = digests(copied)
    (copied.folder / "dvc.lock").unlink()
    shutil.rmtree(copied.folder / ".dvc/cache")
    shutil.rmtree(copied.folder / ".snakemake")
    said = copied.succeed("dvc", "repro", f"evaluate@{RUN}")
    assert said.count("is what today's parameters and inputs make") == 3
    assert digests(copied) == before
    assert UP_TO_DATE in copied.succeed("dvc", "status", f"evaluate@{RUN}")


def test_an_edited_parameter_makes_a_new_result_and_its_return_brings_the_old_one_back(copied):
    """Snakemake has no record of the results, and DVC links the files to its cache."""
    copied.succeed("dvc", "config", "--local", "cache.type", "hardlink")
    copied.succeed("dvc", "checkout", "--relink", "--quiet", f"pretrain@{RUN}")
    before, temperature = digests(copied), trained_with(copied)
    text = (copied.folder / "params/demo.yaml").read_text()
    simclr = re.sub(r"(?s)(  simclr:.*?temperature: )[0-9.]+", r"\g<1>0.3", text, count=1)
    (copied.folder / "params/demo.yaml").write_text(simclr)
    copied.succeed("dvc", "repro", "--single-item", f"pretrain@{RUN}")
    assert (temperature, trained_with(copied)) == (0.1, 0.3)
    (copied.folder / "params/demo.yaml").write_text(text)
    said = copied.succeed("dvc", "repro", "--single-item", f"pretrain@{RUN}")
    assert not ended(said)
    del before[str(circumstances_of(Path(ENCODER).with_name("run.json")))]  # those of the encoder that came in between
    assert digests(copied) == before
    assert not damaged_objects(copied)
    assert "pretrain" not in copied.planned(EVALUATION)


def test_dvc_does_nothing_while_snakemake_runs(copied):
    before = digests(copied)
    command = ["snakemake", "--forcerun", "evaluate", "--allowed-rules", "evaluate", "--", EVALUATION]
    with subprocess.Popen(
        command, cwd=copied.folder, env=copied.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as snakemake:
        locks = copied.folder / ".snakemake/locks"
        while not (locks.exists() and len(list(locks.glob("*.lock"))) == 2):
            assert snakemake.poll() is None
            time.sleep(0.1)
        said = copied.fail("dvc", "repro", "--force", f"pretrain@{RUN}")
        snakemake.terminate()
        snakemake.communicate()
    assert [line for line in said.splitlines() if line.startswith("entrec: ")] == [
        "entrec: data/demo/digits/card.json: Snakemake is running in this folder; wait until it has ended."
        " If none is running, one was killed: call snakemake --unlock"
    ]
    after = digests(copied)
    for path in (EVALUATION, str(circumstances_of(Path(EVALUATION)))):  # which Snakemake may have made again
        del before[path]
        after.pop(path, None)
    assert after == before


def test_what_a_killed_step_left_is_not_tracked(finished):
    left = finished.folder / "data/demo/digits/.images.npy.node-1.scratch"
    left.touch()
    try:
        assert UP_TO_DATE in finished.succeed("dvc", "status")
        assert finished.succeed("git", "status", "--porcelain", "--untracked-files=all", "data") == ""
    finally:
        left.unlink()
