"""Two processes of which one gets a signal; run by test_interruption.py under torchrun. Prints where each stops."""

import os
import signal

import torch

from entrec.collectives import rank
from entrec.training.distributed import process_group
from entrec.training.interruption import stop_signals

if __name__ == "__main__":
    with process_group(torch.device("cpu")), stop_signals() as stopped:
        for step in range(1, 20):
            if rank() == 1 and step == 7:
                os.kill(os.getpid(), signal.SIGUSR1)
            if name := stopped():
                os.write(1, f"{rank()} {step} {name}\n".encode())  # at once: two processes share the output
                break
