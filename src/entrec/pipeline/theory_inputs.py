"""Which results each table and figure of the theory page needs. Read by Snakemake: imports neither pandas nor torch."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from entrec.errors import UserError
from entrec.theory.registry import BOUNDS
from entrec.theory.runs import (
    ContentIsolationRun,
    LatentRecoveryRun,
    content_isolation_runs,
    latent_recovery_runs,
    sweep_runs,
)
from entrec.theory.study import SETTINGS, Setting, TheoryStudy


@dataclass(frozen=True)
class Part:
    """The tables and figures of one target, `table_NAME` and `figure_NAME`."""

    tables: tuple[str, ...]
    figures: tuple[str, ...]


THEORY_PARTS = {
    "latent_recovery": Part(
        ("table_latent_recovery", "table_latent_recovery_mcc", "table_latent_recovery_batch"),
        ("latent_recovery", "latent_recovery_training", "latent_recovery_batch"),
    ),
    "content_style": Part(("table_content_style",), ("content_style",)),
    "estimators": Part(
        ("table_estimators_gaussian", "table_estimators_sphere", "table_estimators_rates"),
        ("estimators_gaussian", "estimators_sphere", "estimators_rates"),
    ),
}
THEORY_TABLES = tuple(name for part in THEORY_PARTS.values() for name in part.tables)
THEORY_FIGURES = tuple(name for part in THEORY_PARTS.values() for name in part.figures)


def theory_needed(setting: Setting, name: str) -> list[str]:
    """Paths, relative to `results/theory/<setting>`, of the files that the table or figure `name` is made of."""
    part = shown_part(name)
    if part == "latent_recovery":
        runs = swept(setting) if name.endswith("_batch") else recovered(setting)
        return [run_file(run) for run in runs]
    return _FILES[part](setting)


def shown_part(name: str) -> str:
    """The part of a setting that the table or figure `name` shows, such as `estimators.rates` or `latent_recovery`."""
    if name not in THEORY_TABLES + THEORY_FIGURES:
        raise UserError(f"{name}: no such table or figure; allowed: {', '.join(THEORY_TABLES + THEORY_FIGURES)}")
    shown = name.removeprefix("table_")
    if shown.startswith("estimators_"):
        return shown.replace("_", ".", 1)
    return "content_isolation" if shown == "content_style" else "latent_recovery"


def setting_pattern(study: TheoryStudy) -> str:
    """A regular expression of settings, each only before a result of its own: `quick` or `full` of a path.

    A run has all that is in its folder.
    """
    each = {name: _patterns(theory_files(study.setting(name))) for name in SETTINGS}
    return "|".join(f"{name}(?=/(?:{'|'.join(files)})$)" for name, files in each.items())


def theory_files(setting: Setting) -> list[str]:
    """All results of a setting, in the order of the page."""
    return [file for files in _FILES.values() for file in files(setting)]


def gaussian_files(setting: Setting) -> list[str]:
    """One per bound and seed, in the order of the tables."""
    seeds = setting.estimators.gaussian.seeds
    return [f"gaussian/{bound}-s{seed}.json" for bound in BOUNDS for seed in seeds]


def sphere_files(setting: Setting) -> list[str]:
    """One per dimension."""
    return [f"sphere/d{dimension}.json" for dimension in setting.estimators.sphere.kappa]


def rates_files(setting: Setting) -> list[str]:
    """One per case."""
    return [f"rates/{case}.json" for case in setting.estimators.rates.cases]


def latent_recovery_files(setting: Setting) -> list[str]:
    """One per run, those of the sweep over batch sizes among them."""
    return [run_file(run) for run in latent_recovery_runs(setting.latent_recovery)]


def content_isolation_files(setting: Setting) -> list[str]:
    """One per run."""
    return [run_file(run) for run in content_isolation_runs(setting.content_isolation)]


def recovered(setting: Setting) -> list[LatentRecoveryRun]:
    """The runs of every row by every method: those in batches of the study's size."""
    own = setting.latent_recovery
    runs = latent_recovery_runs(own)
    return [run for run in runs if run.batch_size == own.training.batch_size and run.seed in own.seeds]


def swept(setting: Setting) -> list[LatentRecoveryRun]:
    """The runs of the sweep over batch sizes."""
    return sweep_runs(setting.latent_recovery)


def run_file(run: LatentRecoveryRun | ContentIsolationRun) -> str:
    """What a run leaves, written last."""
    return f"{'latent_recovery' if isinstance(run, LatentRecoveryRun) else 'content_isolation'}/{run}/run.json"


def _patterns(files: Sequence[str]) -> list[str]:
    return [
        re.escape(file.removesuffix("run.json")) + ("[^/]+" if file.endswith("/run.json") else "") for file in files
    ]


_FILES: dict[str, Callable[[Setting], list[str]]] = {
    "latent_recovery": latent_recovery_files,
    "content_isolation": content_isolation_files,
    "estimators.gaussian": gaussian_files,
    "estimators.sphere": sphere_files,
    "estimators.rates": rates_files,
}
