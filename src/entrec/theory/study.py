"""`params/theory.yaml` becomes frozen settings, or one line that says what is wrong with it.

Read by Snakemake and by the report alike, so it imports neither torch nor pandas.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, get_args

from entrec.errors import UserError
from entrec.settings import Resources, settings
from entrec.strict import Invalid, at, plain, validated
from entrec.theory.estimators.settings import BANDWIDTHS, KAPPAS, Estimators, Gaussian, RateCase
from entrec.theory.identifiability.settings import (
    ContentIsolation,
    LatentRecovery,
    content_isolation_faults,
    latent_recovery_faults,
)
from entrec.theory.registry import BOUNDS
from entrec.yaml_reader import read_yaml

THEORY_FILE = "params/theory.yaml"
Step = Literal["gaussian", "sphere", "rates", "latent_recovery", "content_isolation", "tables", "report"]
SETTINGS = ("quick", "full")


@settings
class Setting:
    """One size of the studies, and what a job of each step asks of the machine."""

    estimators: Estimators
    latent_recovery: LatentRecovery
    content_isolation: ContentIsolation
    resources: dict[Step, Resources]


@settings
class TheoryStudy:
    """The theory studies: `quick` for two CPU cores and minutes, `full` for a GPU."""

    name: str
    title: str
    description: str
    quick: Setting
    full: Setting

    def setting(self, name: str) -> Setting:
        """The setting called `name`; raises `UserError` for another name than `quick` and `full`."""
        if name not in SETTINGS:
            raise UserError(f"{name!r} is no setting of {THEORY_FILE}; allowed: {', '.join(SETTINGS)}")
        return getattr(self, name)

    def slice(self, keys: list[str]) -> dict[str, Any]:
        """The parts of the study under dotted `keys`, as plain values: what a step depends on."""
        values = plain(TheoryStudy, self)
        return {key: at(values, key) for key in keys}


# What each step reads of the study: Snakemake's rerun trigger, and what a result records.
def gaussian_keys(setting: str, bound: str) -> list[str]:
    """Keys that the benchmark of one bound depends on, beside the seed of its name."""
    shared = [f.name for f in fields(Gaussian) if f.name not in BOUNDS and f.name != "seeds"]
    own = [f.name for f in fields(Gaussian) if f.name == bound]
    return [f"{setting}.estimators.gaussian.{key}" for key in shared + own]


def sphere_keys(setting: str, dimension: int) -> list[str]:
    """Keys that the vMF pairs of one dimension depend on."""
    shared = ["samples", "repeats", "neighbours", "neighbours_up_to", "seed"]
    return [f"{setting}.estimators.sphere.{key}" for key in [f"kappa.{dimension}", *shared]]


def rates_keys(setting: str, case: str) -> list[str]:
    """Keys that the rates of one case depend on."""
    return [f"{setting}.estimators.rates.{key}" for key in ("samples", "repeats", "seed", f"cases.{case}")]


def latent_recovery_keys(setting: str, row: str) -> list[str]:
    """Keys that the runs of one row of recovered latents depend on, beside what their names say."""
    return [
        f"{setting}.latent_recovery.{key}"
        for key in ("dimension", "network", "training", "points", "scatter", f"rows.{row}")
    ]


def content_isolation_keys(setting: str, row: str) -> list[str]:
    """Keys that the runs of one row of isolated content depend on, beside what their names say."""
    own = [f.name for f in fields(ContentIsolation) if f.name not in ("rows", "seeds")]
    return [f"{setting}.content_isolation.{key}" for key in [*own, f"rows.{row}"]]


def theory_show_keys(setting: str, part: str) -> list[str]:
    """Keys that the tables and figures of a part show, such as `estimators.rates` or `latent_recovery`."""
    return ["title", f"{setting}.{part}"]


def theory_page_keys(setting: str) -> list[str]:
    """Keys that the page shows."""
    return [
        "title",
        "description",
        *(f"{setting}.{part}" for part in ("estimators", "latent_recovery", "content_isolation")),
    ]


def load_theory(path: Path) -> TheoryStudy:
    """Read and check the theory study; raises `UserError` with file, key, value and what is allowed."""
    raw = read_yaml(path)
    try:
        study: TheoryStudy = validated(TheoryStudy, {**raw, "name": path.stem}, given=("name",))
    except Invalid as problem:
        raise UserError(f"{path}: {problem}") from None
    for name in SETTINGS:
        for fault in _faults(study.setting(name)):
            raise UserError(f"{path}: {name}.{fault}")
    return study


def check_bound(name: str) -> None:
    """Raises `UserError` unless `name` is a bound of the study."""
    if name not in BOUNDS:
        raise UserError(f"{name!r} is no bound; allowed: {', '.join(BOUNDS)}")


def _faults(setting: Setting) -> Iterator[str]:
    yield from _estimator_faults(setting.estimators)
    yield from (f"latent_recovery.{fault}" for fault in latent_recovery_faults(setting.latent_recovery))
    yield from (f"content_isolation.{fault}" for fault in content_isolation_faults(setting.content_isolation))
    for part, names in {
        "latent_recovery": [*setting.latent_recovery.rows],
        "content_isolation": [*setting.content_isolation.rows],
    }.items():
        yield from (fault for name in names for fault in _name_faults(f"{part}.rows", name, "a row"))
    yield from _repeated("latent_recovery.seeds", setting.latent_recovery.seeds)
    yield from _repeated("latent_recovery.sweep.batch_sizes", setting.latent_recovery.sweep.batch_sizes)
    yield from _repeated("latent_recovery.sweep.seeds", setting.latent_recovery.sweep.seeds)
    yield from _repeated("content_isolation.seeds", setting.content_isolation.seeds)
    for step in get_args(Step):
        if step not in setting.resources:
            yield f"resources.{step}: missing; this key is required"


def _estimator_faults(study: Estimators) -> Iterator[str]:
    gaussian = study.gaussian
    if gaussian.steps % gaussian.trace_block:
        yield (
            f"estimators.gaussian.trace_block: {gaussian.trace_block} does not divide steps;"
            f" allowed: divisors of {gaussian.steps}"
        )
    yield from _repeated("estimators.gaussian.seeds", gaussian.seeds)
    yield from _repeated("estimators.gaussian.information", gaussian.information)
    for dimension, kappas in study.sphere.kappa.items():
        yield from _repeated(f"estimators.sphere.kappa.{dimension}", kappas)
    for key, samples, repeats in (
        ("sphere", study.sphere.samples, study.sphere.repeats),
        ("rates", study.rates.samples, study.rates.repeats),
    ):
        for i, (before, after) in enumerate(itertools.pairwise(samples), start=1):
            if after <= before:
                yield f"estimators.{key}.samples.{i}: {after} after {before}; allowed: sizes that increase"
        if len(samples) != len(repeats):
            yield (
                f"estimators.{key}.repeats: {len(repeats)} numbers for {len(samples)} sample sizes;"
                " allowed: one for each"
            )
    if study.sphere.neighbours >= min(study.sphere.samples):
        yield (
            f"estimators.sphere.neighbours: {study.sphere.neighbours} in samples of {min(study.sphere.samples)};"
            f" allowed: up to {min(study.sphere.samples) - 1}"
        )
    for name, case in study.rates.cases.items():
        yield from _name_faults("estimators.rates.cases", name, "a case")
        yield from (f"estimators.rates.cases.{name}{fault}" for fault in _case_faults(case, study.rates.samples))


def _case_faults(case: RateCase, samples: Sequence[int]) -> Iterator[str]:
    discrete = case.data == "dirichlet"
    if discrete != (case.estimator == "plug_in_entropy"):
        yield f".estimator: {case.estimator!r} with data {case.data!r}; plug_in_entropy goes with dirichlet alone"
    if discrete != (case.width is None):
        yield f".width: {case.width!r} with data {case.data!r}; null exactly for dirichlet"
    if sum(k >= case.fit_from for k in samples) < 4:
        yield f".fit_from: {case.fit_from} leaves fewer than four of the samples {list(samples)}; allowed: less"
    if case.widths and (discrete or len(case.widths) < 3):
        yield f".widths: {list(case.widths)}; allowed: none, or at least three, and none for dirichlet"
    yield from _repeated(".widths", case.widths)
    low, high = BANDWIDTHS if case.data == "gaussian" else KAPPAS
    for key, width in {".width": case.width, **{f".widths.{i}": w for i, w in enumerate(case.widths)}}.items():
        if width is not None and not low <= width <= high:
            yield f"{key}: {width:g} with data {case.data!r}; allowed: {low:g} to {high:g}"


def _name_faults(key: str, name: str, what: str) -> Iterator[str]:
    if not re.fullmatch("[a-z0-9_]+", name):  # it becomes part of a path
        yield f"{key}.{name}: {name!r} is no name for {what}; allowed: lower-case letters, digits and _"


def _repeated(key: str, values: Sequence[float]) -> Iterator[str]:
    for i, value in enumerate(values):
        if value in values[:i]:
            yield f"{key}.{i}: {value!r} given twice; allowed: each value once"
