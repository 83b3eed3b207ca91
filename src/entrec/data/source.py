"""What the module of a source holds, `entrec.data.sources.<name>`, and how it is found.

It has some of three functions: `load(spec)` returns the images as one array (`Loaded`), `listing(spec)` returns the
encoded images (`Listing`), and `stand_in(root, amount)` writes a tiny dataset in the makers' format.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from entrec.data.names import shown
from entrec.errors import UserError
from entrec.regular import regular
from entrec.results import LeftOut


@dataclass(frozen=True, eq=False, kw_only=True)
class Labelled:
    """What is known of N images beside their pixels.

    `labels` (N,) are indices into `classes`. `official_validation` and `official_test` (N,) mark the images of the
    makers' splits; where one is None or marks no image, there is no such split. Images with the same number in `groups`
    (N,) belong together and are put into the same split; without `groups` every image is a group of its own.
    `left_out` says, for each reason, which files beside the images are left out.
    """

    labels: NDArray[np.int64]
    classes: list[str]
    description: str
    licence: str
    origin: str
    official_validation: NDArray[np.bool_] | None = None
    official_test: NDArray[np.bool_] | None = None
    groups: NDArray[np.int64] | None = None
    left_out: dict[str, LeftOut] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Return these fields by name, to give them to another form of the same images."""
        return {field.name: getattr(self, field.name) for field in fields(Labelled)}


@dataclass(frozen=True, eq=False, kw_only=True)
class Loaded(Labelled):
    """Square `images` (N, S, S, C) uint8 with C = 1 or 3, as published, before they are resized to the study's size.

    `conversions` counts the images whose pixels were converted when their files were decoded, by the conversion's name.
    """

    images: NDArray[np.uint8]
    conversions: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """One encoded image: the name that messages give it, and a function that returns its bytes.

    `file` is the path of the file that holds this image and nothing else, if there is one.
    """

    name: str
    read: Callable[[], bytes]
    file: str | None = None

    @classmethod
    def of_file(cls, path: str | Path) -> "EncodedImage":
        """Return the image in the file `path`, which is read when `read` is called, if it is a regular file then."""
        return cls(shown(path), partial(_content, str(path)), str(path))


@dataclass(frozen=True, eq=False, kw_only=True)
class Listing(Labelled):
    """Encoded `images` of any size and format; each is read when its `read` is called."""

    images: list[EncodedImage]


def function_of(source: str, name: Literal["load", "listing", "stand_in"]) -> Any:
    """Return a function of the module of `source`, or None where the module has none of this name.

    Raises `UserError` where there is no such module.
    """
    module = f"entrec.data.sources.{source}"
    try:
        return getattr(import_module(module), name, None)
    except ModuleNotFoundError as error:
        if error.name != module:  # a package that the module imports
            raise
        raise UserError(f"{module_file(source)}: missing; entrec/sources.py names the source {source!r}") from error


def module_file(source: str) -> str:
    """Return the name that messages give the module of `source`."""
    return f"entrec/data/sources/{source}.py"


def _content(path: str) -> bytes:
    return regular(Path(path)).read_bytes()
