"""Measure how fast encoded images become the pixels of views, against decoding alone and torchvision's pipeline.

The images are photographs with a short side of 256 pixels, as ImageNet is prepared. `decoding` only decodes each JPEG.
`ours` is what a training step waits for: a batch is decoded once and cut for two views and eight local crops; the GPU
resizes later. `torchvision` decodes, crops and resizes once for each of two views, as a dataset of two transforms does.
The three take turns on the same number of threads, and each rate is the median over rounds.

    python benchmarks/reading.py
"""

import argparse
import io
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from PIL import Image
from torchvision.transforms import v2

from entrec.data.prepare_encoded import prepare_encoded
from entrec.data.prepared import open_prepared
from entrec.data.stand_in import Amount, write_stand_in
from entrec.settings import Dataset
from entrec.study import load_study
from entrec.training.batches import Batches

BATCH, ROUNDS = 128, 9


def main() -> None:
    """Prepare a stand-in for ImageNet and measure the three rates on it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    threads = parser.parse_args().threads
    torch.set_num_threads(threads)
    study = load_study(Path("params/paper.yaml"))
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(threads) as pool:
        raw, folder = Path(scratch) / "raw", Path(scratch) / "imagenet"
        write_stand_in("imagenet", raw, Amount(classes=8, images=24, side=375))
        spec = Dataset("imagenet", 224, 3, 0.1, 0, "top1", path=str(raw), short_side=256)
        prepare_encoded("imagenet", spec, folder, threads=threads)
        prepared = open_prepared(folder)
        local = study.local_views
        assert local is not None
        batches = Batches(
            prepared, study.views, batch_size=BATCH, seed=0, device=torch.device("cpu"), channels_last=False,
            local=(local,) * 8,
        )  # fmt: skip
        files = [prepared.images.files[row] for row in batches.samples(0).tolist()]  # type: ignore[attr-defined]
        view = study.views[0]
        crop = v2.RandomResizedCrop(224, scale=view.crop_scale, ratio=view.crop_ratio, antialias=True)
        rates = in_turn(
            {
                "decoding": lambda: list(pool.map(decoded, files)),
                "ours": lambda: batches.source.draw_and_cut(0),
                "torchvision": lambda: list(pool.map(lambda file: (crop(decoded(file)), crop(decoded(file))), files)),
            }
        )
    for name, rate in rates.items():
        print(f"{name}: {rate:,.0f} images/s on {threads} threads, {rate / rates['decoding']:.2f} of decoding")


def decoded(file: bytes) -> Image.Image:
    """Return a photograph in colour."""
    with Image.open(io.BytesIO(file)) as image:
        return image.convert("RGB")


def in_turn(works: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return images per second of each of `works`: the median over rounds, after one round to warm up."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS + 1):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - began)
    return {name: BATCH / statistics.median(seconds[1:]) for name, seconds in times.items()}


if __name__ == "__main__":
    main()
