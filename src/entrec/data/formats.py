"""Which formats of images are read: those that Pillow decodes by itself, found by their suffix and by their content."""

from functools import cache

from PIL import Image, ImageFile

# what Pillow opens and this project does not read
REFUSED = {
    "EPS",  # Pillow would run a program of its own, Ghostscript, on the file
    "FITS",  # measurements without a stated range; Pillow reads those of 16 bits in the wrong byte order
    "IPTC",  # a container, whose contents Pillow opens in any format, EPS included
    "MPEG",  # Pillow recognises films and decodes none
}


@cache
def formats() -> tuple[str, ...]:
    """Return Pillow's names of the formats that are read."""
    Image.init()
    opened = {name: factory for name, (factory, _) in Image.OPEN.items() if name not in REFUSED}
    return tuple(name for name, factory in sorted(opened.items()) if not _is_stub(factory))


@cache
def suffixes() -> frozenset[str]:
    """Return the suffixes, in lower case and with their dots, that Pillow registers for the formats that are read."""
    known = {*formats(), "MPO"}  # JPEGs of several frames, which Pillow opens as JPEG
    return frozenset(suffix for suffix, name in Image.registered_extensions().items() if name in known)


def _is_stub(factory: object) -> bool:
    """Whether Pillow recognises the format only, as HDF5, and leaves decoding to other packages."""
    return isinstance(factory, type) and issubclass(factory, ImageFile.StubImageFile)
