"""The pixels of an image file: the one rule by which every image becomes 8 bits of grey or colour, upright.

Pillow converts some pixels without a word: it cuts 16 bits off at 255 and drops transparency. Here such an image is
converted as it should look, and what was done is told, or it is refused:

- Grey of 16 bits v becomes v >> 8, that of 12 bits v >> 4. Integers of 32 bits count as 16 bits where they are
  0 to 65535 and are refused otherwise. Signed numbers of 8 bits, whose negative values Pillow reads as bright ones,
  are refused, and so are floating point numbers, since no file states their range.
- Transparent pixels show a white background.
- The image is turned as its orientation tag says; tags that cannot be read turn nothing.
- Of several frames the first counts.
- A colour profile is not applied: the numbers in the file are kept, as torchvision and the published results keep them.
  Images whose profile is not sRGB's are counted.
- CMYK and the other colour spaces become RGB by Pillow's formulas, without profiles.
"""

import io
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from entrec.data.formats import formats
from entrec.data.reasons import reason
from entrec.progress import say

RULE = 1  # changes with the pixels that the rule gives, so that no pixels of an older rule are reused
ORIENTATION = 0x0112  # the EXIF tag; 1 is upright
TURNS = dict(enumerate(map(Image.Transpose, (0, 3, 1, 5, 4, 6, 2)), start=2))  # what sets the other seven upright
PHOTOMETRIC = 262  # the TIFF tag; 0 says that 0 is white
SAMPLE_FORMAT = 339  # the TIFF tag; 2 says that numbers have a sign
UNSIGNED = "I;32N"  # Pillow's raw mode of 32 bits without a sign, whose first bit it reads as a sign
WHITE = 255
SIXTEEN = "16 bits to 8"
EMPTY = "nothing in the upper bits"
TRANSPARENT = "transparency on white"
NO_ORIENTATION = "unreadable orientation ignored"
FOREIGN = "colour profile ignored"
IGNORED = {NO_ORIENTATION, FOREIGN}  # these change no pixel
# Pillow's modes that it converts to RGB as they look
EXACT = {"1": "from 1 bit", "P": "from a palette", "PA": "from a palette", "RGBX": "from RGBX"} | {
    mode: f"from {mode}" for mode in ("CMYK", "YCbCr", "LAB", "HSV")
}
ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")
LEVELS = {"L;2": 3, "L;4": 15}  # the highest value of PNGs of few bits, whose grey Pillow stretches to 255

# what Pillow warns of in several lines is refused here in one, or of no consequence; twice its limit of pixels raises
warnings.filterwarnings("ignore", module=r"PIL\.")


class Unreadable(ValueError):
    """An image that cannot be decoded or is refused; the text says why in one line."""


class Decoded(NamedTuple):
    """An upright `image` of mode L or RGB, without tags, and the names of the `conversions` that were needed for it.

    `format` is Pillow's name of the file's format. `plain` says whether any reader of the file gets these pixels.
    """

    image: Image.Image
    conversions: tuple[str, ...]
    format: str
    plain: bool


class Packing(NamedTuple):
    """How a file packs its pixels: Pillow's `raw` mode, such as `L;2`, and whether colours have more than 8 bits."""

    raw: str
    wide: bool


def decoded(content: bytes) -> Decoded:
    """Decode the whole of an image file; raises `Unreadable`, also for a file that is cut short."""
    try:
        with Image.open(io.BytesIO(content), formats=formats()) as image:
            return as_it_looks(image)
    except Unreadable:
        raise
    except Exception as error:  # the readers of Pillow's formats have no exception in common
        raise Unreadable(reason(error)) from error


def colours(content: bytes) -> NDArray[np.uint8]:
    """Return the pixels of an image file in colour, (h, w, 3); raises `Unreadable`."""
    return np.asarray(decoded(content).image.convert("RGB"))


def as_it_looks(image: Image.Image) -> Decoded:
    """Return an opened image by the rule of this module; raises `Unreadable` for one that is refused."""
    frames = getattr(image, "is_animated", False)  # asked first, because it may read another frame
    packing, declared = _packing(image), _orientation(image)
    image.load()  # this turns a TIFF and removes its tag
    flat, conversions = _flat(image, packing)
    turn = TURNS.get(_orientation(image))
    names = [
        *conversions,
        *(["turned upright"] if turn is not None or declared in TURNS else []),
        *(["first of several frames"] if frames else []),
        *([NO_ORIENTATION] if declared is None else []),
        *([FOREIGN] if _is_foreign(image) else []),
    ]
    upright = flat if turn is None else flat.transpose(turn)
    upright.info = {}  # such as the colour that was transparent, which a new file would get
    plain = image.mode in ("L", "RGB") and IGNORED.issuperset(names)
    return Decoded(upright, tuple(names), str(image.format), plain)


def total(conversions: Iterable[tuple[str, ...]]) -> dict[str, int]:
    """Return how many images needed each conversion, in the order of the names."""
    return dict(sorted(Counter(name for names in conversions for name in names).items()))


def report(name: str, conversions: Mapping[str, int]) -> None:
    """Say on stderr which images of the dataset `name` were converted, in one line, if any were."""
    if conversions:
        counts = ", ".join(f"{conversion} ({count})" for conversion, count in conversions.items())
        say(f"{name}: images that needed a conversion: {counts}")


def _flat(image: Image.Image, packing: Packing) -> tuple[Image.Image, list[str]]:
    """Return the image in mode L or RGB, without transparency, and the names of what was done."""
    if 0 in image.size:
        raise _refused(image, "without any pixel")
    if image.mode == "I" or image.mode.startswith("I;16"):
        return _high_bits(image, packing.raw)
    if image.mode not in ("L", "RGB", *EXACT, *ALPHA):
        raise _refused(image, "these numbers have no stated range; save the image with 8 or 16 bits")
    if image.mode == "L" and getattr(image, "tag_v2", {}).get(SAMPLE_FORMAT) == (2,):
        raise _refused(image, "signed numbers of 8 bits; save the image without a sign")
    names = [EXACT[image.mode]] if image.mode in EXACT else []
    names += [SIXTEEN] if packing.wide else []
    if not image.has_transparency_data:
        return (image if image.mode in ("L", "RGB") else image.convert("L" if image.mode == "1" else "RGB")), names
    if packing.wide and "transparency" in image.info:
        raise _refused(image, "a transparent colour of 16 bits, of which Pillow reads 8; save the image with 8 bits")
    shown, opaque = _on_white(image, packing.raw)
    return shown, names if opaque else [*names, TRANSPARENT]


def _high_bits(image: Image.Image, raw: str) -> tuple[Image.Image, list[str]]:
    """Return the upper eight bits of grey values of 16 or 12 bits."""
    values = np.asarray(image).astype(np.int64)
    if raw == UNSIGNED:
        values &= 2**32 - 1
    if values.min() < 0 or values.max() > 65535:
        span = f"{values.min()} to {values.max()}"
        raise _refused(image, f"values from {span}; allowed: 0 to 65535; save the image with 8 or 16 bits")
    grey = (values >> (4 if raw == "I;12" else 8)).astype(np.uint8)
    # such as 8 bits in a file of 16; the image does not say whether it is dark or has another range
    names = [SIXTEEN, EMPTY] if values.any() and not grey.any() else [SIXTEEN]
    if getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == 0:
        grey = WHITE - grey
    key = image.info.get("transparency")
    if key is None:
        return Image.fromarray(grey), names
    return Image.fromarray(np.where(values == key, WHITE, grey).astype(np.uint8)), [*names, TRANSPARENT]


def _on_white(image: Image.Image, raw: str) -> tuple[Image.Image, bool]:
    """Return the image in RGB before a white background, and whether none of the background shows."""
    if raw in LEVELS:
        image.info["transparency"] = image.info["transparency"] * 255 // LEVELS[raw]
    if image.mode == "La":  # which Pillow converts to nothing else
        image = image.convert("LA")
    shown = image.convert("RGBA")
    opaque = shown.getchannel("A").getextrema() == (WHITE, WHITE)
    return Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown).convert("RGB"), opaque


def _orientation(image: Image.Image) -> Any:
    """Return the value of the orientation tag, 1 where there is none and None where the tags cannot be read."""
    try:
        return image.getexif().get(ORIENTATION, 1)
    except Exception:  # any, since the tags are parsed by many functions
        return None


def _packing(image: Image.Image) -> Packing:
    """Return how the file of an image packs its pixels, which Pillow forgets when it has decoded them."""
    tiles = getattr(image, "tile", None)
    if not tiles:
        return Packing("", wide=False)
    codec, args = tiles[0].codec_name, tiles[0].args
    first = args[0] if isinstance(args, tuple) and args else args
    raw = first if isinstance(first, str) else ""
    return Packing(raw, wide=";16" in raw or codec == "SGI16" or (codec == "ppm" and args[1] > WHITE))


def _is_foreign(image: Image.Image) -> bool:
    """Whether the image has a colour profile with which its numbers mean other colours than in sRGB."""
    profile = image.info.get("icc_profile")
    if not profile:
        return False
    grey = image.mode[0] in "1LI"
    return image.mode == "CMYK" or not _is_srgb(bytes(profile), "L" if grey and image.mode != "LAB" else "RGB")


@lru_cache(maxsize=64)
def _is_srgb(profile: bytes, mode: str) -> bool:
    """Whether a profile gives the numbers of an image the colours of sRGB, but for rounding."""
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
    probe = Image.fromarray(cube) if mode == "RGB" else Image.fromarray(steps[None])
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
        seen = np.asarray(ImageCms.applyTransform(probe, transform)).astype(int)
    except (ImageCms.PyCMSError, OSError, ValueError):  # a damaged profile, or one of another colour space
        return False
    return bool(np.abs(seen - np.asarray(probe.convert("RGB"))).max() <= 2)


def _refused(image: Image.Image, why: str) -> Unreadable:
    return Unreadable(f"{image.format} of mode {image.mode}: {why}")
