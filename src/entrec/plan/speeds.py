"""The speed that finished runs reached: images/s of a method on the same network and image size, in any study."""

import math
import statistics
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entrec.errors import UserError
from entrec.paths import RunFolder
from entrec.plan.assumptions import Device
from entrec.results import Circumstances, PretrainingResult, read_circumstances, read_result
from entrec.study import Study

IMAGES = ("size", "channels", "short_side")  # what must be equal of the images that are trained on
TRAINING = ("precision", "channels_last", "compile", "chunk")  # and of the training


@dataclass(frozen=True)
class Speed:
    """The images/s of one device, by batch size: medians over all `runs` runs of the study called `study`."""

    by_batch_size: dict[int, float]
    runs: int
    study: str

    def at(self, batch_size: int) -> float:
        """Return the speed at the batch size whose ratio to `batch_size` is nearest to 1."""
        nearest = min(self.by_batch_size, key=lambda known: abs(math.log(known / batch_size)))
        return self.by_batch_size[nearest]


def measured_speed(study: Study, method: str, results: Path, device: Device) -> Speed | None:
    """Return the speed of `method` on `device` in `results`, the folder of all studies; None where nothing compares.

    The runs of `study` itself count if there are any, otherwise those of the first other study that has some. Those of
    `unusable_runs` count nowhere.
    """
    others = sorted(path.parent.parent for path in results.glob(f"*/{_descriptions(method)}"))
    for folder in dict.fromkeys([results / study.name, *others]):
        found = _speeds(study, method, folder, device)
        if found:
            medians = {batch_size: statistics.median(speeds) for batch_size, speeds in found.items()}
            return Speed(medians, sum(map(len, found.values())), folder.name)
    return None


def _speeds(study: Study, method: str, folder: Path, device: Device) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for path in sorted(folder.glob(_descriptions(method))):
        if (usable := _read(path)) is None:
            continue
        run, circumstances = usable
        speed = circumstances.images_per_second
        if speed and _comparable(study, run, circumstances, device):
            found.setdefault(run.batch_size, []).append(speed / _devices(circumstances, device))
    return found


def unusable_runs(study: Study, results: Path) -> list[Path]:
    """Return the descriptions in `results` of runs of the study's methods whose speed is not known.

    They are damaged or of an earlier version of this package, or their circumstances are missing or damaged.
    """
    found = (path for method in study.methods for path in sorted(results.glob(f"*/{_descriptions(method)}")))
    return [path for path in found if _read(path) is None]


def _read(path: Path) -> tuple[PretrainingResult, Circumstances] | None:
    """Return what `path` says of a run and its circumstances; None where one of them cannot be used."""
    with suppress(UserError):
        run = read_result(PretrainingResult, path, remedy="", about={})
        circumstances = read_circumstances(path, run, "")
        if circumstances is not None and circumstances.processes is not None:
            return run, circumstances
    return None


def _descriptions(method: str) -> str:
    """Return the pattern of the descriptions of a method's runs."""
    return str(RunFolder(Path(f"{method}-*")).description)


def _devices(circumstances: Circumstances, device: Device) -> int:
    """Return how many GPUs, or threads, a run had."""
    assert circumstances.processes is not None
    return circumstances.processes * (1 if device.unit == "GPU" else circumstances.hardware.threads)


def _comparable(study: Study, run: PretrainingResult, circumstances: Circumstances, device: Device) -> bool:
    """Return whether a run trained the same networks on images like these, on a device like this."""
    gpu, theirs = circumstances.hardware.gpu, run.made_from.params
    if (device.title not in (gpu or "")) if device.unit == "GPU" else gpu is not None:
        return False
    ours = study.slice(["network", "local_views", "training", f"datasets.{study.dataset}", f"methods.{run.method}"])
    images: dict[str, Any] = next((value for key, value in theirs.items() if key.startswith("datasets.")), {})
    return (
        theirs.get("network") == ours["network"]
        and all(images.get(key) == ours[f"datasets.{study.dataset}"][key] for key in IMAGES)
        and all(theirs["training"].get(key) == ours["training"][key] for key in TRAINING)
        and _crops(theirs, run.method) == _crops(ours, run.method)
    )


def _crops(params: dict[str, Any], method: str) -> Any:
    """Return number and size of the local crops; 0 without crops."""
    count = params[f"methods.{method}"].get("local_crops", 0)
    return count and (count, params["local_views"]["size"])
