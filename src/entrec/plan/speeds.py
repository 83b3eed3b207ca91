"""What runs that are done have reached: images/s of a method on the same network and size, in this study or another."""

import math
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entrec.artefacts import read_json
from entrec.errors import UserError
from entrec.plan.assumptions import Device
from entrec.study import Study

ALIKE = ("size", "channels", "short_side")  # of the images that are trained on
TRAINING = ("precision", "channels_last", "compile", "chunk")


@dataclass(frozen=True)
class Speed:
    """Images/s of one device by batch size: medians over the runs, `runs` in all, of the study `study`."""

    by_batch_size: dict[int, float]
    runs: int
    study: str

    def at(self, batch_size: int) -> float:
        """At the batch size that comes nearest as a ratio."""
        nearest = min(self.by_batch_size, key=lambda known: abs(math.log(known / batch_size)))
        return self.by_batch_size[nearest]


def measured_speed(study: Study, method: str, results: Path, device: Device) -> Speed | None:
    """Of `method` on `device` in `results`, a folder of studies: this one's runs if it has any, else another's.

    Raises `UserError` for a file that no run left.
    """
    others = sorted(path.parent.parent for path in results.glob(f"*/{method}-*/run.json"))
    for folder in dict.fromkeys([results / study.name, *others]):
        found = _speeds(study, method, folder, device)
        if found:
            medians = {batch_size: statistics.median(speeds) for batch_size, speeds in found.items()}
            return Speed(medians, sum(map(len, found.values())), folder.name)
    return None


def _speeds(study: Study, method: str, folder: Path, device: Device) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for path in sorted(folder.glob(f"{method}-*/run.json")):
        description = read_json(path)
        try:
            if description["images_per_second"] and _comparable(study, method, description, device):
                speed = description["images_per_second"] / _devices(description, device)
                found.setdefault(description["batch_size"], []).append(speed)
        except (KeyError, TypeError, StopIteration) as error:
            raise UserError(f"{path}: damaged or foreign ({error!r}); delete it and make it again") from error
    return found


def _devices(description: dict[str, Any], device: Device) -> int:
    """How many GPUs, or threads, a run had."""
    threads = 1 if device.unit == "GPU" else description["provenance"]["hardware"]["threads"]
    processes: int = description.get("processes", 1)  # runs of older code were one
    return processes * int(threads)


def _comparable(study: Study, method: str, description: dict[str, Any], device: Device) -> bool:
    """Whether a run trained the same networks on images like these, on a device like this."""
    provenance = description["provenance"]
    gpu, theirs = provenance["hardware"]["gpu"], provenance["params"]
    if (device.title not in (gpu or "")) if device.unit == "GPU" else gpu is not None:
        return False
    ours = study.slice(["network", "local_views", "training", f"methods.{method}"])
    dataset = study.slice([f"datasets.{study.dataset}"])[f"datasets.{study.dataset}"]
    images = next(value for key, value in theirs.items() if key.startswith("datasets."))
    return (
        theirs["network"] == ours["network"]
        and all(images.get(key) == dataset[key] for key in ALIKE)
        and all(theirs["training"].get(key) == ours["training"][key] for key in TRAINING)
        and _crops(theirs, method) == _crops(ours, method)
    )


def _crops(params: dict[str, Any], method: str) -> Any:
    count = params[f"methods.{method}"].get("local_crops", 0)
    return count and (count, params["local_views"]["size"])
