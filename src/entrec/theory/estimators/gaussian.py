"""The benchmark of bounds on correlated Gaussians (Poole et al., ICML 2019, arXiv:1905.06922).

The true information rises in levels, and one critic is trained through all of them, as in the paper's figures. Every
batch is drawn afresh on the device that trains. After the last step of a level, fresh batches of the same size are
scored without updates.
"""

import math
from pathlib import Path

import torch
from torch import Tensor, nn

from entrec.errors import UserError, shown
from entrec.information.checks import without_device_sync
from entrec.progress import progress
from entrec.results import GaussianResult, Level, TraceBlock, write_computed
from entrec.theory.job import computing
from entrec.theory.registry import BOUNDS
from entrec.theory.settings.estimators import Gaussian
from entrec.theory.study import Setting
from entrec.training import eager


def gaussian(setting: Setting, bound: str, seed: int, *, output: Path) -> None:
    """Benchmark one bound with one seed and write its `GaussianResult` to the file `output`.

    Raises `UserError` for a bound or a seed that the study does not have, and for an estimate that is not finite.
    """
    settings = setting.estimators.gaussian
    if bound not in BOUNDS:
        raise UserError(f"{shown(bound)} is no bound; allowed: {', '.join(BOUNDS)}")
    if seed not in settings.seeds:
        raise UserError(f"seed {seed} is not among {setting}.estimators.gaussian.seeds: {list(settings.seeds)}")
    with computing(setting, "gaussian", setting.gaussian_keys(bound), seed=seed) as (device, recording):
        trace, levels = staircase(settings, bound, seed=seed, device=device)
    result = GaussianResult(
        bound=bound, seed=seed, setting=setting.name, trace=trace, levels=levels, made_from=recording.made_from
    )
    write_computed(output, result, recording.circumstances)


def staircase(
    settings: Gaussian, bound: str, *, seed: int, device: torch.device
) -> tuple[tuple[TraceBlock, ...], tuple[Level, ...]]:
    """Train `bound` through all levels; return its estimates while it trained, and those on fresh batches, in nats.

    Raises `UserError` with the step at which an estimate is not finite.
    """
    learner = build_learner(bound, settings, seed=seed).to(device)
    optimiser = eager.build(torch.optim.Adam, learner.parameters(), lr=settings.lr, fused=True)
    generator = torch.Generator(device).manual_seed(seed)
    size = settings.batch_size, settings.dimension
    trace: list[TraceBlock] = []
    levels: list[Level] = []

    estimates = torch.empty(settings.steps, device=device)
    for step in progress(range(len(settings.information) * settings.steps), bound):
        level, within = divmod(step, settings.steps)
        truth = settings.information[level]
        x, y = correlated_gaussians(*size, information=truth, generator=generator)
        with without_device_sync():  # `blocks` checks the estimates of a level together
            objective, estimate = learner(x, y)
        (-objective).backward()
        eager.step(optimiser)
        optimiser.zero_grad(set_to_none=True)
        estimates[within] = estimate

        if within == settings.steps - 1:
            trace += blocks(estimates, settings.trace_block, start=level * settings.steps, truth=truth)
            levels.append(score(learner, settings, truth=truth, generator=generator))
    return tuple(trace), tuple(levels)


def build_learner(bound: str, settings: Gaussian, *, seed: int) -> nn.Module:
    """Return the bound with its networks, whose weights are a function of `seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        learner: nn.Module = BOUNDS[bound].load()(settings)
        return learner


def correlated_gaussians(k: int, d: int, *, information: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw `k` standard normal pairs, both (k, d), with `information` nats between them, on the generator's device."""
    x, noise = torch.randn(2, k, d, generator=generator, device=generator.device)
    rho = correlation(d, information=information)
    return x, rho * x + math.sqrt(1 - rho**2) * noise


def correlation(d: int, *, information: float) -> float:
    """Return the rho of I = -(d/2) log(1 - rho^2), with the information I in nats."""
    return math.sqrt(-math.expm1(-2 * information / d))


@torch.no_grad()
def score(learner: nn.Module, settings: Gaussian, *, truth: float, generator: torch.Generator) -> Level:
    """Return mean and standard deviation of the estimate over fresh batches, in nats."""
    size = settings.batch_size, settings.dimension
    batches = settings.evaluation_batches
    draws = (correlated_gaussians(*size, information=truth, generator=generator) for _ in range(batches))
    estimates = torch.stack([learner(x, y)[1] for x, y in draws]).double()
    return Level(truth=truth, mean=estimates.mean().item(), sd=estimates.std().item(), batches=batches)


def blocks(estimates: Tensor, block: int, *, start: int, truth: float) -> list[TraceBlock]:
    """Return mean and standard deviation of `estimates` (steps,) over blocks of steps, the first after step `start`.

    Raises `UserError` with the step at which an estimate is not finite.
    """
    estimates = estimates.double()
    if not estimates.isfinite().all():
        step = start + int((~estimates.isfinite()).nonzero()[0]) + 1
        raise UserError(f"step {step}: the estimate is not finite; lower estimators.gaussian.lr in params/theory.yaml")
    rows = estimates.view(-1, block)
    steps = range(start + block, start + len(estimates) + 1, block)
    return [
        TraceBlock(step=step, truth=truth, mean=mean, sd=sd)
        for step, mean, sd in zip(steps, rows.mean(dim=1).tolist(), rows.std(dim=1).tolist(), strict=True)
    ]
