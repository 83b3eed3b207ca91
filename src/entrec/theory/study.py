"""The theory studies as `params/theory.yaml` describes them, and the settings in which they are run.

This module imports neither torch nor pandas, since Snakemake and the report read it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from entrec.errors import UserError, shown
from entrec.settings import Arithmetic, Distinct, Resources, settings
from entrec.strict import Fault, at, check, missing, named_after, plain
from entrec.theory.registry import BOUNDS
from entrec.theory.settings.estimators import Estimators, Gaussian
from entrec.theory.settings.identifiability import ContentIsolation, LatentRecovery
from entrec.yaml_reader import read_document

THEORY_FILE = "params/theory.yaml"
Step = Literal["gaussian", "sphere", "rates", "latent_recovery", "content_isolation", "tables", "report"]
SETTINGS = ("quick", "full")
Claim = Literal["C2", "C3", "C8"]  # those that the theory studies can speak of


@settings
class Size:
    """What one setting of the theory studies computes, and what a job of each step asks of the machine.

    `claims` are the paper's claims that the setting was made to decide: the report gives no verdict on any other.
    """

    claims: Annotated[tuple[Claim, ...], Distinct]
    arithmetic: Arithmetic
    estimators: Estimators
    latent_recovery: LatentRecovery
    content_isolation: ContentIsolation
    resources: dict[Step, Resources]

    @check
    def _resources_of_every_step(self) -> Iterator[Fault]:
        """Yield steps that ask for no resources."""
        yield from (missing(f"resources.{step}") for step in get_args(Step) if step not in self.resources)


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
            raise UserError(f"{shown(name)} is no setting of {THEORY_FILE}; allowed: {', '.join(SETTINGS)}")
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
    def claims(self) -> tuple[Claim, ...]:
        """The paper's claims that the setting speaks of."""
        return self.size.claims

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
        foreign = {"seeds", *BOUNDS} - {bound}
        return self._keys("estimators.gaussian", *(f.name for f in fields(Gaussian) if f.name not in foreign))

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
        parts = ("claims", "arithmetic", "estimators", "latent_recovery", "content_isolation")
        return ["title", "description", *(f"{self.name}.{part}" for part in parts)]

    def _keys(self, part: str, *keys: str) -> list[str]:
        return [f"{self.name}.arithmetic", *(f"{self.name}.{part}.{key}" for key in keys)]


def load_theory(path: Path) -> TheoryStudy:
    """Read and check the theory study; raises `UserError` with file, key, value and what is allowed."""
    study: TheoryStudy = named_after(read_document(path), TheoryStudy)
    return study
