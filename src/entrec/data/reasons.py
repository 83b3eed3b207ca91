"""Short reasons for messages, taken from the exceptions of other libraries."""

from PIL import UnidentifiedImageError


def reason(error: Exception) -> str:
    """Return the first line of the exception's message, or the name of its class where it has no message.

    The text is the same in every run, so that cards that record it have the same bytes.
    """
    if isinstance(error, UnidentifiedImageError):
        return "in no format that Pillow knows"  # its own message contains a memory address
    return next(iter(str(error).splitlines()), type(error).__name__).removesuffix(":")
