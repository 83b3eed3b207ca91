"""Latent recovery (claim C2): the set-ups of Zimmermann et al. 2021 (arXiv:2102.08850), with EntRec beside InfoNCE.

A run draws a mixing, trains an encoder on fresh pairs, and scores it on points that it was not trained on. The
untrained encoder and the observations themselves are scored too. The folder keeps the mixing and the encoder, whose
file names the mixing that it belongs to.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Generator, Tensor, nn

from entrec.information.sphere import vmf_information
from entrec.paths import IdentifiabilityFolder
from entrec.results import RecoveryByRepresentation, RecoveryScores, Scatter
from entrec.theory.identifiability import objectives
from entrec.theory.identifiability.encoders import build_encoder
from entrec.theory.identifiability.latents import sample_latents, sample_positives, stretch
from entrec.theory.identifiability.learners import Pairs, Supervised, Unsupervised
from entrec.theory.identifiability.mixing import Mixing, draw_mixing
from entrec.theory.identifiability.objectives import Terms
from entrec.theory.identifiability.scores import linear_prediction, linear_r2, mcc, mean_rank_correlation
from entrec.theory.identifiability.streams import stream
from entrec.theory.identifiability.tensor_files import write_tensors
from entrec.theory.identifiability.training import trace_of, train
from entrec.theory.registry import LATENT_RECOVERY
from entrec.theory.runs import LatentRecoveryRun
from entrec.theory.settings.identifiability import EXPONENTS, Density, LatentRecovery, LatentRecoveryRow
from entrec.training.checkpoint import TrainingState


def train_latent_recovery(
    settings: LatentRecovery, run: LatentRecoveryRun, *, device: torch.device, folder: IdentifiabilityFolder
) -> tuple[dict[str, Any], TrainingState[nn.Module]]:
    """Train and score one run, and write its encoder and its process to `folder`.

    Returns what the run adds to its `LatentRecoveryResult`, and the state of its training. A run that was stopped
    continues from its checkpoint; `train` says which errors are raised.
    """
    row, n, network, seed = settings.rows[run.row], settings.dimension, settings.network, run.seed
    mixing = draw_mixing(n, network, seed=seed).to(device)
    encoder = build_encoder(n, n, network, space=row.output, seed=seed).to(device)
    learner = build_learner(run.method, encoder, row)

    draw = partial(draw_pairs, row=row, mixing=mixing)
    points = draw(settings.points, stream("scores", seed=seed, device=device))
    few = draw(settings.training.trace_points, stream("trace", seed=seed, device=device))
    encoder.standardise(few.observed1)
    untrained = scores(encode(encoder, points.observed1), points.latents1)
    state = train(
        learner,
        draw,
        lambda: linear_r2(encode(encoder, few.observed1), few.latents1),
        replace(settings.training_of(run.row), batch_size=run.batch_size),
        run=run,
        study=settings,
        device=device,
        folder=folder.checkpoints,
    )
    process = write_tensors(folder.process, mixing.state_dict(), {"slope": mixing.slope, "seed": seed})
    write_tensors(folder.encoder, encoder.state_dict(), {"process": process})
    recovered = encode(encoder, points.observed1)
    by_representation = RecoveryByRepresentation(
        trained=scores(recovered, points.latents1),
        untrained=untrained,
        observations=scores(points.observed1, points.latents1),
    )
    return {
        "information": information(row, n),
        "trace": trace_of(state),
        "scores": by_representation,
        "scatter": scatter(recovered, points.latents1, count=settings.scatter),
    }, state


def build_learner(method: str, encoder: nn.Module, row: LatentRecoveryRow) -> nn.Module:
    """Return the encoder with the objective of `method`, one of the registry, for the densities of the row."""
    learner: nn.Module = LATENT_RECOVERY[method].load()(encoder, row)
    return learner


def supervised(encoder: nn.Module, row: LatentRecoveryRow) -> nn.Module:
    """Return the encoder with the true latents as its targets."""
    return Supervised(encoder)


def info_nce(encoder: nn.Module, row: LatentRecoveryRow) -> nn.Module:
    """Return the encoder with InfoNCE, whose critic is the row's density up to a constant."""
    model = row.model
    if model.kind == "vmf":
        return Unsupervised(encoder, partial(objectives.sphere_info_nce, kappa=model.width))
    alpha, exponent = stretch(model), EXPONENTS[model.kind]
    return Unsupervised(encoder, partial(objectives.space_info_nce, alpha=alpha, exponent=exponent))


def entrec_resubstitution(encoder: nn.Module, row: LatentRecoveryRow) -> nn.Module:
    """Return the encoder with EntRec, resubstitution; the reconstruction is the row's density."""
    return Unsupervised(encoder, _entrec(row, leave_one_out=False))


def entrec_leave_one_out(encoder: nn.Module, row: LatentRecoveryRow) -> nn.Module:
    """Return the encoder with EntRec, leave-one-out; the reconstruction is the row's density."""
    return Unsupervised(encoder, _entrec(row, leave_one_out=True))


def _entrec(row: LatentRecoveryRow, *, leave_one_out: bool) -> Callable[[Tensor, Tensor], Terms]:
    model = row.model
    if model.kind == "vmf":
        entrec = partial(objectives.sphere_entrec, kernel_kappa=row.kernel, kappa=model.width)
        return partial(entrec, leave_one_out=leave_one_out)
    kernel = stretch(Density(model.kind, row.kernel))
    entrec = partial(objectives.space_entrec, kernel_alpha=kernel, alpha=stretch(model))
    return partial(entrec, exponent=EXPONENTS[model.kind], leave_one_out=leave_one_out)


def draw_pairs(k: int, generator: Generator, *, row: LatentRecoveryRow, mixing: Mixing) -> Pairs:
    """Draw `k` pairs of the row, on the generator's device."""
    z1 = sample_latents(k, len(mixing.weights[0]), space=row.space, generator=generator)
    z2 = sample_positives(z1, space=row.space, density=row.conditional, generator=generator)
    return Pairs(z1, z2, mixing(z1), mixing(z2))


@torch.no_grad()
def encode(encoder: nn.Module, x: Tensor) -> Tensor:
    """Return the representations (k, n) of observations `x` (k, n)."""
    z: Tensor = encoder(x)
    return z


def scores(z: Tensor, latents: Tensor) -> RecoveryScores:
    """Return held-out R2 of a linear map, and matched correlations, of representations (k, n) with latents (k, n)."""
    return RecoveryScores(
        r2=linear_r2(z, latents), correlation=mcc(z, latents), rank_correlation=mean_rank_correlation(z, latents)
    )


def scatter(z: Tensor, latents: Tensor, *, count: int) -> Scatter:
    """Return the first `count` held-out latents and their linear prediction from the representations `z` (k, n)."""
    recovered = linear_prediction(z, latents)
    true = latents[-len(recovered) :]
    return Scatter(true=_points(true[:count]), recovered=_points(recovered[:count]))


def _points(z: Tensor) -> tuple[tuple[float, ...], ...]:
    return tuple(map(tuple, z.double().cpu().tolist()))


def information(row: LatentRecoveryRow, n: int) -> float | None:
    """Return what the two views share, in nats, or None where it has no closed form."""
    known = row.space == "sphere" and row.conditional.kind == "vmf"
    return vmf_information(n, kappa=row.conditional.width) if known else None
