"""Colour operations on batches, in which each image has its own factor; they equal torchvision's functional ones.

Images are (n, c, h, w) in [0, 1] with 1 or 3 channels, and factors are (n,). `lab` converts to CIE's colour space and
equals scikit-image's function.
"""

import torch
from torch import Tensor


def adjust_brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Multiply each image by its factor; values above 1 become 1."""
    return (images * _per_image(factor)).clamp_(0, 1)


def adjust_contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Multiply the distance of each pixel from the image's mean luma by the factor."""
    mean = luma(images).mean(dim=(2, 3), keepdim=True)
    return torch.lerp(mean, images, _per_image(factor)).clamp_(0, 1)


def adjust_saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Multiply the distance of each pixel from its own luma by the factor."""
    return torch.lerp(luma(images), images, _per_image(factor)).clamp_(0, 1)


def adjust_hue(images: Tensor, shift: Tensor) -> Tensor:
    """Shift the hue of HSV by `shift` turns; needs three channels.

    Value and chroma stay as they are, so only the angle of the hue is computed. Each channel of the result is the
    smallest channel of the pixel plus the chroma times a trapezoid function of the angle.
    """
    red, green, blue = images.chunk(3, dim=1)
    # pairwise, which is several times faster on a CPU than a reduction over three channels
    low, high = red.minimum(green).minimum(blue), red.maximum(green).maximum(blue)
    chroma = high - low
    # the angle in sixths of a turn, before its division by the chroma
    angle = torch.where(high == green, blue - red + 2 * chroma, red - green + 4 * chroma)
    angle = torch.where(high == red, green - blue, angle).div_(chroma.clamp(min=1e-12))  # grey stays at 0
    angle = angle.add_(6 * _per_image(shift)).remainder_(6)
    trapezoids = [(angle - 3).abs_().sub_(1), 2 - (angle - 2).abs_(), 2 - (angle - 4).abs_()]
    return torch.cat(trapezoids, dim=1).clamp_(0, 1).mul_(chroma).add_(low)


def luma(images: Tensor) -> Tensor:
    """Return the ITU-R 601 luma with torchvision's coefficients, (n, 1, h, w); grey images are their own luma."""
    if images.shape[1] == 1:
        return images
    red, green, blue = images.chunk(3, dim=1)
    weighted: Tensor = 0.2989 * red
    return weighted.add_(green, alpha=0.587).add_(blue, alpha=0.114)


def solarise(images: Tensor, threshold: Tensor) -> Tensor:
    """Invert the values that reach the image's threshold."""
    return torch.where(images >= _per_image(threshold), 1 - images, images)


def lab(images: Tensor) -> Tensor:
    """Convert sRGB images (n, 3, h, w) to CIE 1976 L*a*b* under the white point D65 for the 2-degree observer.

    L is from 0 to 100; a and b are from -108 to 99 for what sRGB can show, and within 0.005 of 0 for greys.
    """
    # IEC 61966-2-1; each power is of a number that is not negative, whichever side is taken
    linear = torch.where(images > 0.04045, ((images.clamp(min=0) + 0.055) / 1.055) ** 2.4, images / 12.92)
    red, green, blue = linear.chunk(3, dim=1)
    # channel by channel, because autocast would round a matrix product to half precision
    x = (0.412453 * red + 0.357580 * green + 0.180423 * blue) / 0.95047
    y = 0.212671 * red + 0.715160 * green + 0.072169 * blue
    z = (0.019334 * red + 0.119193 * green + 0.950227 * blue) / 1.08883
    x, y, z = (_lightness_scale(channel) for channel in (x, y, z))
    return torch.cat([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def _lightness_scale(t: Tensor) -> Tensor:
    """Return the cube root, with CIE's straight line below (6 / 29)^3."""
    return torch.where(t > 0.008856, t.clamp(min=0.008856) ** (1 / 3), 7.787 * t + 16 / 116)


def _per_image(factor: Tensor) -> Tensor:
    return factor[:, None, None, None]
