"""The studies whose training is timed, all of SimCLR with its augmentation and blur."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from benchmarks.measuring import on_gpu, random_images
from entrec.data.prepared import Prepared
from entrec.runs import Run
from entrec.settings import Network, View
from entrec.study import Study, load_study

NEVER = 10**9
# SimCLR's family (arXiv:2002.05709, appendix A and B.9), with the blur that it leaves out for CIFAR-10
SIMCLR = View(
    crop_scale=(0.08, 1.0),
    crop_ratio=(0.75, 1.3333),
    flip=0.5,
    jitter=0.8,
    brightness=0.8,
    contrast=0.8,
    saturation=0.8,
    hue=0.2,
    greyscale=0.2,
    blur=0.5,
    blur_sigma=(0.1, 2.0),
    solarise=0.0,
    solarise_threshold=0.5,
)


@dataclass(frozen=True)
class Case:
    """Training to time: a study with its data, in rounds of `steps` steps of `batch_size` images."""

    name: str
    study: Study
    data: Prepared
    batch_size: int
    steps: int

    def run(self, method: str) -> Run:
        """Return the run of `method` that is timed."""
        return Run(method, self.batch_size, 1, 0)


def demo_network(view: View | None = None) -> Case:
    """Return the demo's network on grey images of 8 pixels, with the demo's own view or `view`."""
    return _case("demo network, 8x8", Network("small_resnet", 8, "3x3"), view, size=8, channels=1, batch=256, steps=20)


def small_network() -> Case:
    """Return the demo's network on colour images of 32 pixels."""
    network = Network("small_resnet", 8, "3x3")
    return _case("small network, 32x32", network, SIMCLR, size=32, channels=3, batch=128, steps=4)


def resnet18(batch: int) -> Case:
    """Return a ResNet-18 with the stem for 32 pixels; in bfloat16 on a GPU."""
    return _case("ResNet-18, 32x32", Network("resnet18", 64, "3x3"), SIMCLR, size=32, channels=3, batch=batch, steps=2)


def _case(name: str, network: Network, view: View | None, *, size: int, channels: int, batch: int, steps: int) -> Case:
    demo = _demo()
    view = view or demo.views[0]
    study = replace(
        demo,
        views=(view, view),
        network=network,
        training=replace(
            demo.training,
            checkpoint_seconds=NEVER,
            precision="bfloat16" if on_gpu() else "float32",
            channels_last=network.backbone == "resnet18",
        ),
        diagnostics=replace(demo.diagnostics, every=demo.diagnostics.every),
    )
    data = random_images(batch * 8, size=size, channels=channels)
    return Case(f"{name}, batch {batch}", study, data, batch, steps * (10 if on_gpu() else 1))


@cache
def _demo() -> Study:
    return load_study(Path("params/demo.yaml"))
