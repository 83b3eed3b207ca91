"""Recovered latents (claim C2): the set-ups of Zimmermann et al. 2021 (arXiv:2102.08850), EntRec beside InfoNCE.

One run draws a mixing, trains an encoder on fresh pairs and scores it on points of their own. Beside the trained
encoder stand the untrained one and the observations themselves. Kept are the process and the encoder, each other's.
"""

import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from entrec.errors import UserError
from entrec.information.sphere import vmf_information
from entrec.strict import plain
from entrec.theory.identifiability import objectives
from entrec.theory.identifiability.encoders import build_encoder
from entrec.theory.identifiability.latents import sample_latents, sample_positives, stretch
from entrec.theory.identifiability.mixing import Mixing, draw_mixing
from entrec.theory.identifiability.objectives import Terms
from entrec.theory.identifiability.scores import linear_prediction, linear_r2, mcc, mean_rank_correlation
from entrec.theory.identifiability.tensor_files import write_tensors
from entrec.theory.identifiability.training import Pairs, Supervised, Unsupervised, seed_of, stream, train
from entrec.theory.settings.identifiability import (
    EXPONENTS,
    Density,
    LatentRecovery,
    LatentRecoveryRow,
    latent_recovery_faults,
)


def train_latent_recovery(
    settings: LatentRecovery, row: str, method: str, seed: int, *, device: torch.device, folder: Path
) -> dict[str, Any]:
    """Train one row by one method, or go on with it, and score it; encoder and process are left in `folder`.

    Raises `UserError` for rows that contradict themselves, before anything is trained.
    """
    for fault in latent_recovery_faults(settings):
        raise UserError(f"latent_recovery.{fault}")
    own, n, network = settings.rows[row], settings.dimension, settings.network
    mixing = draw_mixing(n, network, seed=seed_of("mixing", seed=seed)).to(device)
    encoder = build_encoder((n, *network.hidden, n), network, space=own.output, seed=seed_of("encoder", seed=seed))
    encoder.to(device)
    learner = Supervised(encoder) if method == "supervised" else Unsupervised(encoder, objective(own, method))

    draw = partial(draw_pairs, row=own, mixing=mixing)
    points = draw(settings.points, stream("scores", seed=seed, device=device))
    few = draw(settings.training.trace_points, stream("trace", seed=seed, device=device))
    encoder.standardise(few.observed1)
    untrained = scores(encode(encoder, points.observed1), points.latents1)
    state = train(
        learner, draw, lambda: linear_r2(encode(encoder, few.observed1), few.latents1), settings.training,
        seed=seed, device=device, label=f"{row}, {method}, seed {seed}", identity=identity(settings, row, method, seed),
        folder=folder,
    )  # fmt: skip
    process = write_tensors(folder / "process.safetensors", mixing.state_dict(), {"slope": mixing.slope, "seed": seed})
    write_tensors(folder / "encoder.safetensors", encoder.state_dict(), {"process": process})
    recovered = encode(encoder, points.observed1)
    return {
        "row": row,
        "method": method,
        "seed": seed,
        "information": information(own, n),
        "trace": state.trace,
        "scores": {
            "trained": scores(recovered, points.latents1),
            "untrained": untrained,
            "observations": scores(points.observed1, points.latents1),
        },
        "scatter": scatter(recovered, points.latents1, count=settings.scatter),
        "codes": state.codes,
    }


def identity(settings: LatentRecovery, row: str, method: str, seed: int) -> str:
    """Digest of all that training depends on but the code."""
    values = plain(LatentRecovery, settings)
    shared = {key: values[key] for key in ("dimension", "network", "training")}
    content = json.dumps([shared, values["rows"][row], method, seed], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def objective(row: LatentRecoveryRow, method: str) -> Callable[[Tensor, Tensor], Terms]:
    """The method's objective with the row's densities."""
    one_out = method == "entrec_leave_one_out"
    if row.model.kind == "vmf":
        kappa = row.model.width
        if method == "info_nce":
            return partial(objectives.sphere_info_nce, kappa=kappa)
        return partial(objectives.sphere_entrec, kernel_kappa=row.kernel, kappa=kappa, leave_one_out=one_out)
    alpha, exponent = stretch(row.model), EXPONENTS[row.model.kind]
    if method == "info_nce":
        return partial(objectives.space_info_nce, alpha=alpha, exponent=exponent)
    kernel = stretch(Density(row.model.kind, row.kernel))
    return partial(objectives.space_entrec, kernel_alpha=kernel, alpha=alpha, exponent=exponent, leave_one_out=one_out)


def draw_pairs(k: int, generator: Generator, *, row: LatentRecoveryRow, mixing: Mixing) -> Pairs:
    """`k` pairs of the row, on the generator's device."""
    z1 = sample_latents(k, len(mixing.weights[0]), space=row.space, generator=generator)
    z2 = sample_positives(z1, space=row.space, density=row.conditional, generator=generator)
    return Pairs(z1, z2, mixing(z1), mixing(z2))


@torch.no_grad()
def encode(encoder: nn.Module, x: Tensor) -> Tensor:
    """Representations of observations `x` (k, n)."""
    return encoder(x)


def scores(z: Tensor, latents: Tensor) -> dict[str, float]:
    """Held-out R2 of a line, and matched correlations, of representations (k, n) with the true latents (k, n)."""
    return {
        "r2": linear_r2(z, latents),
        "correlation": mcc(z, latents),
        "rank_correlation": mean_rank_correlation(z, latents),
    }


def scatter(z: Tensor, latents: Tensor, *, count: int) -> dict[str, list[list[float]]]:
    """The first `count` held-out points: what is true, and what a line makes of the representations."""
    recovered = linear_prediction(z, latents)
    true = latents[-len(recovered) :]
    return {name: part[:count].double().cpu().tolist() for name, part in (("true", true), ("recovered", recovered))}


def information(row: LatentRecoveryRow, n: int) -> float | None:
    """What the two views share, nats, where it is known in closed form."""
    known = row.space == "sphere" and row.conditional.kind == "vmf"
    return vmf_information(n, kappa=row.conditional.width) if known else None
