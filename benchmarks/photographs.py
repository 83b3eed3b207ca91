"""From encoded photographs to the pixels of views, against decoding alone and against torchvision.

The photographs have a short side of 256 pixels, as ImageNet is prepared. Ours is what a training step waits for: a
batch is decoded once and cut for two views and eight local crops, and the device resizes later. Torchvision decodes,
crops and resizes once for each of two views, as a dataset of two transforms does. All have one thread.
"""

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from PIL import Image
from torchvision.transforms import v2

from benchmarks.measuring import Ratio, at_least, in_turn, median_ratio
from entrec.data.prepare_encoded import prepare_encoded
from entrec.data.prepared import open_prepared
from entrec.data.stand_in import Amount, write_stand_in
from entrec.settings import Dataset
from entrec.study import load_study
from entrec.training.batches import Batches
from entrec.training.device import make_deterministic

BATCH = 128
CPU = torch.device("cpu")


def ratios() -> Iterator[Ratio]:
    """Yield the images per second relative to those of decoding and of torchvision."""
    make_deterministic(CPU, threads=1)
    with tempfile.TemporaryDirectory() as scratch:
        times = times_of_one_batch(Path(scratch))
    over_decoding = median_ratio(times["decoding"], times["ours"])
    yield at_least(0.8, "speed of decoding and cutting for 2 + 8 views over decoding alone", over_decoding)
    over_torchvision = median_ratio(times["torchvision"], times["ours"])
    yield at_least(3.0, "speed of decoding and cutting for 2 + 8 views over torchvision's 2 views", over_torchvision)


def times_of_one_batch(scratch: Path) -> dict[str, list[float]]:
    """Return the seconds of each for one batch of stand-ins for ImageNet, written to `scratch`."""
    study = load_study(Path("params/paper.yaml"))
    raw, folder = scratch / "raw", scratch / "imagenet"
    write_stand_in("imagenet", raw, Amount(classes=8, images=24, side=375))
    prepare_encoded(
        "imagenet", Dataset("imagenet", 224, 3, 0.1, 0, "top1", path=str(raw), short_side=256), folder, threads=1
    )
    prepared, local, view = open_prepared(folder), study.local_views, study.views[0]
    assert local is not None
    batches = Batches(
        prepared, study.views, batch_size=BATCH, seed=0, device=CPU, channels_last=False, local=(local,) * 8
    )
    files = [prepared.images.files[row] for row in batches.samples(0).tolist()]  # type: ignore[attr-defined]
    crop = v2.RandomResizedCrop(224, scale=view.crop_scale, ratio=view.crop_ratio, antialias=True)
    return in_turn(
        {
            "decoding": lambda: [decoded(file) for file in files],
            "ours": lambda: batches.source.draw_and_cut(0),
            "torchvision": lambda: [(crop(decoded(file)), crop(decoded(file))) for file in files],
        },
        rounds=9,
    )


def decoded(file: bytes) -> Image.Image:
    """Return a photograph in colour."""
    with Image.open(io.BytesIO(file)) as image:
        return image.convert("RGB")
