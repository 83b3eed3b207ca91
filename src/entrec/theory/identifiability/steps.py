"""The steps `theory latent_recovery` and `theory content_isolation`: one run each, resumable, and what it leaves.

`run.json` is written last, beside `encoder.safetensors` and `process.safetensors`; `last.pt` is there while it trains.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from entrec import provenance
from entrec.artefacts import write_json
from entrec.settings import Resources
from entrec.theory.identifiability.content_isolation import train_content_isolation
from entrec.theory.identifiability.latent_recovery import train_latent_recovery
from entrec.theory.runs import content_isolation_runs, find_run, latent_recovery_runs
from entrec.theory.study import Setting
from entrec.training.device import device_for, make_deterministic


def latent_recovery(setting: Setting, name: str, *, output: Path) -> None:
    """Train the run called `name` of recovered latents, or go on with it; raises `UserError` for a name of none."""
    run = find_run(latent_recovery_runs(setting.latent_recovery), name)
    training = replace(setting.latent_recovery.training_of(run.row), batch_size=run.batch_size)
    settings = replace(setting.latent_recovery, training=training)
    _record(
        setting.slice(setting.latent_recovery_keys(run.row)),
        {"setting": setting.name, "batch_size": run.batch_size},
        lambda device: train_latent_recovery(settings, run.row, run.method, run.seed, device=device, folder=output),
        seed=run.seed,
        asked=setting.resources["latent_recovery"],
        output=output,
    )


def content_isolation(setting: Setting, name: str, *, output: Path) -> None:
    """Train the run called `name` of isolated content, or go on with it; raises `UserError` for a name of none."""
    run = find_run(content_isolation_runs(setting.content_isolation), name)
    _record(
        setting.slice(setting.content_isolation_keys(run.row)),
        {"setting": setting.name},
        lambda device: train_content_isolation(
            setting.content_isolation, run.row, run.method, run.seed, device=device, folder=output
        ),
        seed=run.seed,
        asked=setting.resources["content_isolation"],
        output=output,
    )


def _record(
    params: dict[str, Any],
    facts: dict[str, Any],
    train: Callable[[torch.device], dict[str, Any]],
    *,
    seed: int,
    asked: Resources,
    output: Path,
) -> None:
    device = device_for(asked)
    make_deterministic(device, threads=asked.threads)
    with provenance.record(params, seed=seed, device=device, study="theory") as record:
        found = train(device)
    codes = "+".join(found.pop("codes"))  # more than one where a run went on under other code
    made = record.provenance.model_dump(exclude_unset=True) | {"code": codes}
    write_json(output / "run.json", {**facts, **found, "provenance": made})
    (output / "last.pt").unlink(missing_ok=True)
