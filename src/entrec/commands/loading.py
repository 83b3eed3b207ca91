"""Loading of the modules of a step, which takes longer than the step itself in a small study."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Import modules inside the block without Python's search for garbage, which would go through them again and again.

    Later searches leave out what exists by the end of the block: torch alone makes some hundred thousand objects, and
    they stay for good.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
