"""The random numbers of views, drawn before any image is touched.

The families of augmentation are SimCLR's (Chen et al., arXiv:2002.05709, appendix A) and BYOL's (Grill et al.,
arXiv:2006.07733, appendix B), with torchvision's distributions of crop and colour jitter. Every number is a function of
(seed, epoch, sample, view), so it does not depend on the batch, its order or the device.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from enum import IntEnum

import torch
from torch import Tensor

from entrec.data import randomness
from entrec.data.images import Boxes
from entrec.information.portable import sqrt
from entrec.settings import View

TRIES = 10  # torchvision's RandomResizedCrop gives up after as many


class Colour(IntEnum):
    """The four operations of colour jitter, which are the columns of `ViewParameters.factors`."""

    BRIGHTNESS = 0
    CONTRAST = 1
    SATURATION = 2
    HUE = 3

    @property
    def word(self) -> str:
        """The name of the operation in a study."""
        return self.name.lower()


NEUTRAL = {Colour.BRIGHTNESS: 1.0, Colour.CONTRAST: 1.0, Colour.SATURATION: 1.0, Colour.HUE: 0.0}


@dataclass(frozen=True, eq=False)
class ViewParameters:
    """One augmentation of each of n images; every tensor is (n,) unless said otherwise.

    The crop `top`, `left`, `height`, `width` is in pixels of the source. `order` (n, 4) holds `Colour` numbers in the
    order of application. `factors` (n, 4) are multipliers, where 1 changes nothing, and for the hue a shift in turns,
    where 0 changes nothing (`NEUTRAL`). `sigma` is in pixels of the view. `jitter`, `greyscale`, `blur` and `solarise`
    say whether the operation is applied to the image. `possible` names the operations that have any chance to change
    an image: the others need not be computed.
    """

    top: Tensor
    left: Tensor
    height: Tensor
    width: Tensor
    flip: Tensor
    jitter: Tensor
    order: Tensor
    factors: Tensor
    greyscale: Tensor
    blur: Tensor
    sigma: Tensor
    solarise: Tensor
    threshold: Tensor
    possible: frozenset[str]

    @property
    def boxes(self) -> Boxes:
        """The crop of each image."""
        return Boxes(self.top, self.left, self.height, self.width)

    def within(self, boxes: Boxes) -> "ViewParameters":
        """Return the same augmentation of images that were cut, in which the crops lie at `boxes`."""
        return replace(self, **boxes._asdict())

    def tensors(self) -> dict[str, Tensor]:
        """Return every tensor by its name."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "possible"}

    def map(self, function: Callable[[Tensor], Tensor]) -> "ViewParameters":
        """Return what `function` makes of every tensor."""
        return self._with({name: function(tensor) for name, tensor in self.tensors().items()})

    def split(self, parts: int) -> list["ViewParameters"]:
        """Return `parts` augmentations of n / parts images each."""
        pieces = {name: tensor.chunk(parts) for name, tensor in self.tensors().items()}
        return [self._with({name: piece[part] for name, piece in pieces.items()}) for part in range(parts)]

    def _with(self, tensors: dict[str, Tensor]) -> "ViewParameters":
        return ViewParameters(**tensors, possible=self.possible)


def stacked(views: Sequence[ViewParameters], dim: int) -> ViewParameters:
    """Return the augmentations of several views as one, whose tensors have a dimension `dim` for the view."""
    tensors = [view.tensors() for view in views]
    possible = frozenset(name for view in views for name in view.possible)
    return ViewParameters(
        **{name: torch.stack([t[name] for t in tensors], dim) for name in tensors[0]}, possible=possible
    )


class _Draw(IntEnum):
    """The position in a sample's stream of random numbers that each parameter reads; a new one moves no other."""

    TOP = 0
    LEFT = 1
    FLIP = 2
    JITTER = 3
    GREYSCALE = 4
    BLUR = 5
    SIGMA = 6
    SOLARISE = 7
    ORDER = 8
    FACTORS = ORDER + len(Colour)
    AREA = FACTORS + len(Colour)
    RATIO = AREA + TRIES
    COUNT = RATIO + TRIES


def draw(
    view: View,
    *,
    seed: int,
    epoch: int | Tensor,
    samples: Tensor,
    index: int,
    height: int | Tensor,
    width: int | Tensor,
) -> ViewParameters:
    """Draw the parameters of view number `index` of n images.

    `samples` (n,) int64 are the images' numbers in the dataset. `epoch`, and `height` and `width` in pixels, are one
    number for all images or (n,) int64. The result lies on the device of `samples`, for which the host does not
    wait where all tensors lie on it.
    """
    keys = randomness.key(randomness.Purpose.VIEW, seed, epoch, index, samples)
    u = randomness.uniform(keys, _Draw.COUNT)  # (n, COUNT)
    top, left, crop_height, crop_width = _crop(u, view, height=height, width=width)
    return ViewParameters(
        top=top,
        left=left,
        height=crop_height,
        width=crop_width,
        flip=u[:, _Draw.FLIP] < view.flip,
        jitter=u[:, _Draw.JITTER] < view.jitter,
        order=u[:, _Draw.ORDER : _Draw.ORDER + len(Colour)].argsort(dim=1),
        factors=_factors(u[:, _Draw.FACTORS : _Draw.FACTORS + len(Colour)], view),
        greyscale=u[:, _Draw.GREYSCALE] < view.greyscale,
        blur=u[:, _Draw.BLUR] < view.blur,
        sigma=_between(u[:, _Draw.SIGMA], *view.blur_sigma).float(),
        solarise=u[:, _Draw.SOLARISE] < view.solarise,
        threshold=torch.full_like(u[:, 0], view.solarise_threshold, dtype=torch.float32),
        possible=_possible(view),
    )


def _possible(view: View) -> frozenset[str]:
    chances = {name: getattr(view, name) for name in ("flip", "greyscale", "blur", "solarise")}
    colours = {kind.word: view.jitter * getattr(view, kind.word) for kind in Colour}
    return frozenset(name for name, chance in (chances | colours).items() if chance > 0)


def _factors(u: Tensor, view: View) -> Tensor:
    # column by column: a tensor of the ranges would be copied to a GPU, which waits
    halves = {kind: getattr(view, kind.word) for kind in Colour}
    columns = [_between(u[:, kind], NEUTRAL[kind] - halves[kind], NEUTRAL[kind] + halves[kind]) for kind in Colour]
    return torch.stack(columns, dim=1).float()


def _crop(u: Tensor, view: View, *, height: int | Tensor, width: int | Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Draw top, left, height and width as torchvision's RandomResizedCrop does: the first of ten tries that fits.

    Where none fits, the crop is the largest central one.
    """
    height, width = (
        side.to(u).reshape(-1, 1) if isinstance(side, Tensor) else u.new_full((), side) for side in (height, width)
    )
    areas = height * width * _between(u[:, _Draw.AREA : _Draw.AREA + TRIES], *view.crop_scale)
    log_ratios = _between(u[:, _Draw.RATIO : _Draw.RATIO + TRIES], *map(math.log, view.crop_ratio))
    # in double precision the last bit of exp, which differs between devices, almost never changes a rounded side
    heights, widths = [sqrt(areas * (sign * log_ratios).exp()).round() for sign in (-1, 1)]
    fits = (heights > 0) & (heights <= height) & (widths > 0) & (widths <= width)
    first = fits.byte().argmax(dim=1, keepdim=True)
    height, width = height.reshape(-1), width.reshape(-1)
    central_height, central_width = _central_crop(view.crop_ratio, height=height, width=width)
    found = fits.any(dim=1)
    h = heights.gather(1, first).squeeze(1).where(found, central_height)
    w = widths.gather(1, first).squeeze(1).where(found, central_width)
    top = (u[:, _Draw.TOP] * (height - h + 1)).floor().where(found, (height - central_height).div(2).floor())
    left = (u[:, _Draw.LEFT] * (width - w + 1)).floor().where(found, (width - central_width).div(2).floor())
    return top.long(), left.long(), h.long(), w.long()


def _central_crop(ratio: tuple[float, float], *, height: Tensor, width: Tensor) -> tuple[Tensor, Tensor]:
    """Return height and width of the largest central crop whose aspect ratio is allowed."""
    narrow, wide = width / height < ratio[0], width / height > ratio[1]
    return (width / ratio[0]).round().where(narrow, height), (height * ratio[1]).round().where(wide, width)


def _between(u: Tensor, low: float | Tensor, high: float | Tensor) -> Tensor:
    return low + (high - low) * u
