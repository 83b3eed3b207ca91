"""Devices and file sizes as a plan assumes them, from `assumptions.yaml`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entrec.errors import UserError, one_line
from entrec.settings import Precision
from entrec.study import Study
from entrec.yaml_reader import read_yaml

TERA, GIGA = 1e12, 1e9
ASSUMPTIONS = read_yaml(Path(__file__).with_name("assumptions.yaml"))


@dataclass(frozen=True)
class Device:
    """One GPU, or one thread of a processor.

    `sustained` are the FLOP/s that it sustains in training, by precision; `peak` are those of its data sheet in
    bfloat16. A multiplication and an addition count as two. `unit` gives its hours their name, such as GPU-hours.
    """

    name: str
    title: str
    unit: str
    peak: float | None
    sustained: dict[Precision, float]
    source: str

    @property
    def utilisation(self) -> float | None:
        """The share of the peak in bfloat16 that is sustained; None where the peak is unknown."""
        return self.sustained["bfloat16"] / self.peak if self.peak else None


def device_of(study: Study, name: str | None) -> Device:
    """Return the device called `name`, by default the first of the kind that the study asks for, GPUs or processors.

    Raises `UserError` for a name that is no such device.
    """
    unit, asked = ("GPU", "GPUs") if study.asked("pretrain").gpus else ("core", "no GPU")
    devices: dict[str, dict[str, Any]] = ASSUMPTIONS["devices"]
    known = {key: entry for key, entry in devices.items() if entry["unit"] == unit}
    if name is not None and name not in known:
        problem = f"the study asks for {asked}" if name in devices else "unknown device"
        raise UserError(f"--device {one_line(name)}: {problem}; allowed: {', '.join(known)}")
    name = name or next(iter(known))
    entry = dict(known[name])
    sustained = {precision: TERA * rate for precision, rate in entry.pop("sustained").items()}
    peak = entry.pop("peak")
    return Device(name, peak=peak and TERA * peak, sustained=sustained, **entry)


def encoded_bytes(short_side: int) -> float:
    """Return the bytes of one encoded image, scaled by its area from the nearest short side that is known."""
    known: dict[int, float] = ASSUMPTIONS["encoded_bytes"]
    nearest = min(known, key=lambda side: abs(side - short_side))
    return known[nearest] * (short_side / nearest) ** 2
