"""Isolated content (claim C3): the simulation of von Kuegelgen et al. 2021 (arXiv:2106.04619), EntRec beside InfoNCE.

One run draws the process, trains an encoder on fresh pairs and scores what it tells of content and of style. InfoNCE
and EntRecDisc encode into R^n, alignment and entropy into the unit cube, EntRecCont onto a sphere of as many
directions as content has. What EntRecDisc tells are its probabilities: their logarithms keep style in categories that
hardly count.

Beside the trained encoder stand the untrained one, the observations, and the oracle, which knows content itself: style
that depends on content can be told from it.
"""

import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from entrec.errors import UserError
from entrec.strict import plain
from entrec.theory.identifiability import objectives
from entrec.theory.identifiability.content_style import draw_content_style, load_process, save_process
from entrec.theory.identifiability.encoders import Encoder, build_encoder
from entrec.theory.identifiability.objectives import Terms
from entrec.theory.identifiability.scores import kernel_ridge_r2, linear_r2
from entrec.theory.identifiability.tensor_files import read_tensors, write_tensors
from entrec.theory.identifiability.training import Unsupervised, seed_of, stream, train
from entrec.theory.settings.identifiability import ContentIsolation, Space

OUTPUTS: dict[str, Space] = {
    "info_nce": "unbounded",
    "align_entropy": "box",
    "entrec_cont": "sphere",
    "entrec_disc": "unbounded",
}


def train_content_isolation(
    settings: ContentIsolation, row: str, method: str, seed: int, *, device: torch.device, folder: Path
) -> dict[str, Any]:
    """Train one row by one method, or go on with it, and score it; encoder and process are left in `folder`.

    Raises `UserError` for sizes that contradict each other, before anything is trained.
    """
    process = draw_content_style(settings, settings.rows[row], seed=seed).to(device)
    encoder = fresh_encoder(settings, method, seed=seed).to(device)
    few = process(settings.training.trace_points, stream("trace", seed=seed, device=device))
    encoder.standardise(few.observed1)
    content = few.latents1[:, : process.content]
    state = train(
        Unsupervised(encoder, objective(settings, method)), process,
        lambda: linear_r2(told(encoder, few.observed1, method), content), settings.training,
        seed=seed, device=device, label=f"{row}, {method}, seed {seed}", identity=identity(settings, row, method, seed),
        folder=folder,
    )  # fmt: skip
    digest = save_process(process, folder / "process.safetensors")
    about = {"process": digest, "method": method}
    write_tensors(folder / "encoder.safetensors", encoder.state_dict(), about)
    return {
        "row": row,
        "method": method,
        "seed": seed,
        "trace": state.trace,
        "scores": evaluate(settings, method, folder=folder, device=device),
        "codes": state.codes,
    }


def evaluate(settings: ContentIsolation, method: str, *, folder: Path, device: torch.device) -> dict[str, Any]:
    """Scores of the encoder in `folder` by the process beside it; raises `UserError` if they do not belong together."""
    weights, about = read_tensors(folder / "encoder.safetensors")
    if about.get("method") != method or "process" not in about:
        raise UserError(f"{folder / 'encoder.safetensors'}: no encoder of {method}; rerun the step that makes it")
    process = load_process(folder / "process.safetensors", digest=about["process"]).to(device)
    trained = fresh_encoder(settings, method, seed=process.seed)
    untrained = fresh_encoder(settings, method, seed=process.seed)
    trained.load_state_dict(weights)
    untrained.mean, untrained.deviation = trained.mean, trained.deviation

    points = process(settings.points, stream("scores", seed=process.seed, device=device))
    content, style = points.latents1.split([process.content, process.style], dim=1)
    sources = {
        "trained": told(trained.to(device), points.observed1, method),
        "untrained": told(untrained.to(device), points.observed1, method),
        "observations": points.observed1,
        "oracle": content,
    }
    return {name: scores(source, content, style, settings) for name, source in sources.items()}


def scores(source: Tensor, content: Tensor, style: Tensor, settings: ContentIsolation) -> dict[str, dict[str, float]]:
    """Held-out R2 of content (k, nc) and of style (k, ns) from `source` (k, m), by kernel ridge and by a line."""
    grid = settings.kernel_ridge
    ridges = kernel_ridge_r2(source, [content, style], gammas=grid.gammas, alphas=grid.alphas)
    return {
        name: {
            "kernel_ridge": ridge.r2,
            "linear": linear_r2(source, target),
            "gamma": ridge.gamma,
            "alpha": ridge.alpha,
        }
        for name, target, ridge in zip(("content", "style"), (content, style), ridges, strict=True)
    }


def identity(settings: ContentIsolation, row: str, method: str, seed: int) -> str:
    """Digest of all that training depends on but the code."""
    values = plain(ContentIsolation, settings)
    shared = {key: value for key, value in values.items() if key not in ("points", "kernel_ridge", "seeds", "rows")}
    content = json.dumps([shared, values["rows"][row], method, seed], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def fresh_encoder(settings: ContentIsolation, method: str, *, seed: int) -> Encoder:
    """The method's encoder with the weights of `seed`."""
    outputs = {"entrec_cont": settings.content + 1, "entrec_disc": settings.categories}.get(method, settings.content)
    widths = (settings.dimension, *settings.network.hidden, outputs)
    return build_encoder(widths, settings.network, space=OUTPUTS[method], seed=seed_of("encoder", seed=seed))


def objective(settings: ContentIsolation, method: str) -> Callable[[Tensor, Tensor], Terms]:
    """The method's objective."""
    sphere, cube = settings.entrec_cont, settings.align_entropy
    by_name: dict[str, Callable[[Tensor, Tensor], Terms]] = {
        "info_nce": partial(objectives.space_info_nce, alpha=settings.temperature**0.5, exponent=2),
        "align_entropy": partial(objectives.align_entropy, bandwidth=cube.bandwidth, weight=cube.weight),
        "entrec_cont": partial(
            objectives.sphere_entrec, kernel_kappa=sphere.kernel_kappa, kappa=sphere.kappa, leave_one_out=True
        ),
        "entrec_disc": objectives.discrete_entrec,
    }
    return by_name[method]


@torch.no_grad()
def told(encoder: nn.Module, x: Tensor, method: str) -> Tensor:
    """What the encoder tells of observations `x` (k, n)."""
    z = encoder(x)
    return F.softmax(z, dim=1) if method == "entrec_disc" else z
