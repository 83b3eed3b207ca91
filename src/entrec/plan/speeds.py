"""The speed that finished runs reached: images/s of a method on the same network and image size, in any study."""

import math
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entrec.paths import RunFolder
from entrec.plan.assumptions import Device
from entrec.results import PretrainingResult, read_result
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

    The runs of `study` itself count if there are any, otherwise those of the first other study that has some. Raises
    `UserError` for a damaged file.
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
        remedy = f"snakemake {path} --configfile params/{folder.name}.yaml"
        run = read_result(PretrainingResult, path, remedy=remedy, about={"method": method})
        if run.images_per_second and _comparable(study, run, device):
            found.setdefault(run.batch_size, []).append(run.images_per_second / _devices(run, device))
    return found


def _descriptions(method: str) -> str:
    """Return the pattern of the descriptions of a method's runs."""
    return str(RunFolder(Path(f"{method}-*")).description)


def _devices(run: PretrainingResult, device: Device) -> int:
    """Return how many GPUs, or threads, a run had."""
    return run.processes * (1 if device.unit == "GPU" else run.provenance.hardware.threads)


def _comparable(study: Study, run: PretrainingResult, device: Device) -> bool:
    """Return whether a run trained the same networks on images like these, on a device like this."""
    gpu, theirs = run.provenance.hardware.gpu, run.provenance.params
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
