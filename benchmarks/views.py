"""Two views of each image of a batch, by SimCLR's augmentation with blur, against lightly and torchvision.

Ours are normalised and ready on the device. Lightly's transform takes an image of PIL, and torchvision's second
version of transforms a tensor of uint8, each image by itself as in a dataset. All have one thread.
"""

from collections.abc import Iterator
from itertools import count

import torch
from lightly.transforms import SimCLRTransform
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2

from benchmarks.measuring import Ratio, at_least, in_turn, median_ratio, random_images
from benchmarks.studies import SIMCLR
from entrec.data.prepared import Prepared
from entrec.training.batches import Batches
from entrec.training.device import make_deterministic, pick_device

BATCH = 256
STEPS = 8  # of ours in a round, because random numbers are drawn for several steps at once


def ratios() -> Iterator[Ratio]:
    """Yield the views per second relative to those of the two libraries."""
    make_deterministic(pick_device(), threads=1)
    for size, target in ((32, 10.0), (96, 4.0)):
        times = times_of_two_views(size)
        for other in ("lightly", "torchvision"):
            measured = STEPS * median_ratio(times[other], times["ours"])
            yield at_least(target, f"speed of the views over {other}'s: {size}x{size}, batch {BATCH}", measured)


def times_of_two_views(size: int) -> dict[str, list[float]]:
    """Return the seconds for two views of colour images of `size` pixels: of `STEPS` batches for ours, else of one."""
    data = random_images(BATCH * STEPS, size=size, channels=3)
    batches = Batches(data, (SIMCLR, SIMCLR), batch_size=BATCH, seed=0, device=pick_device(), channels_last=False)
    array = data.images.array[:BATCH]  # type: ignore[attr-defined]
    epochs = count()
    pil, tensors = [Image.fromarray(image) for image in array], torch.from_numpy(array).permute(0, 3, 1, 2)
    lightly, torchvision = lightly_transform(data), torchvision_transform(data)

    def one_epoch() -> None:
        first = STEPS * next(epochs)
        for step in range(first, first + STEPS):
            batches.at(step)

    return in_turn(
        {
            "ours": one_epoch,
            "lightly": lambda: collated([lightly(image) for image in pil]),
            "torchvision": lambda: collated([[torchvision(image), torchvision(image)] for image in tensors]),
        },
        rounds=5,
    )


def collated(pairs: list[list[Tensor]]) -> list[Tensor]:
    """Return the two views of all images, each as one tensor on the device."""
    return [torch.stack(views).to(pick_device()) for views in zip(*pairs, strict=True)]


def lightly_transform(data: Prepared) -> SimCLRTransform:
    """Return lightly's transform with the numbers of `SIMCLR` and the normalisation of `data`."""
    return SimCLRTransform(
        input_size=data.size,
        cj_prob=SIMCLR.jitter,
        cj_strength=1.0,
        cj_bright=SIMCLR.brightness,
        cj_contrast=SIMCLR.contrast,
        cj_sat=SIMCLR.saturation,
        cj_hue=SIMCLR.hue,
        min_scale=SIMCLR.crop_scale[0],
        random_gray_scale=SIMCLR.greyscale,
        gaussian_blur=SIMCLR.blur,
        sigmas=SIMCLR.blur_sigma,
        hf_prob=SIMCLR.flip,
        normalize={"mean": list(data.mean), "std": list(data.std)},
    )


def torchvision_transform(data: Prepared) -> v2.Compose:
    """Return torchvision's pipeline with the numbers of `SIMCLR` and the normalisation of `data`."""
    view = SIMCLR
    jitter = v2.ColorJitter(view.brightness, view.contrast, view.saturation, view.hue)
    taps = max(3, data.size // 10 // 2 * 2 + 1)  # a tenth of the side, odd (SimCLR, appendix A)
    return v2.Compose(
        [
            v2.RandomResizedCrop(data.size, scale=view.crop_scale, ratio=view.crop_ratio, antialias=True),
            v2.RandomHorizontalFlip(view.flip),
            v2.RandomApply([jitter], view.jitter),
            v2.RandomGrayscale(view.greyscale),
            v2.RandomApply([v2.GaussianBlur(taps, view.blur_sigma)], view.blur),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(data.mean, data.std),
        ]
    )
