"""How fast the studies of latents and content train at the original size, and how much of a step is the network.

Batch 6144 and the encoder 10-100-500-500-500-500-100-10 (Zimmermann et al. 2021; von Kuegelgen et al. 2021), by
InfoNCE and by EntRec. A step draws its pairs, mixes them and takes the objective; a network-only step goes forward,
backward and through Adam with two views that lie ready, without an objective. Both run in turn in one process; the
ratio is the median over blocks. The targets are 8 and 2 times what the releases' own code takes on one CPU thread.

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
from entrec.theory.identifiability.content_isolation import fresh_encoder
from entrec.theory.identifiability.content_isolation import objective as content_isolation_objective
from entrec.theory.identifiability.content_style import draw_content_style
from entrec.theory.identifiability.encoders import Encoder, build_encoder
from entrec.theory.identifiability.latent_recovery import draw_pairs
from entrec.theory.identifiability.latent_recovery import objective as latent_recovery_objective
from entrec.theory.identifiability.mixing import draw_mixing
from entrec.theory.identifiability.training import Draw, State, Unsupervised, one_step
from entrec.theory.study import load_theory
from entrec.training import eager
from entrec.training.device import make_deterministic, pick_device

RELEASES = {"content and style": (0.105, 8), "sphere": (0.38, 2)}  # steps/s on one thread, and times that to reach


def rates(  # type: ignore[no-untyped-def]
    encoder: Encoder, objective, draw: Draw, *, batch: int, blocks: int, steps: int, precision: Precision, device
):
    """Median steps/s, and the median share of a step that the network alone would take."""
    learner = Unsupervised(encoder.to(device), objective)
    optimiser = eager.build(torch.optim.Adam, learner.parameters(), lr=1e-4, fused=True)
    state = State("benchmark", learner, optimiser, torch.Generator(device).manual_seed(0))
    ready = draw(batch, state.generator)
    encoder.standardise(ready.observed1)
    views = torch.cat([ready.observed1, ready.observed2])
    times: list[tuple[float, float]] = []
    for block in range(blocks + 1):
        whole = seconds(
            lambda: one_step(state, draw(batch, state.generator), look=False, precision=precision), steps, device
        )
        network = seconds(lambda: network_step(encoder, optimiser, views, precision), steps, device)
        if block:  # the first warms up
            times.append((whole, network))
    shares = [network / whole for whole, network in times]
    return statistics.median(1 / whole for whole, _ in times), statistics.median(shares)


def network_step(encoder: nn.Module, optimiser: torch.optim.Optimizer, views: Tensor, precision: Precision) -> None:
    """Forward, backward and update for both views, whose gradient is that of the sum of what comes out."""
    with torch.autocast(views.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        out = encoder(views)
    out.sum().backward()
    eager.step(optimiser)
    optimiser.zero_grad(set_to_none=True)


def seconds(work: Callable[[], object], steps: int, device: torch.device) -> float:
    """Wall seconds of `work`, done `steps` times, for one."""
    began = time.perf_counter()
    for _ in range(steps):
        work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - began) / steps


def main() -> None:
    """Both studies as the full setting has them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, default=Path("params/theory.yaml"))
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--steps", type=int, default=1, help="in a block")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=get_args(Precision), default="float32", help="of the encoder's products")
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
    widths = (recovery.dimension, *recovery.network.hidden, recovery.dimension)
    for method in ("info_nce", "entrec_leave_one_out"):
        encoder = build_encoder(widths, recovery.network, space=row.output, seed=0)
        objective = latent_recovery_objective(row, method)
        yield "sphere", method, *timed(encoder, objective, draw, batch=recovery.training.batch_size)

    isolation = full.content_isolation
    process = draw_content_style(isolation, next(iter(isolation.rows.values())), seed=0).to(device)
    for method in ("info_nce", "entrec_cont"):
        encoder = fresh_encoder(isolation, method, seed=0)
        objective = content_isolation_objective(isolation, method)
        yield "content and style", method, *timed(encoder, objective, process, batch=isolation.training.batch_size)


def report(study: str, method: str, rate: float, share: float) -> None:
    """One line."""
    released, times = RELEASES[study]
    print(
        f"{study}, {method}: {rate:.2f} steps/s, {rate / released:.1f} times the release's {released}"
        f" (target {times}); network alone {share:.2f} of a step (target 0.8)",
        flush=True,
    )


if __name__ == "__main__":
    main()
