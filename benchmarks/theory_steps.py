"""The step of latent recovery and of content isolation at full size, over the arithmetic of its network alone.

The batch has 6144 pairs and the encoder the widths 10-100-500-500-500-500-100-10 (Zimmermann et al. 2021; von
Kuegelgen et al. 2021). A step draws its pairs, mixes them, and computes and follows the objective. A step of the
network alone is a forward pass, a backward pass and an update by Adam, for two views that are ready, without an
objective.
"""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.measuring import Ratio, at_least, in_turn, median_ratio, on_gpu
from entrec.theory.identifiability.content_isolation import fresh_encoder, recipe_of
from entrec.theory.identifiability.content_style import draw_content_style
from entrec.theory.identifiability.encoders import Encoder, build_encoder
from entrec.theory.identifiability.latent_recovery import build_learner, draw_pairs
from entrec.theory.identifiability.learners import Draw, Pairs, Unsupervised
from entrec.theory.identifiability.mixing import draw_mixing
from entrec.theory.identifiability.training import one_step
from entrec.theory.settings.identifiability import ContentIsolation, LatentRecovery
from entrec.theory.study import load_theory
from entrec.training import eager
from entrec.training.checkpoint import TrainingState
from entrec.training.device import make_deterministic, pick_device

RELEASED = {"latent recovery": 2.2, "content isolation": 8.0}
WHY_NOT = "no package index has the code that the original authors released"


def ratios() -> Iterator[Ratio]:
    """Yield the speed of each study's step relative to its network alone, and what is known of the released codes."""
    make_deterministic(pick_device(), threads=1)
    full = load_theory(Path("params/theory.yaml")).full
    for study, method, learner, draw, batch in [*recovery(full.latent_recovery), *isolation(full.content_isolation)]:
        measured = step_over_network(learner, draw, batch=batch)
        yield at_least(0.85, f"speed of a step over its network alone: {study}, {method}", measured)
    for study, target in RELEASED.items():
        yield Ratio(f"speed of a step over the released code: {study}", None, target, "higher", WHY_NOT)


Timed = tuple[str, str, nn.Module, Draw, int]


def recovery(study: LatentRecovery) -> Iterator[Timed]:
    """Yield the two objectives on the sphere."""
    row = study.rows["sphere_vmf10"]
    mixing = draw_mixing(study.dimension, study.network, seed=0).to(pick_device())

    def draw(batch: int, generator: torch.Generator) -> Pairs:
        return draw_pairs(batch, generator, row=row, mixing=mixing)

    for method in ("info_nce", "entrec_leave_one_out"):
        encoder = build_encoder(study.dimension, study.dimension, study.network, space=row.output, seed=0)
        yield "latent recovery", method, build_learner(method, encoder, row), draw, study.training.batch_size


def isolation(study: ContentIsolation) -> Iterator[Timed]:
    """Yield the two objectives on content and style."""
    process = draw_content_style(study, next(iter(study.rows.values())), seed=0).to(pick_device())
    for method in ("info_nce", "entrec_cont"):
        recipe = recipe_of(method, study)
        learner = Unsupervised(fresh_encoder(study, recipe, seed=0), recipe.objective)
        yield "content isolation", method, learner, process, study.training.batch_size


def step_over_network(learner: nn.Module, draw: Draw, *, batch: int) -> float:
    """Return the median share of a step that the network alone would take."""
    device = pick_device()
    encoder, generator = learner.to(device).get_submodule("encoder"), torch.Generator(device).manual_seed(0)
    assert isinstance(encoder, Encoder)
    optimiser = eager.build(torch.optim.Adam, learner.parameters(), lr=1e-4, fused=True)
    state = TrainingState("benchmark", learner, optimiser)
    ready = draw(batch, generator)
    encoder.standardise(ready.observed1)
    views = torch.cat([ready.observed1, ready.observed2])
    repeats = range(30 if on_gpu() else 1)

    def steps() -> None:
        for _ in repeats:
            one_step(state, draw(batch, generator), checked=False, precision="float32")

    def network_steps() -> None:
        for _ in repeats:
            network_step(encoder, optimiser, views)

    times = in_turn({"step": steps, "network": network_steps}, rounds=5)
    return median_ratio(times["network"], times["step"])


def network_step(encoder: nn.Module, optimiser: torch.optim.Optimizer, views: Tensor) -> None:
    """Make a forward pass, a backward pass of the sum of all outputs, and an update, for both views."""
    encoder(views).sum().backward()
    eager.step(optimiser)
    optimiser.zero_grad(set_to_none=True)
