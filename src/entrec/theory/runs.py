"""The runs of the studies of recovered latents and isolated content, and what their folders are called.

Imports no torch: rules and report read it too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from entrec.errors import UserError
from entrec.theory.settings.identifiability import (
    CONTENT_ISOLATION_METHODS,
    LATENT_RECOVERY_METHODS,
    ContentIsolation,
    LatentRecovery,
)

R = TypeVar("R", bound="LatentRecoveryRun | ContentIsolationRun")


@dataclass(frozen=True)
class LatentRecoveryRun:
    """One training of recovered latents; its folder is named by all four."""

    row: str
    method: str
    batch_size: int
    seed: int

    def __str__(self) -> str:
        return f"{self.row}-{self.method}-b{self.batch_size}-s{self.seed}"


@dataclass(frozen=True)
class ContentIsolationRun:
    """One training of isolated content; its folder is named by all three."""

    row: str
    method: str
    seed: int

    def __str__(self) -> str:
        return f"{self.row}-{self.method}-s{self.seed}"


def latent_recovery_runs(study: LatentRecovery) -> list[LatentRecoveryRun]:
    """Every row by every method, then the sweep over batch sizes, which shares runs with its row."""
    size = study.training.batch_size
    rows = [
        LatentRecoveryRun(row, m, size, seed)
        for row in study.rows
        for m in LATENT_RECOVERY_METHODS
        for seed in study.seeds
    ]
    return list(dict.fromkeys(rows + sweep_runs(study)))


def sweep_runs(study: LatentRecovery) -> list[LatentRecoveryRun]:
    """One row by the unsupervised methods in batches of every size."""
    sweep = study.sweep
    methods = [method for method in LATENT_RECOVERY_METHODS if method != "supervised"]
    return [
        LatentRecoveryRun(sweep.row, m, size, seed)
        for m in methods
        for size in sweep.batch_sizes
        for seed in sweep.seeds
    ]


def content_isolation_runs(study: ContentIsolation) -> list[ContentIsolationRun]:
    """Every row by every method."""
    return [
        ContentIsolationRun(row, m, seed)
        for row in study.rows
        for m in CONTENT_ISOLATION_METHODS
        for seed in study.seeds
    ]


def find_run(runs: Sequence[R], name: str) -> R:
    """The run called `name`; raises `UserError` for a name that none has."""
    for run in runs:
        if str(run) == name:
            return run
    raise UserError(f"no run {name!r} in the study; there are {len(runs)}, such as {runs[0]}")
