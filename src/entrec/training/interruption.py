"""Being asked to stop: Slurm sends SIGTERM before it takes a machine back, and SIGUSR1 before the time is up.

The signal may reach processes at different steps, or only one of them. Each step asks all of them and hears the
answer to the question of the step before: on the CPU, over a group of its own, so that nobody waits for a GPU, and
all of them stop after the same step.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import torch
from torch import distributed as dist

from entrec.collectives import in_group
from entrec.errors import Interrupted

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


@contextmanager
def stop_signals() -> Iterator[Callable[[], str | None]]:
    """Yield a function that says by the name of which signal to stop, if any; every process calls it once a step.

    After `Interrupted` the signals stay without effect: the process ends by itself, and its last line is not cut.
    """
    heard = 0

    def hear(number: int, frame: FrameType | None) -> None:
        nonlocal heard
        heard = number

    before = {number: signal.signal(number, hear) for number in SIGNALS}
    everyone = Everyone() if in_group() else None
    try:
        yield lambda: name(everyone.largest(heard) if everyone else heard)
        if everyone:
            everyone.finish()
    except Interrupted:
        before = {}
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Everyone:
    """The largest number that any process gave a step ago, the same on all of them; 0 at first."""

    def __init__(self) -> None:
        self.group = dist.new_group(backend="gloo")
        self.questions: list[tuple[dist.Work, torch.Tensor]] = []

    def largest(self, number: int) -> int:
        """Of the call before this one."""
        question = torch.tensor(number)
        work = dist.all_reduce(question, op=dist.ReduceOp.MAX, group=self.group, async_op=True)
        assert work is not None
        self.questions.append((work, question))
        if len(self.questions) == 1:
            return 0
        earlier, answer = self.questions.pop(0)
        earlier.wait()
        return int(answer)

    def finish(self) -> None:
        """Hear the last answer: a process that left before would be missed by the others."""
        for work, _ in self.questions:
            work.wait()


def name(number: int) -> str | None:
    """SIGTERM for 15; nothing for 0."""
    return signal.Signals(number).name if number else None
