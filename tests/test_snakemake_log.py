"""The log in the terminal: a line for each job that has ended, and everything else as Snakemake says it."""

import io
import logging
from types import SimpleNamespace

import pytest
from snakemake.logging import DefaultFormatter
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent

from entrec.progress import CONCLUSION, conclusion_of
from snakemake_logger_plugin_entrec import LogHandler, time_left


@pytest.fixture
def log(monkeypatch):
    """A function of whether Snakemake runs dry: a handler, and the stream that it writes to."""

    def make(*, dryrun=False):
        stream = io.StringIO()
        monkeypatch.setattr("sys.stderr", stream)
        handler = LogHandler(SimpleNamespace(stdout=False, nocolor=True, dryrun=dryrun), None)
        handler.setFormatter(DefaultFormatter({Quietness.REASON}))
        return handler, stream

    return make


def tell(handler, event=None, text="", **said):
    record = logging.LogRecord("snakemake", logging.INFO, "", 0, text, None, None)
    record.__dict__.update({"event": event} if event else {}, **said)
    handler.emit(record)


def run_two_jobs(handler, logs=("", "")):
    tell(handler, text="Select jobs to execute...")
    tell(handler, LogEvent.JOB_STARTED, "Execute 2 jobs...")
    for job, file in enumerate(logs):
        tell(handler, LogEvent.JOB_INFO, jobid=job, rule_msg=f"evaluate {job}", rule_name="evaluate", log=[str(file)])
    for job in range(2):
        tell(handler, LogEvent.JOB_FINISHED, f"Finished jobid: {job}", job_id=job)
        tell(handler, LogEvent.PROGRESS, done=job + 1, total=12)


def test_every_job_is_one_line_with_what_it_concluded(log, tmp_path):
    handler, stream = log()
    (tmp_path / "0.log").write_text(f"step 1\n{CONCLUSION}linear 95.1%\n{CONCLUSION}faces 80.0%\nbye\n")
    run_two_jobs(handler, [tmp_path / "0.log", tmp_path / "missing.log"])
    first, second = stream.getvalue().splitlines()
    assert first.startswith(" 1 of 12, ")
    assert first.endswith(" left: evaluate 0: linear 95.1%, faces 80.0%")
    assert second.startswith(" 2 of 12, ")
    assert second.endswith(" left: evaluate 1")


def test_errors_and_all_other_records_are_told_as_they_are(log):
    handler, stream = log()
    tell(handler, text="Building DAG of jobs...")
    tell(handler, LogEvent.RUN_INFO, "Job stats: 2")
    assert stream.getvalue().splitlines() == ["Building DAG of jobs...", "Job stats: 2"]


def test_a_dry_run_lists_the_jobs(log):
    handler, stream = log(dryrun=True)
    tell(handler, LogEvent.JOB_INFO, jobid=7, rule_msg="evaluate a", rule_name="evaluate", log=[])
    assert "Job 7: evaluate a" in stream.getvalue().splitlines()


def test_a_log_without_a_conclusion_has_none(tmp_path):
    (tmp_path / "x.log").write_text("pretrain: 8/8 done\n")
    assert conclusion_of(tmp_path / "x.log") is None
    assert conclusion_of(tmp_path / "none.log") is None


def test_the_time_left_is_that_of_jobs_like_those_that_have_ended():
    assert time_left(1, 3, seconds=10) == "20 s left"
    assert time_left(1, 61, seconds=60) == "60 min left"
    assert time_left(3, 3, seconds=10) == "0 s left"
