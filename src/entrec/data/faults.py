"""What messages say of an exception of other code: one line, and the same one in every run."""

from PIL import UnidentifiedImageError


def reason(error: Exception) -> str:
    """The first line of its own words, or its kind where it has none."""
    if isinstance(error, UnidentifiedImageError):
        return "in no format that Pillow knows"  # its own words name an object in memory, another one in every run
    return next(iter(str(error).splitlines()), type(error).__name__).removesuffix(":")
