"""Signals to stop: Slurm sends SIGTERM before it takes back a machine, and SIGUSR1 before the time limit.

A signal may reach the processes of a run at different steps, or only one of them. At each step, every process tells the
others what it has received, and reads what all had received one step before. This runs on the CPU in a process group of
its own, so that no process waits for a GPU, and all processes stop after the same step.
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
    """Yield a function that returns the name of the signal to stop for, or None; every process calls it once a step.

    After `Interrupted` the signals stay ignored, so that the process can end by itself and write its last message.
    """
    received = 0

    def receive(number: int, frame: FrameType | None) -> None:
        nonlocal received
        received = number

    before = {number: signal.signal(number, receive) for number in SIGNALS}
    shared = SharedMaximum() if in_group() else None
    try:
        yield lambda: name(shared.exchange(received) if shared else received)
        if shared:
            shared.finish()
    except Interrupted:
        before = {}
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def interrupted(signal_name: str, *, step: int, steps: int) -> Interrupted:
    """Return the error that ends a run which was saved after `step` because of a signal."""
    return Interrupted(f"stopped by {signal_name} after step {step} of {steps}; saved: start it again to resume")


class SharedMaximum:
    """The largest number of all processes, known to each of them one call later."""

    def __init__(self) -> None:
        self.group = dist.new_group(backend="gloo")
        self.pending: list[tuple[dist.Work, torch.Tensor]] = []

    def exchange(self, number: int) -> int:
        """Send `number` to all processes, and return the largest number of the call before; 0 at the first call."""
        maximum = torch.tensor(number)
        work = dist.all_reduce(maximum, op=dist.ReduceOp.MAX, group=self.group, async_op=True)
        assert work is not None
        self.pending.append((work, maximum))
        if len(self.pending) == 1:
            return 0
        earlier, maximum = self.pending.pop(0)
        earlier.wait()
        return int(maximum)

    def finish(self) -> None:
        """Wait for the last exchange, which the other processes cannot complete without this one."""
        for work, _ in self.pending:
            work.wait()


def name(number: int) -> str | None:
    """Return the name of a signal: SIGTERM for 15; None for 0."""
    return signal.Signals(number).name if number else None
