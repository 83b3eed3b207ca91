"""`params/theory.yaml` becomes frozen settings, or one line that says what is wrong with it.

Read by Snakemake and by the report alike, so it imports neither torch nor pandas.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from entrec.errors import UserError
from entrec.settings import Resources, settings
from entrec.strict import Invalid, at, plain, validated
from entrec.theory.registry import BOUNDS
from entrec.theory.settings.estimators import BANDWIDTHS, KAPPAS, Estimators, Gaussian, RateCase
from entrec.theory.settings.identifiability import (
    ContentIsolation,
    LatentRecovery,
    content_isolation_faults,
    latent_recovery_faults,
)
from entrec.yaml_reader import read_yaml

THEORY_FILE = "params/theory.yaml"
Step = Literal["gaussian", "sphere", "rates", "latent_recovery", "content_isolation", "tables", "report"]
SETTINGS = ("quick", "full")


@settings
class Size:
    """What one setting of the theory studies computes, and what a job of each step asks of the machine."""

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
    quick: Size
    full: Size

    def setting(self, name: str) -> "Setting":
        """Return the setting called `name`; raise `UserError` for another name than `quick` and `full`."""
        if name not in SETTINGS:
            raise UserError(f"{name!r} is no setting of {THEORY_FILE}; allowed: {', '.join(SETTINGS)}")
        return Setting(self, name)


@dataclass(frozen=True)
class Setting:
    """One setting of the theory studies: its name, its values, and what each of its steps depends on.

    The methods `..._keys` return dotted keys of the study file: Snakemake reruns a step when a value under them
    changes, DVC lists them as the stage's parameters, and each result records their values.
    """

    study: TheoryStudy
    name: str

    @property
    def size(self) -> Size:
        """The values that the study file has under the setting's name."""
        size: Size = getattr(self.study, self.name)
        return size

    @property
    def estimators(self) -> Estimators:
        """The settings of the estimator study (claim C8)."""
        return self.size.estimators

    @property
    def latent_recovery(self) -> LatentRecovery:
        """The settings of latent recovery (claim C2)."""
        return self.size.latent_recovery

    @property
    def content_isolation(self) -> ContentIsolation:
        """The settings of content isolation (claim C3)."""
        return self.size.content_isolation

    @property
    def resources(self) -> dict[Step, Resources]:
        """What a job of each step asks of the machine."""
        return self.size.resources

    def __str__(self) -> str:
        return self.name

    def slice(self, keys: list[str]) -> dict[str, Any]:
        """Return the parts of the study file under dotted `keys`, as plain values."""
        values = plain(TheoryStudy, self.study)
        return {key: at(values, key) for key in keys}

    def gaussian_keys(self, bound: str) -> list[str]:
        """Return the keys that the benchmark of one bound depends on; its seed stands in the name of its file."""
        shared = [f.name for f in fields(Gaussian) if f.name not in BOUNDS and f.name != "seeds"]
        own = [f.name for f in fields(Gaussian) if f.name == bound]
        return self._keys("estimators.gaussian", *shared, *own)

    def sphere_keys(self, dimension: int) -> list[str]:
        """Return the keys that the vMF pairs of one dimension depend on."""
        shared = ["samples", "repeats", "neighbours", "neighbours_up_to", "seed"]
        return self._keys("estimators.sphere", f"kappa.{dimension}", *shared)

    def rates_keys(self, case: str) -> list[str]:
        """Return the keys that the convergence rates of one case depend on."""
        return self._keys("estimators.rates", "samples", "repeats", "seed", f"cases.{case}")

    def latent_recovery_keys(self, row: str) -> list[str]:
        """Return the keys that the runs of one row of latent recovery depend on, beside what their names say."""
        shared = ["dimension", "network", "training", "points", "scatter"]
        return self._keys("latent_recovery", *shared, f"rows.{row}")

    def content_isolation_keys(self, row: str) -> list[str]:
        """Return the keys that the runs of one row of content isolation depend on, beside what their names say."""
        shared = [f.name for f in fields(ContentIsolation) if f.name not in ("rows", "seeds")]
        return self._keys("content_isolation", *shared, f"rows.{row}")

    def shown_keys(self, part: str) -> list[str]:
        """Return the keys that tables and figures of a part show, such as `estimators.rates` or `latent_recovery`."""
        return ["title", f"{self.name}.{part}"]

    def page_keys(self) -> list[str]:
        """Return the keys that the page shows."""
        parts = ("estimators", "latent_recovery", "content_isolation")
        return ["title", "description", *(f"{self.name}.{part}" for part in parts)]

    def _keys(self, part: str, *keys: str) -> list[str]:
        return [f"{self.name}.{part}.{key}" for key in keys]


def load_theory(path: Path) -> TheoryStudy:
    """Read and check the theory study; raises `UserError` with file, key, value and what is allowed."""
    raw = read_yaml(path)
    try:
        study: TheoryStudy = validated(TheoryStudy, {**raw, "name": path.stem}, given=("name",))
    except Invalid as problem:
        raise UserError(f"{path}: {problem}") from None
    for name in SETTINGS:
        for fault in _faults(getattr(study, name)):
            raise UserError(f"{path}: {name}.{fault}")
    return study


def _faults(setting: Size) -> Iterator[str]:
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
