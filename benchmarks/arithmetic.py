"""Portable over native arithmetic: the demo's training in two processes, one for each, which take turns."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

from benchmarks.measuring import Ratio, at_least, in_turn, median_ratio, on_gpu
from benchmarks.studies import demo_network
from benchmarks.training_step import real_steps
from entrec.arithmetic import PORTABLE
from entrec.training.device import make_deterministic, pick_device
from entrec.training.pretrain import build_batches, build_state

NAME = "speed of the demo's training in portable over native arithmetic"
TARGET = 0.95


def ratios() -> Iterator[Ratio]:
    """Yield the speed of portable relative to native arithmetic."""
    if on_gpu():
        yield Ratio(NAME, None, TARGET, "higher", "it is a choice between the arithmetics of a CPU")
        return
    with ExitStack() as stack:
        portable, native = (stack.enter_context(_process(arithmetic)) for arithmetic in ("portable", "native"))
        times = in_turn({"portable": lambda: _block(portable), "native": lambda: _block(native)}, rounds=9)
    yield at_least(TARGET, NAME, median_ratio(times["native"], times["portable"]))


def _process(arithmetic: str) -> subprocess.Popen[str]:
    """Start a process that trains a block for every line that it reads."""
    others = {name: value for name, value in os.environ.items() if name not in PORTABLE}
    choose = (
        "" if arithmetic == "portable" else "from entrec import arithmetic; arithmetic.choose_native_arithmetic(); "
    )
    code = f"{choose}from benchmarks import arithmetic; arithmetic.train_for_every_line()"
    return subprocess.Popen(
        [sys.executable, "-c", code], env=others, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def _block(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    if not process.stdout.readline():
        raise RuntimeError("the training process has ended")


def train_for_every_line() -> None:
    """Train the demo's SimCLR for some steps, and say so, for every line of the standard input."""
    make_deterministic(pick_device(), threads=1)
    case = demo_network()
    state = build_state(case.study, case.run("simclr"), case.data, device=pick_device())
    batches = build_batches(case.study, case.run("simclr"), case.data, device=pick_device())
    for _ in sys.stdin:
        real_steps(state, batches, case.study, 2 * case.steps)
        print("done", flush=True)
