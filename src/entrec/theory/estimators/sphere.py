"""vMF pairs on the sphere at their true latents, where the information is known in closed form.

x is uniform and y ~ vMF(kappa) around x. Nothing is learnt: reconstruction, kernel and critic are the true vMF
density, so that what is left is the estimate of the entropy, or of InfoNCE's denominator, from k samples.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from entrec import provenance
from entrec.artefacts import write_json
from entrec.errors import UserError
from entrec.information.bounds import entrec_bound, entrec_leave_one_out_bound
from entrec.information.contrastive import info_nce
from entrec.information.kernels import VMFKernel
from entrec.information.nearest_neighbours import spherical_nearest_neighbour_entropy
from entrec.information.reconstruction import vmf_reconstruction
from entrec.information.sphere import sample_uniform, sample_vmf, vmf_information
from entrec.progress import progress
from entrec.theory.settings.estimators import Sphere
from entrec.theory.study import Setting
from entrec.training.device import device_for, make_deterministic


def sphere(setting: Setting, dimension: int, *, output: Path) -> None:
    """Measure every estimator in one dimension; raises `UserError` for one that the study has not."""
    settings = setting.estimators.sphere
    if dimension not in settings.kappa:
        raise UserError(f"{setting}.estimators.sphere.kappa: no dimension {dimension}; allowed: {list(settings.kappa)}")
    device = device_for(setting.resources["sphere"])
    make_deterministic(device, threads=setting.resources["sphere"].threads)
    params = setting.slice(setting.sphere_keys(dimension))
    with provenance.record(params, seed=settings.seed, device=device, study="theory") as record:
        rows = measure(settings, dimension, device=device)
    write_json(
        output,
        {
            "dimension": dimension,
            "setting": setting.name,
            "rows": rows,
            "provenance": record.provenance.model_dump(exclude_unset=True),
        },
    )


def measure(settings: Sphere, d: int, *, device: torch.device) -> list[dict[str, Any]]:
    """Mean and standard deviation of every estimate over repeated draws, for each kappa and sample size, nats."""
    generator = torch.Generator(device).manual_seed(settings.seed)
    sizes = list(zip(settings.samples, settings.repeats, strict=True))
    rows: list[dict[str, Any]] = []
    for kappa, (k, repeats) in progress([(c, size) for c in settings.kappa[d] for size in sizes], f"sphere, d = {d}"):
        truth = vmf_information(d, kappa=kappa)
        draws: dict[str, list[float]] = {name: [] for name in ESTIMATORS}
        if k > settings.neighbours_up_to:
            del draws["nearest_neighbours"]
        for _ in range(repeats):
            x = sample_uniform(k, d, generator=generator)
            y = sample_vmf(x, kappa=kappa, generator=generator)
            for name, values in draws.items():
                values.append(ESTIMATORS[name](x, y, kappa, settings.neighbours).item())
        rows += [
            {"kappa": kappa, "samples": k, "estimator": name, **_spread(values), "repeats": repeats, "truth": truth}
            for name, values in draws.items()
        ]
    return rows


def kept(x: Tensor, y: Tensor, kappa: float, neighbours: int) -> Tensor:
    """EntRec with the self term, with the true density as kernel and reconstruction; `x`, `y` (k, d)."""
    return entrec_bound(x, y, kernel=VMFKernel(kappa), kappa=kappa)


def leave_one_out(x: Tensor, y: Tensor, kappa: float, neighbours: int) -> Tensor:
    """EntRec without the self term."""
    return entrec_leave_one_out_bound(x, y, kernel=VMFKernel(kappa), kappa=kappa)


def contrastive(x: Tensor, y: Tensor, kappa: float, neighbours: int) -> Tensor:
    """InfoNCE with the best critic, kappa <x, y>; the mean over both directions."""
    return math.log(len(x)) - info_nce(x, y, temperature=1 / kappa)


def nearest_neighbours(x: Tensor, y: Tensor, kappa: float, neighbours: int) -> Tensor:
    """Kozachenko-Leonenko entropy of y plus the true reconstruction: shares nothing with the kernels."""
    entropy = spherical_nearest_neighbour_entropy(y, neighbours=neighbours)
    return entropy + vmf_reconstruction(x, y, kappa=kappa)


ESTIMATORS: dict[str, Callable[[Tensor, Tensor, float, int], Tensor]] = {
    "entrec_resubstitution": kept,
    "entrec_leave_one_out": leave_one_out,
    "info_nce": contrastive,
    "nearest_neighbours": nearest_neighbours,
}


def _spread(values: list[float]) -> dict[str, float]:
    estimates = torch.tensor(values, dtype=torch.float64)
    return {"mean": estimates.mean().item(), "sd": estimates.std().item()}
