"""Views of whole uint8 batches, made on the device that trains.

Augmentation applies, in this order: resized crop and flip, colour jitter (its four operations in an order drawn for
each image), greyscale, blur, solarise. Each equals torchvision's functional operation up to 1e-5. The random numbers of
an image do not depend on the other images of its batch; its pixels depend on them by rounding at most.

An operation that is drawn for some images of a batch is applied in one of two ways, which agree to 1e-5. A CPU computes
it for these images alone. A GPU computes it for all images and keeps what it did to these: it would have to wait until
their number is known, and the operations would be many that are each too small for it.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from entrec.data import colour
from entrec.data.images import Boxes, Pixels
from entrec.data.resampling import blur_matrix, blur_size, crop_matrix, separable
from entrec.data.view_parameters import NEUTRAL, Colour, ViewParameters

Operation = Callable[[Tensor, Tensor], Tensor]


class Choice(NamedTuple):
    """An operation for the images where `mask` (n,), each of which has its `argument` (n,)."""

    mask: Tensor
    operation: Operation
    argument: Tensor


Way = Callable[[Tensor, Sequence[Choice]], Tensor]  # applies to each image at most one of several operations

_COLOURS: dict[Colour, Operation] = {
    Colour.BRIGHTNESS: colour.adjust_brightness,
    Colour.CONTRAST: colour.adjust_contrast,
    Colour.SATURATION: colour.adjust_saturation,
    Colour.HUE: colour.adjust_hue,
}
_OF_GREY = (Colour.BRIGHTNESS, Colour.CONTRAST)  # which has no saturation or hue to change


@torch.no_grad()
def augment(images: Tensor, parameters: ViewParameters, size: int) -> Tensor:
    """Return the views of `images` (n, h, w, c) uint8 that `parameters` describe: (n, c, size, size) in [0, 1].

    There may be k times as many parameters as images: the views are then k of each image, (k n, c, size, size).
    """
    return altered(cropped(images, parameters, size), parameters, way_on(images.device))


@torch.no_grad()
def cropped(images: Tensor, parameters: ViewParameters, size: int) -> Tensor:
    """Return the crops of `images` (n, h, w, c) uint8 that `parameters` describe, k for each: (k n, c, size, size)."""
    with torch.autocast(images.device.type, enabled=False):  # bfloat16 would change the views' last bits
        each = len(parameters.top) // len(images)
        x = to_float(images if each == 1 else images.repeat(each, 1, 1, 1))
        return resized_crop(x, parameters.boxes, parameters.flip if "flip" in parameters.possible else None, size)


@torch.no_grad()
def altered(x: Tensor, parameters: ViewParameters, way: Way) -> Tensor:
    """Return crops (n, c, size, size) in [0, 1] with all that follows in an augmentation; may write into `x`."""
    p, possible = parameters, parameters.possible
    with torch.autocast(x.device.type, enabled=False):
        x = _jitter(x, p, way)
        if "greyscale" in possible and x.shape[1] > 1:
            x = way(x, [Choice(p.greyscale, lambda y, _: colour.luma(y).expand_as(y), p.greyscale)])
        if "blur" in possible:
            x = way(x, [Choice(p.blur, _blur, p.sigma)])
        return way(x, [Choice(p.solarise, colour.solarise, p.threshold)]) if "solarise" in possible else x


def way_on(device: torch.device) -> Way:
    """Return the way in which `device` applies an operation to some images."""
    return for_chosen if device.type == "cpu" else for_all


def for_chosen(x: Tensor, choices: Sequence[Choice]) -> Tensor:
    """Compute each operation for its images alone; writes into `x`."""
    for mask, operation, argument in choices:
        chosen = mask.nonzero().squeeze(1)
        if len(chosen):
            x.index_copy_(0, chosen, operation(x.index_select(0, chosen), argument.index_select(0, chosen)))
    return x


def for_all(x: Tensor, choices: Sequence[Choice]) -> Tensor:
    """Compute each operation for every image, and keep what its own images become."""
    result = x
    for mask, operation, argument in choices:
        result = torch.where(mask[:, None, None, None], operation(x, argument), result)
    return result


def to_float(images: Tensor) -> Tensor:
    """Convert images (n, h, w, c) uint8 to (n, c, h, w) float32 in [0, 1]."""
    return images.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format).div_(255)


@torch.no_grad()
def centre(pixels: Pixels, size: int, device: torch.device) -> Tensor:
    """Return the centres of the images, without augmentation: (n, c, size, size) float32 in [0, 1] on `device`."""
    shown, boxes = pixels.cut(pixels.centres())
    there = Boxes(*(numbers.to(device, non_blocking=True) for numbers in boxes))
    with torch.autocast(device.type, enabled=False):
        return resized_crop(to_float(shown.to(device)), there, None, size)


def resized_crop(x: Tensor, boxes: Boxes, flip: Tensor | None, size: int) -> Tensor:
    """Resample the boxes of images (n, c, h, w) to (n, c, size, size), mirrored where `flip` (n,) says so."""
    rows = crop_matrix(boxes.top, boxes.height, None, source=x.shape[2], size=size)
    columns = crop_matrix(boxes.left, boxes.width, flip, source=x.shape[3], size=size)
    return separable(x, rows, columns)


def _jitter(x: Tensor, p: ViewParameters, way: Way) -> Tensor:
    kinds = [kind for kind in (_OF_GREY if x.shape[1] == 1 else _COLOURS) if kind.word in p.possible]
    active = {kind: p.jitter & (p.factors[:, kind] != NEUTRAL[kind]) for kind in kinds}
    for step in range(len(_COLOURS) if kinds else 0):
        masks = {kind: active[kind] & (p.order[:, step] == kind) for kind in kinds}
        x = way(x, [Choice(masks[kind], _COLOURS[kind], p.factors[:, kind]) for kind in kinds])
    return x


def _blur(x: Tensor, sigma: Tensor) -> Tensor:
    size = x.shape[-1]
    matrix = blur_matrix(sigma, size=size, taps=blur_size(size))
    return separable(x, matrix, matrix)
