"""Measure how fast latent recovery and content isolation train at full size, and the network's share of a step.

The batch has 6144 pairs and the encoder the widths 10-100-500-500-500-500-100-10 (Zimmermann et al. 2021; von
Kuegelgen et al. 2021); the objectives are InfoNCE and EntRec. A step draws its pairs, mixes them, and computes and
follows the objective. A step of the network alone is a forward pass, a backward pass and an update by Adam, for two
views that are ready and without an objective. Both run in turn in one process; the ratio is the median over blocks.
The targets are 8 and 2 times the speed of the authors' released code on one CPU thread.

    python benchmarks/theory_steps.py
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import get_args

import torch
from torch import Tensor, nn

from entrec.settings import Precision
from entrec.theory.identifiability.content_isolation import fresh_encoder, recipe_of
from entrec.theory.identifiability.content_style import draw_content_style
from entrec.theory.identifiability.encoders import Encoder, build_encoder
from entrec.theory.identifiability.latent_recovery import build_learner, draw_pairs
from entrec.theory.identifiability.learners import Draw, Unsupervised
from entrec.theory.identifiability.mixing import draw_mixing
from entrec.theory.identifiability.training import one_step
from entrec.theory.study import load_theory
from entrec.training import eager
from entrec.training.checkpoint import TrainingState
from entrec.training.device import make_deterministic, pick_device

RELEASES = {"content and style": (0.105, 8), "sphere": (0.38, 2)}  # steps/s on one thread, and the factor to reach


def rates(
    learner: nn.Module, draw: Draw, *, batch: int, blocks: int, steps: int, precision: Precision, device: torch.device
) -> tuple[float, float]:
    """Return the median of steps/s, and the median share of a step that the network alone would take."""
    encoder, generator = learner.to(device).get_submodule("encoder"), torch.Generator(device).manual_seed(0)
    assert isinstance(encoder, Encoder)
    optimiser = eager.build(torch.optim.Adam, learner.parameters(), lr=1e-4, fused=True)
    state = TrainingState("benchmark", learner, optimiser)
    ready = draw(batch, generator)
    encoder.standardise(ready.observed1)
    views = torch.cat([ready.observed1, ready.observed2])
    times: list[tuple[float, float]] = []
    for block in range(blocks + 1):
        whole = seconds(
            lambda: one_step(state, draw(batch, generator), checked=False, precision=precision), steps, device
        )
        network = seconds(lambda: network_step(encoder, optimiser, views, precision), steps, device)
        if block:  # the first block warms up
            times.append((whole, network))
    shares = [network / whole for whole, network in times]
    return statistics.median(1 / whole for whole, _ in times), statistics.median(shares)


def network_step(encoder: nn.Module, optimiser: torch.optim.Optimizer, views: Tensor, precision: Precision) -> None:
    """Make a forward pass, a backward pass of the sum of all outputs, and an update, for both views."""
    with torch.autocast(views.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        out = encoder(views)
    out.sum().backward()
    eager.step(optimiser)
    optimiser.zero_grad(set_to_none=True)


def seconds(work: Callable[[], object], steps: int, device: torch.device) -> float:
    """Return the wall seconds that one call of `work` takes, measured over `steps` calls."""
    began = time.perf_counter()
    for _ in range(steps):
        work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - began) / steps


def main() -> None:
    """Measure both studies with the settings of `full`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, default=Path("params/theory.yaml"))
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--steps", type=int, default=1, help="steps in a block")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--precision", choices=get_args(Precision), default="float32", help="precision of the encoder's products"
    )
    arguments = parser.parse_args()
    make_deterministic(pick_device(), threads=arguments.threads)
    for found in measured(
        arguments.study, blocks=arguments.blocks, steps=arguments.steps, precision=arguments.precision
    ):
        report(*found)


def measured(path: Path, *, blocks: int, steps: int, precision: Precision) -> Iterator[tuple[str, str, float, float]]:
    """Yield study, method, steps/s and the network's share of a step for each pair that is timed."""
    device = pick_device()
    timed = partial(rates, blocks=blocks, steps=steps, precision=precision, device=device)
    full = load_theory(path).full

    recovery = full.latent_recovery
    row = recovery.rows["sphere_vmf10"]
    mixing = draw_mixing(recovery.dimension, recovery.network, seed=0).to(device)
    draw = partial(draw_pairs, row=row, mixing=mixing)
    for method in ("info_nce", "entrec_leave_one_out"):
        encoder = build_encoder(recovery.dimension, recovery.dimension, recovery.network, space=row.output, seed=0)
        learner = build_learner(method, encoder, row)
        yield "sphere", method, *timed(learner, draw, batch=recovery.training.batch_size)

    isolation = full.content_isolation
    process = draw_content_style(isolation, next(iter(isolation.rows.values())), seed=0).to(device)
    for method in ("info_nce", "entrec_cont"):
        recipe = recipe_of(method, isolation)
        learner = Unsupervised(fresh_encoder(isolation, recipe, seed=0), recipe.objective)
        yield "content and style", method, *timed(learner, process, batch=isolation.training.batch_size)


def report(study: str, method: str, rate: float, share: float) -> None:
    """Print the measurements of one objective on one line."""
    released, times = RELEASES[study]
    print(
        f"{study}, {method}: {rate:.2f} steps/s, {rate / released:.1f} times the {released} of the released code"
        f" (target {times}); the network alone takes {share:.2f} of a step (target 0.8)",
        flush=True,
    )


if __name__ == "__main__":
    main()
