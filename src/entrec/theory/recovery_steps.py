"""The steps `theory inversion` and `theory isolation`: one run each, resumable, and what it leaves.

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
from entrec.theory.inversion import train_inversion
from entrec.theory.isolation import train_isolation
from entrec.theory.recovery_runs import find_run, inversion_runs, isolation_runs
from entrec.theory.study import TheoryStudy, inversion_keys, isolation_keys
from entrec.training.device import device_for, make_deterministic


def inversion(study: TheoryStudy, setting: str, name: str, *, output: Path) -> None:
    """Train the run called `name` of recovered latents, or go on with it; raises `UserError` for a name of none."""
    own = study.setting(setting)
    run = find_run(inversion_runs(own.inversion), name)
    training = replace(own.inversion.training_of(run.row), batch_size=run.batch_size)
    settings = replace(own.inversion, training=training)
    _record(
        study.slice(inversion_keys(setting, run.row)),
        {"setting": setting, "batch_size": run.batch_size},
        lambda device: train_inversion(settings, run.row, run.method, run.seed, device=device, folder=output),
        seed=run.seed,
        asked=own.resources["inversion"],
        output=output,
    )


def isolation(study: TheoryStudy, setting: str, name: str, *, output: Path) -> None:
    """Train the run called `name` of isolated content, or go on with it; raises `UserError` for a name of none."""
    own = study.setting(setting)
    run = find_run(isolation_runs(own.isolation), name)
    _record(
        study.slice(isolation_keys(setting, run.row)),
        {"setting": setting},
        lambda device: train_isolation(own.isolation, run.row, run.method, run.seed, device=device, folder=output),
        seed=run.seed,
        asked=own.resources["isolation"],
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
    record["code"] = "+".join(found.pop("codes"))  # more than one where a run went on under other code
    write_json(output / "run.json", {**facts, **found, "provenance": record})
    (output / "last.pt").unlink(missing_ok=True)
