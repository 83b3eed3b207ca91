"""Snakemake's jobs are those that DVC, the plan and the report count on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from entrec.pipeline.jobs import Jobs
from entrec.pipeline.theory_jobs import TheoryJobs
from entrec.study import load_study
from entrec.theory.study import SETTINGS, THEORY_FILE, load_theory

pytestmark = pytest.mark.workflow
ROOT = Path(__file__).parents[2]


@pytest.fixture
def outputs_of(tmp_path):
    """A function of targets and options: Snakemake's (rule, output) of every job, where nothing has run yet."""
    for part in ("Snakefile", "workflow", "profiles", "params", "environment.yml"):
        (tmp_path / part).symlink_to(ROOT / part)
    (tmp_path / "reports").mkdir()
    for part in ("notebooks", "templates"):
        (tmp_path / "reports" / part).symlink_to(ROOT / "reports" / part)

    def summary(*arguments):
        command = [sys.executable, "-m", "snakemake", "--summary", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        header, *lines = (line.split("\t") for line in done.stdout.splitlines())
        file, rule = header.index("output_file"), header.index("rule")
        return sorted((line[rule], line[file]) for line in lines)

    return summary


@pytest.mark.parametrize("name", ["demo", "paper"])
def test_a_study_without_raw_data_has_the_jobs_that_are_listed(name, outputs_of):
    path = Path("params", f"{name}.yaml")
    listed = [(job.rule, str(output)) for job in Jobs(load_study(path)) for output in job.outputs]
    assert outputs_of("all", "--configfile", str(path)) == sorted(listed)


def test_the_theory_has_the_jobs_that_are_listed(outputs_of):
    study = load_theory(Path(THEORY_FILE))
    jobs = [job for name in SETTINGS for job in TheoryJobs(study.setting(name))]
    listed = [(job.rule, str(output)) for job in jobs for output in job.outputs]
    assert outputs_of("theory", "theory_full") == sorted(listed)
