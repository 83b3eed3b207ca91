"""A byte that changes anywhere in a result is found, with the name of its file, or changes no value."""

import json
import random
import shutil
from pathlib import Path

import pytest
from tests.faults.conftest import (
    CONTENT_RUN,
    LATENT_RUN,
    OF_STUDY,
    OF_THEORY,
    SETTING,
    STEPS,
    count,
    settled,
    with_older,
)

from entrec.errors import Missing
from entrec.pipeline.jobs import Jobs
from entrec.pipeline.theory_jobs import TheoryJobs
from entrec.pipeline.verify import faults
from entrec.study import load_study
from entrec.theory.study import load_theory

pytestmark = pytest.mark.faults
SMALL = {".json", ".csv", ".tex", ".html"}  # of which every byte is flipped; of others random places
EVERY = count(1, 1500)  # one of so many bytes
PLACES = count(200, 2)  # of each large file
CHECKPOINTS = count(200, 1)


def flipped(content, place, choice):
    """The content with one bit changed in the byte at `place`."""
    return content[:place] + bytes([content[place] ^ 1 << choice.randrange(8)]) + content[place + 1 :]


def files_of(job):
    """The files that a job has made, those of a folder too."""
    return [path for output in job.outputs for path in ([output] if output.is_file() else sorted(output.rglob("*")))]


def is_harmless(path, before, after):
    """Whether the two contents of a file have the same values."""
    if path.suffix != ".json":
        return False
    try:
        return json.loads(before) == json.loads(after)
    except ValueError:
        return False


@pytest.fixture(scope="module")
def complete(world):
    """The tiny study with tables, and some results of the theory."""
    for table in ("table_1", "table_2"):
        world.succeed(f"table {OF_STUDY} --results results/tiny --name {table} --output reports/tiny/tables")
    results = "results/theory/quick"
    for step, output in {
        "gaussian --bound info_nce --seed 0": "gaussian/info_nce-s0.json",
        "sphere --dimension 3": "sphere/d3.json",
        "rates --case plug_in": "rates/plug_in.json",
        f"latent-recovery --run {LATENT_RUN}": f"latent_recovery/{LATENT_RUN}",
        f"content-isolation --run {CONTENT_RUN}": f"content_isolation/{CONTENT_RUN}",
    }.items():
        world.succeed(f"theory {step} {OF_THEORY} --output {results}/{output}")
    return world


@pytest.mark.parametrize("kind", ["study", "theory"])
def test_a_flipped_byte_is_found_with_the_name_of_its_file(complete, figures, monkeypatch, kind):
    monkeypatch.chdir(complete.folder)
    if kind == "study":
        study = load_study(Path("params/tiny.yaml"))
        jobs = Jobs(study)
    else:
        study = load_theory(Path("params/theory.yaml")).setting(SETTING)
        jobs = TheoryJobs(study)
    choice, tried, harmless, files = random.Random(kind), 0, 0, 0
    for job in jobs:
        found = faults(job, study)
        if any(isinstance(fault, Missing) for fault in found):
            continue
        assert found == []
        for path in files_of(job):
            content, files = path.read_bytes(), files + 1
            path.chmod(0o644)
            every = range(choice.randrange(EVERY), len(content), EVERY)
            places = every if path.suffix in SMALL else choice.sample(range(len(content)), min(PLACES, len(content)))
            for place in places:
                other = flipped(content, place, choice)
                path.write_bytes(other)
                named = [fault for fault in faults(job, study) if str(path) in str(fault)]
                assert named or is_harmless(path, content, other), (path, place)
                assert all("\n" not in str(fault) for fault in named)
                tried, harmless = tried + 1, harmless + (not named)
            path.write_bytes(content)
    assert files >= 5
    figures[f"flipped bytes, {kind}"] = {"cases": tried, "files": files, "harmless": harmless}


def test_a_flipped_byte_of_a_checkpoint_is_found_and_the_run_ends_with_the_same_bits(world, undisturbed, figures):
    (step,) = (step for step in STEPS if step.name == "pretrain")
    files, whole = undisturbed(step)
    out, kept = world.folder / "flipped", world.folder / "kept"
    with_older(out, {})
    out.mkdir()
    shutil.rmtree(kept, ignore_errors=True)
    world.children.run(*step.arguments(out), folder=world.folder, at_access=whole.accesses * 3 // 4)
    shutil.copytree(out, kept)
    content, choice = (kept / "resume/last.pt").read_bytes(), random.Random("checkpoint")
    for _ in range(CHECKPOINTS):
        shutil.rmtree(out)
        shutil.copytree(kept, out)
        (out / "resume/last.pt").write_bytes(flipped(content, choice.randrange(len(content)), choice))
        ended = world.children.run(*step.arguments(out), folder=world.folder)
        assert ended.code == 0, ended.said
        assert "last.pt" in ended.said
        assert settled(out) == files
    figures["flipped bytes, checkpoint"] = {"cases": CHECKPOINTS, "files": 1, "harmless": 0}
