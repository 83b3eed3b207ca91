"""The step `pretrain`: builders above, the training loop below."""

import json
import math
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from entrec import provenance
from entrec.artefacts import sha256, write_csv
from entrec.collectives import gather, rank, size
from entrec.data.prepared import Prepared, open_as
from entrec.errors import UserError
from entrec.information.checks import InvalidEmbeddings, without_device_sync
from entrec.methods import METHODS
from entrec.methods.method import Method, StepOutput
from entrec.networks import save_backbone
from entrec.networks.synchronised import synchronise
from entrec.paths import RunFolder
from entrec.progress import progress
from entrec.provenance import Recording
from entrec.results import HISTORY, Circumstances, PretrainingResult, write_computed
from entrec.runs import Run
from entrec.study import Study, pretrain_keys
from entrec.training import checkpoint, eager
from entrec.training.batches import Batches
from entrec.training.checkpoint import TrainingState
from entrec.training.chunks import use_chunks
from entrec.training.device import device_for, make_deterministic
from entrec.training.diagnostics import measure
from entrec.training.distributed import process_group, replicated, wait_for_all
from entrec.training.interruption import interrupted, stop_signals
from entrec.training.optimiser import build_optimiser
from entrec.training.schedule import cosine_with_warmup

REMEDY = "lower the learning rate of this method in the study"


def pretrain(study: Study, run: Run, *, data: Path, folder: Path) -> None:
    """Train `run`, or resume it, and write encoder.safetensors, history.csv and run.json to `folder`.

    Raises `UserError` for damaged data or checkpoints, for a loss that is not finite and for missing GPUs, and
    `Interrupted` when a signal stops it, after a checkpoint is saved.
    """
    asked = study.asked("pretrain")
    device = device_for(asked)
    make_deterministic(device, threads=asked.threads_each)
    with process_group(device):
        _pretrain(study, run, data=data, folder=folder, device=device)


def _pretrain(study: Study, run: Run, *, data: Path, folder: Path, device: torch.device) -> None:
    prepared = open_as(data, study.dataset, study.datasets[study.dataset])
    params = study.slice(pretrain_keys(study, run.method))
    with provenance.record(params, prepared.name, prepared.checksum, seed=run.seed, device=device) as recording:
        state = build_state(study, run, prepared, device=device)
        batches = build_batches(study, run, prepared, device=device)
        steps = total_steps(state.learner, batches, run)
        checkpoints = RunFolder(folder).checkpoints
        checkpoint.restore(state, checkpoints)
        check_same_step(state, checkpoints, device=device)
        if steps:
            with readable_divergence(state), stop_signals() as stopped:
                train(state, batches, study, steps=steps, folder=checkpoints, stopped=stopped)
    if rank() == 0:
        write_outputs(state, study, run, recording, steps=steps, folder=folder)
        shutil.rmtree(checkpoints, ignore_errors=True)


def build_state(study: Study, run: Run, prepared: Prepared, *, device: torch.device) -> TrainingState[Method]:
    """Return a run before its first step; its weights depend on the study, the method and the seed only."""
    settings = study.method(run.method)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.seed)
        kind = METHODS[run.method].load()
        backbone = kind.make_backbone(study.network, channels=prepared.channels, size=prepared.size)
        method = kind.build(backbone, settings, classes=len(prepared.classes))
    layout = torch.channels_last if study.training.channels_last else torch.contiguous_format
    method.to(device, memory_format=layout)  # type: ignore[call-overload]
    method = synchronise(method, device).train()
    if study.training.compile:
        method.compile()
    if study.training.chunk is not None:
        use_chunks(method, chunk=study.training.chunk, batch_size=run.batch_size)
    optimiser = build_optimiser(method, settings.optimiser, batch_size=run.batch_size) if method.views else None
    belongs_to = {"run": str(run), "data": prepared.checksum, **study.slice(pretrain_keys(study, run.method))}
    return TrainingState(json.dumps(belongs_to, sort_keys=True), method, optimiser)


def build_batches(study: Study, run: Run, prepared: Prepared, *, device: torch.device) -> Batches:
    """Return the batches of `run`, with as many views and local crops as its method takes."""
    entry = METHODS[run.method]
    crops = entry.local_crops(study.method(run.method))
    return Batches(
        prepared,
        study.views[: entry.load().views],
        batch_size=run.batch_size,
        seed=run.seed,
        device=device,
        channels_last=study.training.channels_last,
        local=(study.local_views,) * crops if study.local_views else (),
    )


def check_same_step(state: TrainingState[Method], folder: Path, *, device: torch.device) -> None:
    """Raise `UserError` where processes found different checkpoints in `folder`, for example on a node without it."""
    steps = gather(torch.tensor([state.step], device=device)).tolist()
    if min(steps) != max(steps):
        found = ", ".join(map(str, sorted(set(steps))))
        raise UserError(f"{folder}: processes read checkpoints of steps {found}; let all nodes share the folder")


def total_steps(method: Method, batches: Batches, run: Run) -> int:
    """Return the number of optimiser steps of the whole run; 0 for a method that takes no views."""
    return run.epochs * batches.steps_per_epoch if method.views else 0


def train(
    state: TrainingState[Method],
    batches: Batches,
    study: Study,
    *,
    steps: int,
    folder: Path,
    after_save: Callable[[int], None] = lambda step: None,
    stopped: Callable[[], str | None] = lambda: None,
) -> None:
    """Train from `state.step` to `steps`; `after_save` is called with the step of each checkpoint.

    When `stopped` returns the name of a signal, the step is finished, a checkpoint is saved, and `Interrupted` is
    raised. Raises `UserError` for a loss that is not finite.
    """
    training, diagnostics = study.training, study.diagnostics
    method, optimiser = state.learner, state.optimiser
    model = replicated(method, batches.device)
    assert optimiser is not None
    warmup = round(training.warmup_epochs * batches.steps_per_epoch)
    base_lrs = [float(group.setdefault("base_lr", group["lr"])) for group in optimiser.param_groups]
    autocast = torch.autocast(batches.device.type, torch.bfloat16, enabled=training.precision == "bfloat16")
    began = last_save = time.monotonic()
    already = state.seconds

    left = range(state.step, steps)
    for step in progress(left, "pretrain", start=state.step) if rank() == 0 else left:
        factor = cosine_with_warmup(step, steps=steps, warmup=warmup)
        for group, lr in zip(optimiser.param_groups, base_lrs, strict=True):
            group["lr"] = factor * lr

        method.before_step(step, batches)
        views, labels = batches.at(step)
        measured = (step + 1) % diagnostics.every == 0 or step + 1 in (1, steps)
        logged = measured or (step + 1) % training.log_every == 0
        with autocast, nullcontext() if logged else without_device_sync():  # logging synchronises with the GPU anyway
            outcome = model(views, labels)
        loss = total_loss(outcome, method.weights)
        (loss * size()).backward()  # gradients are averaged; the batch's is their sum
        eager.step(optimiser)
        optimiser.zero_grad(set_to_none=True)
        method.after_step(step / steps)

        state.step = step + 1
        if logged:
            row = log_row(state, outcome, loss, lr=optimiser.param_groups[0]["lr"], per_epoch=batches.steps_per_epoch)
            state.history.append(row | (measure(outcome, diagnostics) if measured else {}))
        state.seconds = already + time.monotonic() - began  # after logging, which synchronises with the GPU
        if state.step == steps:
            continue  # so that `progress` reports the end
        stop = stopped()
        if rank() == 0 and (stop or time.monotonic() - last_save >= training.checkpoint_seconds):
            finite(loss, state.step)
            checkpoint.save(state, folder)
            last_save = time.monotonic()
            after_save(state.step)
        if stop:
            wait_for_all()  # torchrun ends all processes when one ends
            raise interrupted(stop, step=state.step, steps=steps)


@contextmanager
def readable_divergence(state: TrainingState[Method]) -> Iterator[None]:
    """Turn `InvalidEmbeddings` into a `UserError` with the step: when a method diverges, this comes before its loss.

    The step is a logged one, because only those check values.
    """
    try:
        yield
    except InvalidEmbeddings as error:
        raise UserError(f"by step {state.step + 1}: {error}; {REMEDY}") from error


def total_loss(outcome: StepOutput, weights: dict[str, float]) -> Tensor:
    """Return the weighted sum of a step's terms, a scalar."""
    return torch.stack([weights[name] * term for name, term in outcome.terms.items()]).sum()


def log_row(
    state: TrainingState[Method], outcome: StepOutput, loss: Tensor, *, lr: float, per_epoch: int
) -> dict[str, Any]:
    """Return one row of the history; raises `UserError` when the loss is not finite."""
    terms = {name: term.item() for name, term in outcome.terms.items()}
    return {"step": state.step, "epoch": state.step / per_epoch, "lr": lr, "loss": finite(loss, state.step), **terms}


def finite(loss: Tensor, step: int) -> float:
    """Return the loss as a number; raises `UserError` when it is not finite, so that no such state is saved."""
    value = loss.item()
    if not math.isfinite(value):
        raise UserError(f"step {step}: the loss is {value}; {REMEDY}")
    return value


def write_outputs(
    state: TrainingState[Method], study: Study, run: Run, recording: Recording, *, steps: int, folder: Path
) -> None:
    """Write the outputs of the run to `folder`."""
    written = RunFolder(folder)
    save_backbone(state.learner.backbone, written.encoder)
    write_csv(written.history, state.history, columns=HISTORY)
    result = PretrainingResult(
        run=str(run),
        study=study.name,
        **asdict(run),
        steps=steps,
        parameters=sum(p.numel() for p in state.learner.backbone.parameters()),
        encoder=sha256(written.encoder),
        history=sha256(written.history),
        made_from=recording.made_from,
    )
    write_computed(written.description, result, circumstances_of_training(state, run, recording, steps=steps))


def circumstances_of_training(
    state: TrainingState[Method], run: Run, recording: Recording, *, steps: int
) -> Circumstances:
    """Return the circumstances of a run, with the time and the code of all its starts."""
    known: dict[str, Any] = {"code": "+".join(state.fingerprints), "processes": size(), "images_per_second": None}
    if steps:
        rate = steps * run.batch_size / state.seconds
        known |= {"seconds": round(state.seconds, 2), "images_per_second": round(rate, 1)}
    return recording.circumstances.model_copy(update=known)
