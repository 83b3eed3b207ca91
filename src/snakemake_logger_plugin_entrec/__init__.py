"""Snakemake's log in the terminal, with one line for each job that has ended: how many are done and the time left.

Snakemake loads this package for `logger: entrec` in its profile. Its own log of a job has eight lines. Everything else
is logged as Snakemake itself does, and so is a dry run. The whole log of Snakemake is in `.snakemake/log`.
"""

import logging
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from snakemake.logging import ColorizingTextHandler, get_event
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from entrec.progress import conclusion_of

UNSAID = ("Select jobs to execute...",)  # said before every job


class LogHandler(LogHandlerBase):
    """Writes the records of Snakemake's logger."""

    def __post_init__(self) -> None:
        """Start with no job known."""
        settings = self.common_settings
        stream = sys.stdout if settings.stdout else sys.stderr
        self.plain = ColorizingTextHandler(nocolor=settings.nocolor, stream=stream)
        self.messages: dict[int, tuple[str, Sequence[str]]] = {}
        self.ended: list[int] = []
        self.began = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line of a job when Snakemake has counted it; write every other record as it is."""
        event, said = get_event(record), vars(record)
        if self.common_settings.dryrun:
            self._as_it_is(record)
        elif event == LogEvent.JOB_INFO:
            self.messages[said["jobid"]] = (said["rule_msg"] or said["rule_name"], said["log"])
        elif event == LogEvent.JOB_FINISHED:
            self.ended.append(said["job_id"])
        elif event == LogEvent.PROGRESS:
            for line in self._lines(said["done"], said["total"]):
                self.plain.stream.write(f"{line}\n")
            self.plain.flush()
        elif event == LogEvent.JOB_STARTED:
            self.began = self.began if self.messages else time.monotonic()
        elif record.getMessage() not in UNSAID:
            self._as_it_is(record)

    def _as_it_is(self, record: logging.LogRecord) -> None:
        self.plain.setFormatter(self.formatter)
        self.plain.emit(record)

    def _lines(self, done: int, total: int) -> Iterator[str]:
        """Yield a line for each job that has ended since the last call, where `done` of `total` jobs have."""
        left = time_left(done, total, seconds=time.monotonic() - self.began)
        for job in self.ended:
            message, logs = self.messages.get(job, ("", ()))
            found = filter(None, (conclusion_of(Path(log)) for log in logs))
            yield f"{done:>{len(str(total))}} of {total}, {left}: {': '.join([message, *found])}"
        self.ended.clear()

    @property
    def writes_to_stream(self) -> bool:
        """Whether this stands in for Snakemake's own log in the terminal."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """Whether it writes to a file."""
        return False

    @property
    def has_filter(self) -> bool:
        """Whether it ignores the options `--quiet` and `--verbose`."""
        return False

    @property
    def has_formatter(self) -> bool:
        """Whether it writes records in a form of its own."""
        return False

    @property
    def needs_rulegraph(self) -> bool:
        """Whether it needs the graph of the rules."""
        return False


def time_left(done: int, total: int, *, seconds: float) -> str:
    """Return in words when all of `total` jobs will have ended, if all take as long as those `done` in `seconds`."""
    left = seconds * (total - done) / done
    return f"{left / 60:.0f} min left" if left >= 90 else f"{left:.0f} s left"
