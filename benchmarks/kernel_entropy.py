"""Compare the kernel entropy by tiles with that of the whole matrix: time, memory, value and gradient.

Time is the median of alternating runs in one process, forward and backward. Memory is the peak of each version beyond
the points themselves, in a process of its own: resident memory on a CPU (Linux), allocated memory on a GPU.

    python benchmarks/kernel_entropy.py --samples 16384 --threads 2
"""

import argparse
import math
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from entrec.information.entropy import kernel_entropy
from entrec.information.kernels import VMFKernel
from entrec.information.sphere import log_vmf_constant, sample_uniform
from entrec.training.device import pick_device

KAPPA = 10.0


def by_tiles(z: Tensor) -> Tensor:
    """Return the entropy as the methods compute it."""
    return kernel_entropy(z, kernel=VMFKernel(KAPPA))


def by_matrix(z: Tensor) -> Tensor:
    """Return the entropy by its formula, with the whole matrix, on the sphere."""
    k, d = z.shape
    z = F.normalize(z, dim=1)
    return math.log(k) - torch.logsumexp(KAPPA * z @ z.T, dim=1).mean() - log_vmf_constant(d, kappa=KAPPA)


VERSIONS = {"tiles": by_tiles, "matrix": by_matrix}


def points(samples: int, dimension: int) -> Tensor:
    """Return uniform points, the same in every process."""
    generator = torch.Generator(pick_device()).manual_seed(0)
    return sample_uniform(samples, dimension, generator=generator).requires_grad_()


def value_and_gradient(version: str, z: Tensor) -> tuple[float, Tensor]:
    """Return the entropy in nats and its gradient in `z`."""
    value = VERSIONS[version](z)
    (gradient,) = torch.autograd.grad(value, z)
    return value.item(), gradient


def seconds(version: str, z: Tensor) -> float:
    """Return the wall time of forward and backward in seconds."""
    began = time.perf_counter()
    value_and_gradient(version, z)
    if z.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - began


def peak_megabytes(version: str, z: Tensor) -> float:
    """Return the peak memory in MB of forward and backward beyond what is in use before."""
    value_and_gradient(version, z[:256].detach().requires_grad_())  # so that libraries are loaded before
    if z.is_cuda:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        value_and_gradient(version, z)
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    before = resident_peak()
    value_and_gradient(version, z)
    return resident_peak() - before


def resident_peak() -> float:
    """Return the largest resident memory of this process so far in MB; `getrusage` would include its parent's."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 2**10


def in_own_process(version: str, arguments: argparse.Namespace) -> float:
    """Return `peak_megabytes` of a fresh process."""
    sizes = ["--samples", arguments.samples, "--dimension", arguments.dimension, "--threads", arguments.threads]
    command = [sys.executable, __file__, *map(str, sizes), "--memory-of", version]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def times_in_turn(z: Tensor, runs: int) -> dict[str, list[float]]:
    """Seconds of each version, which take turns."""
    times: dict[str, list[float]] = {version: [] for version in VERSIONS}
    for _ in range(runs):
        for version, measured in times.items():
            measured.append(seconds(version, z))
    return times


def compare(arguments: argparse.Namespace) -> None:
    """Print the two versions side by side."""
    z = points(arguments.samples, arguments.dimension)
    values = {version: value_and_gradient(version, z) for version in VERSIONS}
    times = times_in_turn(z, arguments.runs)
    (value, gradient), (reference, reference_gradient) = values["tiles"], values["matrix"]
    share = statistics.median(t / m for t, m in zip(times["tiles"], times["matrix"], strict=True))
    off = ((gradient - reference_gradient).norm() / reference_gradient.norm()).item()
    megabytes = {version: in_own_process(version, arguments) for version in VERSIONS}
    print(f"k = {arguments.samples}, d = {arguments.dimension}, {z.device.type}, {arguments.threads} threads")
    print(f"time: {share:.2f} of the matrix version's ({statistics.median(times['tiles']):.3g} s)")
    print(f"extra memory: {megabytes['tiles']:.0f} MB against {megabytes['matrix']:.0f} MB")
    print(f"value off by {abs(value / reference - 1):.1e}, gradient by {off:.1e} of their size")


def main() -> None:
    """Compare both, run only the tiles where the matrix would not fit, or measure the memory of one version."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=16384)
    parser.add_argument("--dimension", type=int, default=128)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--tiles-only", action="store_true", help="for sizes whose matrix does not fit")
    parser.add_argument("--memory-of", choices=VERSIONS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.memory_of:
        print(peak_megabytes(arguments.memory_of, points(arguments.samples, arguments.dimension)))
    elif arguments.tiles_only:
        taken = seconds("tiles", points(arguments.samples, arguments.dimension))
        print(f"k = {arguments.samples}: {taken:.1f} s, extra memory {in_own_process('tiles', arguments):.0f} MB")
    else:
        compare(arguments)


if __name__ == "__main__":
    main()
