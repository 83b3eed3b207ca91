"""The training loop of latent recovery and content isolation: fresh pairs in each step, exactly resumable.

Adam with half a cosine from the learning rate to 0, where the authors' releases keep the learning rate and train
300,000 steps at 1e-4.
"""

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import nn

from entrec.errors import UserError
from entrec.fingerprint import fingerprint
from entrec.information.checks import InvalidEmbeddings, without_device_sync
from entrec.progress import progress
from entrec.results import TrainingRow
from entrec.settings import Precision
from entrec.strict import plain
from entrec.theory.identifiability.learners import Draw, Pairs
from entrec.theory.identifiability.objectives import Terms
from entrec.theory.identifiability.streams import stream
from entrec.theory.runs import ContentIsolationRun, LatentRecoveryRun
from entrec.theory.settings.identifiability import ContentIsolation, LatentRecovery, Training
from entrec.training import checkpoint, eager
from entrec.training.checkpoint import TrainingState
from entrec.training.interruption import interrupted, stop_signals
from entrec.training.schedule import cosine_with_warmup

REMEDY = "lower training.lr in params/theory.yaml, or widen the kernel of a leave-one-out row"
ONLY_SCORING = ("points", "scatter", "kernel_ridge", "seeds", "sweep", "rows")  # settings that training does not read


def train(
    learner: nn.Module, draw: Draw, quick_score: Callable[[], float], settings: Training, *,
    run: LatentRecoveryRun | ContentIsolationRun, study: LatentRecovery | ContentIsolation, device: torch.device,
    folder: Path,
) -> TrainingState[nn.Module]:  # fmt: skip
    """Train to the last step, from the checkpoint in `folder` if there is one; the state's history has `TrainingRow`s.

    `quick_score` returns the R2 of the learner as it is. Only checkpoints of this `run` of the `study` are
    continued. Raises `UserError` for a checkpoint that is damaged or of another run and for training that diverges, and
    `Interrupted` after a signal that asks to stop, once the run is saved.
    """
    optimiser = eager.build(torch.optim.Adam, learner.parameters(), lr=settings.lr, fused=True)
    generator, code = stream("training", seed=run.seed, device=device), [fingerprint("theory")]
    identity = f"{identity_of(study, run)}, {device.type}"
    state = TrainingState(identity, learner, optimiser, generator=generator, fingerprints=code)
    checkpoint.restore(state, folder)
    began, before = time.monotonic(), state.seconds
    with readable_faults(state), stop_signals() as stopped:
        for step in progress(range(state.step, settings.steps), str(run), start=state.step):
            for group in optimiser.param_groups:
                group["lr"] = settings.lr * cosine_with_warmup(step, steps=settings.steps, warmup=0)
            last = step + 1 == settings.steps
            logged = last or (step + 1) % settings.trace_every == 0
            pairs = draw(settings.batch_size, generator)
            terms = one_step(state, pairs, checked=logged, precision=settings.precision)
            state.unlogged.append({name: term.detach() for name, term in terms.items()})
            state.step = step + 1
            stop = None if last else stopped()
            means = finite_means(state.unlogged, state.step) if logged or stop else {}
            if logged:
                state.history.append({"step": state.step, **means, "r2": quick_score()})
                state.unlogged.clear()
            if logged or stop:
                state.seconds = before + time.monotonic() - began
                checkpoint.save(state, folder)
            if stop:
                raise interrupted(stop, step=state.step, steps=settings.steps)
    return state


def one_step(state: TrainingState[nn.Module], pairs: Pairs, *, checked: bool, precision: Precision) -> Terms:
    """Update the learner on `pairs` and return the terms; values on the device are checked only where `checked`."""
    autocast = torch.autocast(pairs.observed1.device.type, torch.bfloat16, enabled=precision == "bfloat16")
    with autocast, nullcontext() if checked else without_device_sync():
        terms: Terms = state.learner(pairs)
    assert state.optimiser is not None
    (-torch.stack(list(terms.values())).sum()).backward()
    eager.step(state.optimiser)
    state.optimiser.zero_grad(set_to_none=True)
    return terms


def trace_of(state: TrainingState[nn.Module]) -> tuple[TrainingRow, ...]:
    """Return the history of a run as its result file has it."""
    return tuple(TrainingRow(**row) for row in state.history)


def identity_of(settings: LatentRecovery | ContentIsolation, run: LatentRecoveryRun | ContentIsolationRun) -> str:
    """Return all that the training of a run depends on, but for the code and the device."""
    values: dict[str, Any] = plain(type(settings), settings)
    shared = {key: value for key, value in values.items() if key not in ONLY_SCORING}
    return json.dumps({"run": str(run), **shared, "row": values["rows"][run.row]}, sort_keys=True)


@contextmanager
def readable_faults(state: TrainingState[nn.Module]) -> Iterator[None]:
    """Say in one line by which step representations became invalid; this happens before the objective diverges."""
    try:
        yield
    except InvalidEmbeddings as error:
        raise UserError(f"step {state.step}: {error}; {REMEDY}") from error


def finite_means(terms: list[Terms], step: int) -> dict[str, float]:
    """Return the mean of each term over some steps, and first their sum, the objective.

    Raises `UserError` where the objective is not finite, so that no such state is saved.
    """
    means = {name: torch.stack([one[name] for one in terms]).double().mean().item() for name in terms[0]}
    objective = sum(means.values())
    if not math.isfinite(objective):
        raise UserError(f"step {step}: the objective is {objective}; {REMEDY}")
    return {"objective": objective, **means}
