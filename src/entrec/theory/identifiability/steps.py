"""The steps `theory latent-recovery` and `theory content-isolation`, of one run each.

`run.json` is written last, beside `encoder.safetensors` and `process.safetensors`; the folder has checkpoints while the
run trains.
"""

import shutil
from pathlib import Path
from typing import Any

from torch import nn

from entrec.artefacts import sha256
from entrec.paths import IdentifiabilityFolder
from entrec.provenance import Recording
from entrec.results import ContentIsolationResult, LatentRecoveryResult, Result, write_computed
from entrec.theory.identifiability.content_isolation import train_content_isolation
from entrec.theory.identifiability.latent_recovery import train_latent_recovery
from entrec.theory.job import computing
from entrec.theory.runs import content_isolation_runs, find_run, latent_recovery_runs
from entrec.theory.study import Setting
from entrec.training.checkpoint import TrainingState


def latent_recovery(setting: Setting, name: str, *, output: Path) -> None:
    """Train the run of latent recovery called `name`, or continue it, and write its result to the folder `output`.

    Raises `UserError` for a name that no run has, for a damaged checkpoint and for training that diverges, and
    `Interrupted` after a signal that asks to stop, once the run is saved.
    """
    run, folder = find_run(latent_recovery_runs(setting.latent_recovery), name), IdentifiabilityFolder(output)
    keys = setting.latent_recovery_keys(run.row)
    with computing(setting, "latent_recovery", keys, seed=run.seed) as (device, recording):
        found, state = train_latent_recovery(setting.latent_recovery, run, device=device, folder=folder)
    _finish(LatentRecoveryResult, {"setting": setting.name, **vars(run), **found}, state, recording, folder)


def content_isolation(setting: Setting, name: str, *, output: Path) -> None:
    """Train the run of content isolation called `name`, or continue it, and write its result to the folder `output`.

    Raises the same errors as `latent_recovery`.
    """
    run, folder = find_run(content_isolation_runs(setting.content_isolation), name), IdentifiabilityFolder(output)
    keys = setting.content_isolation_keys(run.row)
    with computing(setting, "content_isolation", keys, seed=run.seed) as (device, recording):
        found, state = train_content_isolation(setting.content_isolation, run, device=device, folder=folder)
    _finish(ContentIsolationResult, {"setting": setting.name, **vars(run), **found}, state, recording, folder)


def _finish(
    kind: type[Result],
    fields: dict[str, Any],
    state: TrainingState[nn.Module],
    recording: Recording,
    folder: IdentifiabilityFolder,
) -> None:
    code = "+".join(state.fingerprints)  # more than one where other code continued the run
    circumstances = recording.circumstances.model_copy(update={"code": code})
    written = {"encoder": sha256(folder.encoder), "process": sha256(folder.process)}
    write_computed(folder.result, kind(**fields, **written, made_from=recording.made_from), circumstances)
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
