"""torchrun without its own traceback, because a process that fails says in one line what went wrong.

    python -m entrec.pipeline.torchrun --standalone --nproc-per-node 2 -m -- entrec pretrain …

The exit code is that of the first process that failed, so that 75, for a run that has stopped and saved, stays 75.
"""

import logging
import os
import signal
import sys

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import parse_args, run

KILLED = 128  # shells add this to the number of the signal that ended a process


def main(arguments: list[str]) -> int:
    """Run torchrun with `arguments` and return the exit code."""
    signal.signal(
        signal.SIGUSR1, signal.SIG_IGN
    )  # the training processes answer it; it would kill torchrun, and them with it
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # otherwise torchrun sets this and says so in five lines
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # otherwise every process prints a hint about DDP's options
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
