"""How images are encoded in a prepared dataset: upright, in colour, the short side shrunk to the study's.

Images are shrunk by Pillow's antialiased bilinear filter to the size that torchvision's `Resize` gives, as pipelines
after SimCLR's do before they crop. This is done once; crops of any size are resampled from its result.
"""

import io

from PIL import Image

from entrec.data.pixels import BILINEAR

QUALITY = 95  # of JPEG, with colour as sharp as brightness (4:4:4), since crops enlarge parts of the stored image
ORIENTATION = 0x0112  # the EXIF tag; 1 is upright
TURNS = dict(enumerate(map(Image.Transpose, (0, 3, 1, 5, 4, 6, 2)), start=2))  # what sets the other seven upright
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # what Pillow raises for bad files


def stored_bytes(content: bytes, short_side: int) -> bytes:
    """Return the bytes to store of an encoded image: its own bytes where nothing needs to change, else a new JPEG.

    The whole image is decoded in either case, so that one that is cut short raises here, one of `UNREADABLE`.
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
    """Return the image turned as its orientation tag says.

    Pillow's `exif_transpose` also rewrites all other tags, and fails where one of them is damaged.
    """
    turn = _turn(image)
    return image if turn is None else image.transpose(turn)


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


def _stays(image: Image.Image, short_side: int) -> bool:
    small = min(image.size) <= short_side
    plain = image.format in ("JPEG", "PNG") and image.mode == "RGB"
    return small and plain and _turn(image) is None


def _turn(image: Image.Image) -> Image.Transpose | None:
    return TURNS.get(image.getexif().get(ORIENTATION, 1))
