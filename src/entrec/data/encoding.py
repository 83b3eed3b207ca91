"""How images are encoded in a prepared dataset: upright, with 8 bits, the short side shrunk to the study's.

Images are shrunk by Pillow's antialiased bilinear filter to the size that torchvision's `Resize` gives, as pipelines
after SimCLR's do before they crop. This is done once; crops of any size are resampled from its result.
"""

import io
from typing import NamedTuple

from PIL import Image

from entrec.data.decoding import Decoded, decoded
from entrec.data.pixels import BILINEAR

QUALITY = 95  # of JPEG, with colour as sharp as brightness (4:4:4), since crops enlarge parts of the stored image
LONGEST = 65_500  # pixels of a side that libjpeg writes
LOSSY = {"AVIF", "JPEG", "JPEG2000", "MPO", "WEBP"}


class Encoded(NamedTuple):
    """The bytes to store of an image, and the names of the conversions that its pixels needed."""

    content: bytes
    conversions: tuple[str, ...]


def encoded(content: bytes, short_side: int) -> Encoded:
    """Return what to store of an image file: its own bytes where nothing needs to change, else new ones.

    New ones are a JPEG, or a PNG where the image neither is shrunk nor comes from a lossy format, or is too long for a
    JPEG. The whole image is decoded in either case, so that one that is cut short raises here (`Unreadable`).
    """
    found = decoded(content)
    return Encoded(content if _stays(found, short_side) else _again(found, short_side), found.conversions)


def shrunk(image: Image.Image, short_side: int) -> Image.Image:
    """Return the image with a short side of at most `short_side` pixels, both sides shrunk by the same factor."""
    short, long = sorted(image.size)
    if short <= short_side:
        return image
    rest = int(short_side * long / short)  # rounded down, as torchvision does
    return image.resize((short_side, rest) if image.width < image.height else (rest, short_side), BILINEAR)


def png(image: Image.Image) -> bytes:
    """Return the image as a PNG, which is lossless."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _stays(found: Decoded, short_side: int) -> bool:
    return found.plain and found.format in ("JPEG", "PNG") and min(found.image.size) <= short_side


def _again(found: Decoded, short_side: int) -> bytes:
    image = shrunk(found.image, short_side)
    if (image is found.image and found.format not in LOSSY) or max(image.size) > LONGEST:
        return png(image)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY, subsampling="4:4:4")
    return buffer.getvalue()
