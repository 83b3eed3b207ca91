"""The losses by tiles: kernel entropy against the same with the whole matrix, and contrastive losses against lightly's.

Time is that of value and gradient. Memory is the peak beyond what is in use before, on a CPU in a process of its own
(resident memory, Linux) and on a GPU that of the allocator.
"""

import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from lightly.loss import NTXentLoss
from torch import Tensor
from torch.nn import functional as F

from benchmarks.measuring import Ratio, at_most, in_turn, median_ratio
from entrec.information.contrastive import nt_xent
from entrec.information.entrec import continuous_entropy
from entrec.information.entropy import kernel_entropy
from entrec.information.kernels import VMFKernel
from entrec.information.reconstruction import vmf_reconstruction
from entrec.information.sphere import log_vmf_constant, sample_uniform
from entrec.training.device import make_deterministic, pick_device

POINTS, PAIRS, DIMENSION = 16_384, 4_096, 128
KAPPA, TEMPERATURE = 10.0, 0.1


def ratios() -> Iterator[Ratio]:
    """Yield time and memory by tiles relative to those with the matrix, and time relative to lightly's NT-Xent."""
    make_deterministic(pick_device(), threads=1)
    what = f"of the kernel entropy by tiles over the matrix: k = {POINTS}, d = {DIMENSION}"
    z = points(POINTS)
    times = in_turn({name: lambda name=name: value_and_gradient(ENTROPIES[name], z) for name in ENTROPIES}, rounds=3)
    yield at_most(0.45, f"time {what}", median_ratio(times["tiles"], times["matrix"]))
    memory = {name: peak_memory(name) for name in ENTROPIES}
    yield at_most(1 / 60, f"memory {what}", memory["tiles"] / memory["matrix"])

    z1, z2 = points(PAIRS), points(PAIRS, seed=1)
    times = in_turn({name: lambda name=name: value_and_gradient(LOSSES[name], z1, z2) for name in LOSSES}, rounds=7)
    for name in ("NT-Xent", "EntRecCont"):
        measured = median_ratio(times[name], times["lightly"])
        yield at_most(0.25, f"time of {name} over lightly's NT-Xent: k = {PAIRS}, d = {DIMENSION}", measured)


def by_tiles(z: Tensor) -> Tensor:
    """Return the entropy as the methods compute it."""
    return kernel_entropy(z, kernel=VMFKernel(KAPPA))


def by_matrix(z: Tensor) -> Tensor:
    """Return the entropy by its formula, with the whole matrix, on the sphere."""
    k, d = z.shape
    z = F.normalize(z, dim=1)
    return math.log(k) - torch.logsumexp(KAPPA * z @ z.T, dim=1).mean() - log_vmf_constant(d, kappa=KAPPA)


def entrec_cont(z1: Tensor, z2: Tensor) -> Tensor:
    """Return the objective of EntRecCont, negated."""
    entropy = continuous_entropy(z1, z2, kernel=VMFKernel(KAPPA), leave_one_out=False)
    return -entropy - vmf_reconstruction(z1, z2, kappa=KAPPA)


Loss = Callable[..., Tensor]
ENTROPIES: dict[str, Loss] = {"tiles": by_tiles, "matrix": by_matrix}
LOSSES: dict[str, Loss] = {
    "NT-Xent": lambda z1, z2: nt_xent(z1, z2, temperature=TEMPERATURE),
    "EntRecCont": entrec_cont,
    "lightly": NTXentLoss(temperature=TEMPERATURE),
}


def points(count: int, *, seed: int = 0) -> Tensor:
    """Return uniform points on the sphere, the same in every process."""
    generator = torch.Generator(pick_device()).manual_seed(seed)
    return sample_uniform(count, DIMENSION, generator=generator).requires_grad_()


def value_and_gradient(loss: Loss, *points: Tensor) -> tuple[float, tuple[Tensor, ...]]:
    """Return the loss in nats and its gradients."""
    value = loss(*points)
    return value.item(), torch.autograd.grad(value, points)


def peak_memory(name: str) -> float:
    """Return the peak memory in MB of one of `ENTROPIES`."""
    if pick_device().type == "cuda":
        return _peak_memory(name)
    command = [sys.executable, "-c", f"from benchmarks import losses; print(losses._peak_memory({name!r}))"]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _peak_memory(name: str) -> float:
    make_deterministic(pick_device(), threads=1)
    z = points(POINTS)
    value_and_gradient(ENTROPIES[name], z[:256].detach().requires_grad_())  # so that libraries are loaded before
    if z.is_cuda:
        torch.cuda.reset_peak_memory_stats()
    before = _memory(z)
    value_and_gradient(ENTROPIES[name], z)
    return _memory(z) - before


def _memory(z: Tensor) -> float:
    """Return the peak so far in MB; `getrusage` would include that of the parent process."""
    if z.is_cuda:
        return torch.cuda.max_memory_allocated() / 2**20
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 2**10
