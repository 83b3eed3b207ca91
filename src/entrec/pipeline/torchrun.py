"""torchrun without its own traceback: what went wrong in a process was said there, in one line.

    python -m entrec.pipeline.torchrun --standalone --nproc-per-node 2 -m -- entrec pretrain …

It ends with the code of the first process that failed, so that 75, stopped and saved, stays 75.
"""

import logging
import os
import signal
import sys

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import parse_args, run

KILLED = 128  # what shells add to the number of the signal that ended a process


def main(arguments: list[str]) -> int:
    """Run torchrun with `arguments` and return its exit code."""
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # meant for the processes; it would die of it, and they with it
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # else it says in five lines that it sets this
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # else every process is told what DDP need not look for
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    try:
        run(parse_args(arguments))
    except ChildFailedError as error:
        _, failure = error.get_first_failure()
        return failure.exitcode if failure.exitcode > 0 else KILLED - failure.exitcode
    except SignalException as stop:
        return KILLED + int(stop.sigval)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
