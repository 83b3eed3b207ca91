"""Every method: where its code is, what a study file may say of it, and how tables name it.

Imports no torch, so that a study file is checked in a blink before any job starts. A new method is
its module, its settings and line here, and its entry in `params/*.yaml`.
"""

from dataclasses import dataclass as plain_dataclass
from importlib import import_module
from typing import Annotated, Any

from pydantic import Field

from entrec.settings import Fraction, Natural, Optimiser, Positive, Temperature, settings

Widths = Annotated[tuple[Natural, ...], Field(min_length=1)]


@settings
class Untrained:
    """The backbone as initialised: the floor that every table is read against."""


@settings
class Supervised:
    """The backbone trained with labels on one view: cross-entropy with label smoothing."""

    optimiser: Optimiser
    label_smoothing: Fraction


@settings
class SimCLR:
    """SimCLR: `projector` widths (last is the embedding), `temperature` of NT-Xent."""

    optimiser: Optimiser
    projector: Widths
    temperature: Temperature


@settings
class CMC:
    """CMC as the paper analyses it: InfoNCE across the two branches."""

    optimiser: Optimiser
    projector: Widths
    temperature: Temperature


@settings
class EntRecCont:
    """Continuous EntRec: `kernel_kappa` of the entropy estimate, `kappa` of the reconstruction density."""

    optimiser: Optimiser
    projector: Widths
    kernel_kappa: Positive
    kappa: Positive
    leave_one_out: bool


@settings
class EntRecDisc:
    """Discrete EntRec: softmax over the last projector width, divided by `temperature`."""

    optimiser: Optimiser
    projector: Widths
    temperature: Temperature


@settings
class BYOL:
    """BYOL: `momentum` of the target network, rising to 1 by a half cosine."""

    optimiser: Optimiser
    projector: Widths
    predictor: Widths
    momentum: Fraction


@settings
class DINO:
    """DINO: student and teacher temperatures, teacher's warm-up, centre and teacher momenta."""

    optimiser: Optimiser
    projector: Widths
    prototypes: Natural
    student_temperature: Temperature
    teacher_temperature: Temperature
    warmup_teacher_temperature: Temperature
    warmup_fraction: Fraction
    centre_momentum: Fraction
    momentum: Fraction


@plain_dataclass(frozen=True)
class Entry:
    """One line of the registry. `baseline` methods frame the tables and are not swept."""

    title: str
    settings: type
    target: str
    baseline: bool = False

    def load(self) -> Any:
        """The method's class; imports torch."""
        module, name = self.target.split(":")
        return getattr(import_module(f"entrec.methods.{module}"), name)


METHODS: dict[str, Entry] = {
    "untrained": Entry("Untrained", Untrained, "untrained:Untrained", baseline=True),
    "supervised": Entry("Supervised", Supervised, "supervised:Supervised", baseline=True),
    "simclr": Entry("SimCLR", SimCLR, "simclr:SimCLR"),
    "cmc": Entry("CMC", CMC, "cmc:CMC"),
    "byol": Entry("BYOL", BYOL, "byol:BYOL"),
    "dino": Entry("DINO", DINO, "dino:DINO"),
    "entrec_cont": Entry("EntRecCont", EntRecCont, "entrec_cont:EntRecCont"),
    "entrec_disc": Entry("EntRecDisc", EntRecDisc, "entrec_disc:EntRecDisc"),
}
