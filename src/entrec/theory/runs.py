"""The runs of latent recovery and content isolation, and the names of their folders.

This module imports no torch, since rules and report read it too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product, starmap
from typing import TypeVar

from entrec.errors import UserError, shown
from entrec.theory.registry import CONTENT_ISOLATION, LATENT_RECOVERY
from entrec.theory.settings.identifiability import ContentIsolation, LatentRecovery

R = TypeVar("R", bound="LatentRecoveryRun | ContentIsolationRun")


@dataclass(frozen=True)
class LatentRecoveryRun:
    """One run of latent recovery; all four fields stand in the name of its folder."""

    row: str
    method: str
    batch_size: int
    seed: int

    def __str__(self) -> str:
        return f"{self.row}-{self.method}-b{self.batch_size}-s{self.seed}"


@dataclass(frozen=True)
class ContentIsolationRun:
    """One run of content isolation; all three fields stand in the name of its folder."""

    row: str
    method: str
    seed: int

    def __str__(self) -> str:
        return f"{self.row}-{self.method}-s{self.seed}"


def latent_recovery_runs(study: LatentRecovery) -> list[LatentRecoveryRun]:
    """Return every row by every objective and seed, then the sweep, which shares runs with its row."""
    sizes = (study.training.batch_size,)
    rows = starmap(LatentRecoveryRun, product(study.rows, LATENT_RECOVERY, sizes, study.seeds))
    return list(dict.fromkeys([*rows, *sweep_runs(study)]))


def sweep_runs(study: LatentRecovery) -> list[LatentRecoveryRun]:
    """Return the runs of the sweep: one row by every unsupervised objective, with every batch size."""
    sweep = study.sweep
    unsupervised = [name for name, objective in LATENT_RECOVERY.items() if objective.role != "supervised"]
    return list(starmap(LatentRecoveryRun, product([sweep.row], unsupervised, sweep.batch_sizes, sweep.seeds)))


def content_isolation_runs(study: ContentIsolation) -> list[ContentIsolationRun]:
    """Return every row by every objective and seed."""
    return list(starmap(ContentIsolationRun, product(study.rows, CONTENT_ISOLATION, study.seeds)))


def find_run(runs: Sequence[R], name: str) -> R:
    """Return the run called `name`; raises `UserError` for a name that no run has."""
    for run in runs:
        if str(run) == name:
            return run
    raise UserError(f"no run {shown(name)} in the study; there are {len(runs)}, such as {runs[0]}")
