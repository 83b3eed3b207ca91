"""Views of whole uint8 batches, made on the device that trains.

Augmentation applies, in this order: resized crop and flip, colour jitter (its four operations in an order drawn for
each image), greyscale, blur, solarise. Each equals torchvision's functional operation up to 1e-5. The random numbers of
an image do not depend on the other images of its batch; its pixels depend on them by rounding at most.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from entrec.data import colour
from entrec.data.images import Boxes, Pixels
from entrec.data.resampling import blur_matrix, blur_size, crop_matrix, separable
from entrec.data.view_parameters import Colour, ViewParameters

Operation = Callable[[Tensor, Tensor], Tensor]

_COLOURS: dict[Colour, Operation] = {
    Colour.BRIGHTNESS: colour.adjust_brightness,
    Colour.CONTRAST: colour.adjust_contrast,
    Colour.SATURATION: colour.adjust_saturation,
    Colour.HUE: colour.adjust_hue,
}


@torch.no_grad()
def augment(images: Tensor, parameters: ViewParameters, size: int) -> Tensor:
    """Return the views of `images` (n, h, w, c) uint8 that `parameters` describe: (n, c, size, size) in [0, 1]."""
    with torch.autocast(images.device.type, enabled=False):  # bfloat16 would change the views' last bits
        x = resized_crop(to_float(images), parameters.boxes, parameters.flip, size)
        x = _jitter(x, parameters)
        if x.shape[1] > 1:
            x = _only(x, parameters.greyscale, lambda y, _: colour.luma(y).expand_as(y))
        x = _only(x, parameters.blur, _blur, parameters.sigma)
        return _only(x, parameters.solarise, lambda y, _: colour.solarise(y, parameters.threshold))


def to_float(images: Tensor) -> Tensor:
    """Convert images (n, h, w, c) uint8 to (n, c, h, w) float32 in [0, 1]."""
    return images.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format).div_(255)


@torch.no_grad()
def centre(pixels: Pixels, size: int, device: torch.device) -> Tensor:
    """Return the centres of the images, without augmentation: (n, c, size, size) float32 in [0, 1] on `device`."""
    shown, boxes = pixels.cut(pixels.centres())
    with torch.autocast(device.type, enabled=False):
        return resized_crop(to_float(shown.to(device)), boxes, None, size)


def resized_crop(x: Tensor, boxes: Boxes, flip: Tensor | None, size: int) -> Tensor:
    """Resample the boxes of images (n, c, h, w) to (n, c, size, size), mirrored where `flip` (n,) says so."""
    top, left, height, width = (_moved(numbers, x) for numbers in boxes)
    flip = None if flip is None else _moved(flip, x)
    rows = crop_matrix(top, height, None, source=x.shape[2], size=size)
    columns = crop_matrix(left, width, flip, source=x.shape[3], size=size)
    return separable(x, rows, columns)


def _jitter(x: Tensor, p: ViewParameters) -> Tensor:
    grey = x.shape[1] == 1  # no saturation or hue to change
    neutral = p.factors.new_tensor([1.0, 1.0, 1.0, 0.0])
    active = p.jitter[:, None] & (p.factors != neutral)  # (n, 4)
    for step in range(len(Colour)):
        for kind in (Colour.BRIGHTNESS, Colour.CONTRAST) if grey else Colour:
            mask = active[:, kind] & (p.order[:, step] == kind)
            x = _only(x, mask, _COLOURS[kind], p.factors[:, kind])
    return x


def _blur(x: Tensor, sigma: Tensor) -> Tensor:
    size = x.shape[-1]
    matrix = blur_matrix(sigma, size=size, taps=blur_size(size))
    return separable(x, matrix, matrix)


def _only(x: Tensor, mask: Tensor, operation: Operation, argument: Tensor | None = None) -> Tensor:
    """Apply `operation` to the images where `mask` (n,), each with its `argument`; may write into `x`."""
    chosen = mask.nonzero().squeeze(1)
    if len(chosen) == 0:
        return x
    argument = mask if argument is None else argument
    operands = _moved(argument.index_select(0, chosen), x)
    chosen = _moved(chosen, x)
    return x.index_copy_(0, chosen, operation(x.index_select(0, chosen), operands))


def _moved(tensor: Tensor, like: Tensor) -> Tensor:
    return tensor.to(like.device, non_blocking=True)
