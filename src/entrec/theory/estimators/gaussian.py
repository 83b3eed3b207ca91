"""Correlated Gaussians (Poole et al., ICML 2019, arXiv:1905.06922): what each bound says up a staircase of truths.

One critic is trained through all levels, as in the paper's figures. Each pair is drawn once, on the device that
trains. After a level's last step fresh batches of the same size are scored without updates.
"""

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from entrec import provenance
from entrec.artefacts import write_json
from entrec.errors import UserError
from entrec.information.checks import without_device_sync
from entrec.progress import progress
from entrec.theory.estimators.learnt_bounds import build
from entrec.theory.settings.estimators import Gaussian
from entrec.theory.study import Setting, check_bound
from entrec.training import eager
from entrec.training.device import device_for, make_deterministic


def gaussian(setting: Setting, bound: str, seed: int, *, output: Path) -> None:
    """Benchmark one bound with one seed; raises `UserError` for a name that the study has not, and on divergence."""
    check_bound(bound)
    settings = setting.estimators.gaussian
    if seed not in settings.seeds:
        raise UserError(f"seed {seed} is not among {setting}.estimators.gaussian.seeds: {list(settings.seeds)}")
    device = device_for(setting.resources["gaussian"])
    make_deterministic(device, threads=setting.resources["gaussian"].threads)
    params = setting.slice(setting.gaussian_keys(bound))
    with provenance.record(params, seed=seed, device=device, study="theory") as record:
        trace, levels = staircase(settings, bound, seed=seed, device=device)
    identity = {"bound": bound, "seed": seed, "setting": setting.name}
    write_json(
        output,
        {**identity, "trace": trace, "levels": levels, "provenance": record.provenance.model_dump(exclude_unset=True)},
    )


def staircase(
    settings: Gaussian, bound: str, *, seed: int, device: torch.device
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Train up the levels; the estimates while training, by blocks of steps, and those on fresh batches."""
    learner = build_learner(bound, settings, seed=seed).to(device)
    optimiser = eager.build(torch.optim.Adam, learner.parameters(), lr=settings.lr, fused=True)
    generator = torch.Generator(device).manual_seed(seed)
    size = settings.batch_size, settings.dimension
    trace: list[dict[str, Any]] = []
    levels: list[dict[str, Any]] = []

    estimates = torch.empty(settings.steps, device=device)
    for step in progress(range(len(settings.information) * settings.steps), bound):
        level, within = divmod(step, settings.steps)
        truth = settings.information[level]
        x, y = correlated_gaussians(*size, information=truth, generator=generator)
        with without_device_sync():  # the estimates of a level are read together
            objective, estimate = learner(x, y)
        (-objective).backward()
        eager.step(optimiser)
        optimiser.zero_grad(set_to_none=True)
        estimates[within] = estimate

        if within == settings.steps - 1:
            trace += blocks(estimates, settings.trace_block, start=level * settings.steps, truth=truth)
            levels.append(score(learner, settings, truth=truth, generator=generator))
    return trace, levels


def build_learner(bound: str, settings: Gaussian, *, seed: int) -> nn.Module:
    """The bound with its networks, whose weights are a function of `seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(bound, settings)


def correlated_gaussians(k: int, d: int, *, information: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """k pairs x, y (k, d) of standard normals with that many nats between them, on the generator's device."""
    x, noise = torch.randn(2, k, d, generator=generator, device=generator.device)
    rho = correlation(d, information=information)
    return x, rho * x + math.sqrt(1 - rho**2) * noise


def correlation(d: int, *, information: float) -> float:
    """The rho of I = -(d/2) log(1 - rho^2)."""
    return math.sqrt(-math.expm1(-2 * information / d))


@torch.no_grad()
def score(learner: nn.Module, settings: Gaussian, *, truth: float, generator: torch.Generator) -> dict[str, Any]:
    """Mean and standard deviation of the estimate over fresh batches."""
    size = settings.batch_size, settings.dimension
    batches = settings.evaluation_batches
    draws = (correlated_gaussians(*size, information=truth, generator=generator) for _ in range(batches))
    estimates = torch.stack([learner(x, y)[1] for x, y in draws]).double()
    return {"truth": truth, "mean": estimates.mean().item(), "sd": estimates.std().item(), "batches": batches}


def blocks(estimates: Tensor, block: int, *, start: int, truth: float) -> list[dict[str, Any]]:
    """Mean and standard deviation of `estimates` (steps,) over blocks; each is named by its last step."""
    estimates = estimates.double()
    if not estimates.isfinite().all():
        step = start + int((~estimates.isfinite()).nonzero()[0]) + 1
        raise UserError(f"step {step}: the estimate is not finite; lower estimators.gaussian.lr in params/theory.yaml")
    rows = estimates.view(-1, block)
    steps = range(start + block, start + len(estimates) + 1, block)
    return [
        {"step": step, "truth": truth, "mean": mean, "sd": sd}
        for step, mean, sd in zip(steps, rows.mean(dim=1).tolist(), rows.std(dim=1).tolist(), strict=True)
    ]
