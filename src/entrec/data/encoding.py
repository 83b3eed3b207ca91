"""Encoded images as a prepared set keeps them: upright, in colour, their short side shrunk to the study's.

Shrinking is Pillow's antialiased bilinear to the size that torchvision's `Resize` gives, what pipelines after SimCLR's
do before their crops. It is done once; crops of any size are resampled from its result.
"""

import io

from PIL import Image

from entrec.data.pixels import BILINEAR

QUALITY = 95  # of JPEG, with colour as sharp as brightness (4:4:4): crops enlarge parts of what is kept
ORIENTATION = 0x0112  # EXIF's tag; 1 is upright
TURNS = dict(enumerate(map(Image.Transpose, (0, 3, 1, 5, 4, 6, 2)), start=2))  # what sets the other seven upright
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # what Pillow raises for bad files


def kept(content: bytes, short_side: int) -> bytes:
    """The bytes to keep of an encoded image: its own where nothing is to be done, a new JPEG's otherwise.

    The whole image is decoded either way, so that one that is cut short raises here, one of `UNREADABLE`.
    """
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        if _stays(image, short_side):
            return content
        whole = upright(image).convert("RGB")
    buffer = io.BytesIO()
    shrunk(whole, short_side).save(buffer, "JPEG", quality=QUALITY, subsampling="4:4:4")
    return buffer.getvalue()


def upright(image: Image.Image) -> Image.Image:
    """The image as its tag says to show it.

    Pillow's `exif_transpose` also writes all other tags anew and fails where one is damaged.
    """
    turn = _turn(image)
    return image if turn is None else image.transpose(turn)


def shrunk(image: Image.Image, short_side: int) -> Image.Image:
    """The image with its short side at most `short_side`, both sides by the same factor."""
    short, long = sorted(image.size)
    if short <= short_side:
        return image
    rest = int(short_side * long / short)  # rounded down, as torchvision does
    return image.resize((short_side, rest) if image.width < image.height else (rest, short_side), BILINEAR)


def png(image: Image.Image) -> bytes:
    """The image without loss."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _stays(image: Image.Image, short_side: int) -> bool:
    small = min(image.size) <= short_side
    plain = image.format in ("JPEG", "PNG") and image.mode == "RGB"
    return small and plain and _turn(image) is None


def _turn(image: Image.Image) -> Image.Transpose | None:
    return TURNS.get(image.getexif().get(ORIENTATION, 1))
