"""Estimates of the information between vMF pairs at their true latents, where it is known in closed form.

x is uniform on the sphere and y ~ vMF(kappa) around x. Nothing is learnt: reconstruction, kernel and critic are the
true vMF density. What is left is the estimate of the entropy, or of InfoNCE's denominator, from k samples.
"""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from entrec.errors import UserError
from entrec.information.bounds import entrec_bound, entrec_leave_one_out_bound
from entrec.information.contrastive import info_nce
from entrec.information.kernels import VMFKernel
from entrec.information.nearest_neighbours import spherical_nearest_neighbour_entropy
from entrec.information.reconstruction import vmf_reconstruction
from entrec.information.sphere import sample_uniform, sample_vmf, vmf_information
from entrec.progress import progress
from entrec.results import SphereResult, SphereRow, write_computed
from entrec.theory.job import computing
from entrec.theory.registry import SPHERE_ESTIMATORS
from entrec.theory.settings.estimators import Sphere
from entrec.theory.study import Setting

Estimator = Callable[[Tensor, Tensor, float], Tensor]


def sphere(setting: Setting, dimension: int, *, output: Path) -> None:
    """Measure every estimator in one dimension and write the `SphereResult` to the file `output`.

    Raises `UserError` for a dimension that the study does not have.
    """
    settings = setting.estimators.sphere
    if dimension not in settings.kappa:
        raise UserError(f"{setting}.estimators.sphere.kappa: no dimension {dimension}; allowed: {list(settings.kappa)}")
    with computing(setting, "sphere", setting.sphere_keys(dimension), seed=settings.seed) as (device, recording):
        rows = measure(settings, dimension, device=device)
    result = SphereResult(dimension=dimension, setting=setting.name, rows=rows, made_from=recording.made_from)
    write_computed(output, result, recording.circumstances)


def measure(settings: Sphere, d: int, *, device: torch.device) -> tuple[SphereRow, ...]:
    """Return the estimates in dimension `d` for each kappa and sample size, in nats."""
    generator = torch.Generator(device).manual_seed(settings.seed)
    sizes = list(zip(settings.samples, settings.repeats, strict=True))
    rows: list[SphereRow] = []
    for kappa, (k, repeats) in progress([(c, size) for c in settings.kappa[d] for size in sizes], f"sphere, d = {d}"):
        truth = vmf_information(d, kappa=kappa)
        estimators = estimators_for(settings, k)
        draws: dict[str, list[float]] = {name: [] for name in estimators}
        for _ in range(repeats):
            x = sample_uniform(k, d, generator=generator)
            y = sample_vmf(x, kappa=kappa, generator=generator)
            for name, estimate in estimators.items():
                draws[name].append(estimate(x, y, kappa).item())
        for name, values in draws.items():
            found = torch.tensor(values, dtype=torch.float64)
            mean, sd = found.mean().item(), found.std().item()
            rows.append(
                SphereRow(kappa=kappa, samples=k, estimator=name, mean=mean, sd=sd, repeats=repeats, truth=truth)
            )
    return tuple(rows)


def estimators_for(settings: Sphere, k: int) -> dict[str, Estimator]:
    """Return the estimators that are measured on `k` pairs: the slow one only up to `neighbours_up_to`."""
    fast = {name: entry.load() for name, entry in SPHERE_ESTIMATORS.items() if not entry.slow}
    if k > settings.neighbours_up_to:
        return fast
    slow = {name: entry.load() for name, entry in SPHERE_ESTIMATORS.items() if entry.slow}
    return fast | {name: partial(estimate, neighbours=settings.neighbours) for name, estimate in slow.items()}


def resubstitution(x: Tensor, y: Tensor, kappa: float) -> Tensor:
    """Return EntRec's resubstitution estimate for `x`, `y` (k, d), with the true density as kernel, in nats."""
    return entrec_bound(x, y, kernel=VMFKernel(kappa), kappa=kappa)


def leave_one_out(x: Tensor, y: Tensor, kappa: float) -> Tensor:
    """Return EntRec's leave-one-out estimate for `x`, `y` (k, d), with the true density as kernel, in nats."""
    return entrec_leave_one_out_bound(x, y, kernel=VMFKernel(kappa), kappa=kappa)


def contrastive(x: Tensor, y: Tensor, kappa: float) -> Tensor:
    """Return InfoNCE for `x`, `y` (k, d) with the best critic, kappa <x, y>: the mean over both directions, in nats."""
    return math.log(len(x)) - info_nce(x, y, temperature=1 / kappa)


def nearest_neighbours(x: Tensor, y: Tensor, kappa: float, *, neighbours: int) -> Tensor:
    """Return the Kozachenko-Leonenko entropy of `y` (k, d) plus the true reconstruction from `x` (k, d), in nats.

    It shares nothing with the kernels, and so checks them.
    """
    entropy = spherical_nearest_neighbour_entropy(y, neighbours=neighbours)
    return entropy + vmf_reconstruction(x, y, kappa=kappa)
