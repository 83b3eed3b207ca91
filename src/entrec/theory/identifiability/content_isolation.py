"""Content isolation (claim C3): the simulation of von Kuegelgen et al. 2021 (arXiv:2106.04619), with EntRec.

A run draws the process, trains an encoder on fresh pairs, and scores how well content and style can be predicted from
its representations. InfoNCE and EntRecDisc encode into R^n, alignment and entropy into the unit cube, and EntRecCont
into a sphere with as many directions as content has. The representations of EntRecDisc are its probabilities: in their
logarithms, style would be visible in categories that have almost no probability.

The untrained encoder, the observations and the oracle, which is the true content, are scored too. Style that depends
on content can be predicted from the oracle.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from entrec.errors import UserError
from entrec.paths import IdentifiabilityFolder
from entrec.results import ContentAndStyle, IsolationByRepresentation, IsolationScores
from entrec.theory.identifiability import objectives
from entrec.theory.identifiability.content_style import draw_content_style, load_process, save_process
from entrec.theory.identifiability.encoders import Encoder, build_encoder
from entrec.theory.identifiability.learners import Unsupervised
from entrec.theory.identifiability.objectives import Terms
from entrec.theory.identifiability.scores import kernel_ridge_r2, linear_r2
from entrec.theory.identifiability.streams import stream
from entrec.theory.identifiability.tensor_files import read_tensors, write_tensors
from entrec.theory.identifiability.training import trace_of, train
from entrec.theory.registry import CONTENT_ISOLATION
from entrec.theory.runs import ContentIsolationRun
from entrec.theory.settings.identifiability import ContentIsolation, Space
from entrec.training.checkpoint import TrainingState


@dataclass(frozen=True)
class Recipe:
    """How a method encodes observations and what it maximises.

    The encoder has `outputs` coordinates in `space`, and `represent` maps them (k, outputs) to what is scored.
    """

    space: Space
    outputs: int
    objective: Callable[[Tensor, Tensor], Terms]
    represent: Callable[[Tensor], Tensor] = lambda outputs: outputs


def recipe_of(method: str, settings: ContentIsolation) -> Recipe:
    """Return the recipe of a method of the registry."""
    recipe: Recipe = CONTENT_ISOLATION[method].load()(settings)
    return recipe


def info_nce(settings: ContentIsolation) -> Recipe:
    """Return InfoNCE, whose critic is minus the squared distance over the temperature."""
    objective = partial(objectives.space_info_nce, alpha=settings.temperature**0.5, exponent=2)
    return Recipe("unbounded", settings.content, objective)


def align_entropy(settings: ContentIsolation) -> Recipe:
    """Return alignment and entropy in the unit cube."""
    own = settings.align_entropy
    return Recipe(
        "box", settings.content, partial(objectives.align_entropy, bandwidth=own.bandwidth, weight=own.weight)
    )


def entrec_cont(settings: ContentIsolation) -> Recipe:
    """Return EntRec on the sphere, with the leave-one-out estimate of entropy."""
    own = settings.entrec_cont
    objective = partial(objectives.sphere_entrec, kernel_kappa=own.kernel_kappa, kappa=own.kappa, leave_one_out=True)
    return Recipe("sphere", settings.content + 1, objective)


def entrec_disc(settings: ContentIsolation) -> Recipe:
    """Return EntRec with a categorical surrogate; the encoder's outputs are logits, and probabilities are scored."""
    return Recipe("unbounded", settings.categories, objectives.discrete_entrec, represent=partial(F.softmax, dim=1))


def train_content_isolation(
    settings: ContentIsolation, run: ContentIsolationRun, *, device: torch.device, folder: IdentifiabilityFolder
) -> tuple[dict[str, Any], TrainingState[nn.Module]]:
    """Train and score one run, and write its encoder and its process to `folder`.

    Returns what the run adds to its `ContentIsolationResult`, and the state of its training. A run that was stopped
    continues from its checkpoint; `train` says which errors are raised.
    """
    seed, recipe = run.seed, recipe_of(run.method, settings)
    process = draw_content_style(settings, settings.rows[run.row], seed=seed).to(device)
    encoder = fresh_encoder(settings, recipe, seed=seed).to(device)
    few = process(settings.training.trace_points, stream("trace", seed=seed, device=device))
    encoder.standardise(few.observed1)
    content = few.latents1[:, : process.content]
    state = train(
        Unsupervised(encoder, recipe.objective),
        process,
        lambda: linear_r2(represent(encoder, few.observed1, recipe), content),
        settings.training,
        run=run,
        study=settings,
        device=device,
        folder=folder.checkpoints,
    )
    digest = save_process(process, folder.process)
    write_tensors(folder.encoder, encoder.state_dict(), {"process": digest, "method": run.method})
    found = evaluate(settings, run.method, folder=folder, device=device)
    return {"trace": trace_of(state), "scores": found}, state


def evaluate(
    settings: ContentIsolation, method: str, *, folder: IdentifiabilityFolder, device: torch.device
) -> IsolationByRepresentation:
    """Return the scores of the encoder in `folder` on pairs of the process beside it.

    Raises `UserError` if the encoder is not of `method` or not of the process.
    """
    weights, about = read_tensors(folder.encoder)
    if about.get("method") != method or "process" not in about:
        raise UserError(f"{folder.encoder}: no encoder of {method}; rerun the step that makes it")
    process = load_process(folder.process, digest=about["process"]).to(device)
    recipe = recipe_of(method, settings)
    trained, untrained = (fresh_encoder(settings, recipe, seed=process.seed) for _ in range(2))
    trained.load_state_dict(weights)
    untrained.mean, untrained.deviation = trained.mean, trained.deviation

    points = process(settings.points, stream("scores", seed=process.seed, device=device))
    content, style = points.latents1.split([process.content, process.style], dim=1)
    return IsolationByRepresentation(
        trained=scores(represent(trained.to(device), points.observed1, recipe), content, style, settings),
        untrained=scores(represent(untrained.to(device), points.observed1, recipe), content, style, settings),
        observations=scores(points.observed1, content, style, settings),
        oracle=scores(content, content, style, settings),
    )


def scores(z: Tensor, content: Tensor, style: Tensor, settings: ContentIsolation) -> ContentAndStyle:
    """Return the held-out R2 of content (k, nc) and of style (k, ns) from `z` (k, m), by kernel ridge and linearly."""
    grid = settings.kernel_ridge
    ridges = kernel_ridge_r2(z, [content, style], gammas=grid.gammas, alphas=grid.alphas)
    of_content, of_style = (
        IsolationScores(kernel_ridge=ridge.r2, linear=linear_r2(z, target), gamma=ridge.gamma, alpha=ridge.alpha)
        for target, ridge in zip((content, style), ridges, strict=True)
    )
    return ContentAndStyle(content=of_content, style=of_style)


def fresh_encoder(settings: ContentIsolation, recipe: Recipe, *, seed: int) -> Encoder:
    """Return the encoder of a recipe with the initial weights of `seed`."""
    return build_encoder(settings.dimension, recipe.outputs, settings.network, space=recipe.space, seed=seed)


@torch.no_grad()
def represent(encoder: nn.Module, x: Tensor, recipe: Recipe) -> Tensor:
    """Return the representations (k, m) of observations `x` (k, n), as they are scored."""
    return recipe.represent(encoder(x))
