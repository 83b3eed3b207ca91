"""Crops and blurs as matrix products: each image has one matrix for its rows and one for its columns."""

import torch
from torch import Tensor


def separable(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return `rows @ image @ columns.T` for each channel of each image.

    `images` (n, c, h, w), `rows` (n, p, h) and `columns` (n, q, w) give (n, c, p, q).
    """
    n, c, h, w = images.shape
    narrowed = images.reshape(n, c * h, w) @ columns.mT
    return rows.repeat_interleave(c, dim=0).bmm(narrowed.view(n * c, h, -1)).view(n, c, rows.shape[1], -1)


def crop_matrix(start: Tensor, length: Tensor, flip: Tensor | None, *, source: int, size: int) -> Tensor:
    """Return the matrix that resamples `length` pixels from `start` on to `size` pixels, mirrored where `flip`.

    The filter is an antialiased bilinear one, a triangle as wide as one output pixel, cut at the crop's border and
    normalised: torchvision's `resized_crop(antialias=True)` computes the same. `start`, `length` and `flip` are (n,);
    the result is (n, size, source).
    """
    outputs = torch.arange(0.5, size, device=start.device).expand(len(start), -1)
    if flip is not None:
        outputs = outputs.where(~flip[:, None], size - outputs)
    scale = (length / size)[:, None, None]
    taps = torch.arange(0.5, source, device=start.device) - start[:, None]  # (n, source), from the crop's corner
    outside = (taps < 0) | (taps > length[:, None])
    distance = taps.masked_fill(outside, torch.inf)[:, None, :] - outputs[:, :, None] * scale
    weights = distance.abs_().div_(-scale.clamp(min=1)).add_(1).clamp_(min=0)
    return weights.div_(weights.sum(dim=2, keepdim=True))


def blur_size(size: int) -> int:
    """Return the taps of the blur in pixels: a tenth of the image size, as in SimCLR, made odd, and at least 3."""
    return max(size // 10 | 1, 3)


def blur_matrix(sigma: Tensor, *, size: int, taps: int) -> Tensor:
    """Return the matrix of a Gaussian blur with reflected borders, as in torchvision's `gaussian_blur`.

    `sigma` (n,) is in pixels; the result is (n, size, size).
    """
    offsets = torch.arange(taps, device=sigma.device) - taps // 2
    widths = sigma[:, None].clamp(min=1e-6)  # a width of 0 leaves the image as it is
    kernels = torch.softmax(-0.5 * (offsets / widths).square(), dim=1)  # (n, taps)
    pixels = torch.arange(size, device=sigma.device)
    reached = (size - 1) - ((size - 1) - (pixels + offsets[:, None]).abs()).abs()  # (taps, size)
    placed = (reached[:, :, None] == pixels).flatten(1).float()  # (taps, size * size)
    return (kernels @ placed).view(-1, size, size)
