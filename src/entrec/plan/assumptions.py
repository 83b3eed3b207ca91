"""Machines and data sets as a plan assumes them, from `assumptions.yaml`."""

from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from entrec.data.official import COUNTS, Counts
from entrec.errors import UserError
from entrec.settings import Precision, SourceName
from entrec.study import Study
from entrec.yaml_reader import read_yaml

TERA, GIGA = 1e12, 1e9


@dataclass(frozen=True)
class Device:
    """One GPU, or one thread of a processor: how many FLOP/s it sustains in training, and of how many at its peak.

    A multiplication and an addition are two. `unit` is what its hours are called after.
    """

    name: str
    title: str
    unit: str
    peak: float | None
    sustained: dict[Precision, float]
    source: str

    @property
    def utilisation(self) -> float | None:
        """The share of the peak in bfloat16 that is sustained."""
        return self.sustained["bfloat16"] / self.peak if self.peak else None


@dataclass(frozen=True)
class Published(Counts):
    """A source as its makers publish it: images of the official parts, classes, bytes of the download.

    `side` is that of its images where all are smaller than what is kept of others.
    """

    raw_bytes: float
    side: int | None


def device_of(study: Study, name: str | None) -> Device:
    """The device called `name`, by default the first of the kind that the study asks for, GPUs or processors.

    Raises `UserError` for a name that is no such device.
    """
    unit = "GPU" if study.resources["pretrain"].gpus else "core"
    known = {key: entry for key, entry in _raw()["devices"].items() if entry["unit"] == unit}
    if name is not None and name not in known:
        raise UserError(f"--device {name}: not a {unit} that is known; allowed: {', '.join(known)}")
    name = name or next(iter(known))
    entry = dict(known[name])
    sustained = {precision: TERA * rate for precision, rate in entry.pop("sustained").items()}
    peak = entry.pop("peak")
    return Device(name, peak=peak and TERA * peak, sustained=sustained, **entry)


def published(source: SourceName) -> Published | None:
    """What is known of `source` before it is prepared; nothing of a folder."""
    if source not in COUNTS:
        return None
    entry = _raw()["sources"][source]
    return Published(**asdict(COUNTS[source]), raw_bytes=GIGA * entry["raw_gb"], side=entry.get("side"))


def encoded_bytes(short_side: int) -> float:
    """Of one image with this short side, in proportion to the area of the nearest that is known."""
    known: dict[int, float] = _raw()["encoded_bytes"]
    nearest = min(known, key=lambda side: abs(side - short_side))
    return known[nearest] * (short_side / nearest) ** 2


@lru_cache
def _raw() -> dict[str, Any]:
    return read_yaml(Path(__file__).with_name("assumptions.yaml"))
