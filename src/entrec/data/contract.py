"""Read the images of a source, and check that its module returns what `Loaded` and `Listing` promise.

A mistake in the module of a source becomes one line that names the module, the field and what is allowed there.
"""

from collections.abc import Iterator
from typing import Any, Literal, TypeVar

import numpy as np

from entrec.data.source import EncodedImage, Listing, Loaded, function_of, module_file
from entrec.errors import UserError
from entrec.settings import Dataset
from entrec.strict import Fault

Made = TypeVar("Made", Loaded, Listing)
TEXTS = ("description", "licence", "origin")


def loaded(spec: Dataset) -> Loaded:
    """Return the images of a source as one array; raises `UserError` where they are not as `Loaded` says."""
    return _made(spec, "load", Loaded)


def listed(spec: Dataset) -> Listing:
    """Return the encoded images of a source; raises `UserError` where they are not as `Listing` says."""
    return _made(spec, "listing", Listing)


def _made(spec: Dataset, name: Literal["load", "listing"], kind: type[Made]) -> Made:
    module, make = module_file(spec.source), function_of(spec.source, name)
    if make is None:
        raise UserError(f"{module}: {Fault(name, 'no such function', f'a function that returns a {kind.__name__}')}")
    made: Made = make(spec)
    for fault in _faults(made, kind, name):
        raise UserError(f"{module}: {fault}")
    return made


def _faults(made: Loaded | Listing, kind: type, name: str) -> Iterator[Fault]:
    """Yield what is wrong with the result of the function `name`; each fault supposes that there is none before it."""
    if not isinstance(made, kind):
        yield Fault(name, f"returns {_found(made)}", f"a {kind.__name__}")
    if isinstance(made, Loaded) and not _are_squares(made.images):
        yield Fault("images", _found(made.images), "uint8 (N, S, S, 1) or (N, S, S, 3)")
    if isinstance(made, Listing) and not _are_all(made.images, EncodedImage):
        yield Fault("images", _found(made.images), "a list of EncodedImage")
    if not _are_all(made.classes, str):
        yield Fault("classes", _found(made.classes), "a list of text")
    count, classes = len(made.images), len(made.classes)
    kinds = {"labels": "int64", "official_validation": "bool", "official_test": "bool", "groups": "int64"}
    for field, dtype in kinds.items():
        value = getattr(made, field)
        given = value is not None or field == "labels"
        if given and not (isinstance(value, np.ndarray) and value.dtype == dtype and value.shape == (count,)):
            yield Fault(field, _found(value), f"{dtype} ({count},), one value for each image")
    for label in made.labels[(made.labels < 0) | (made.labels >= classes)]:
        yield Fault("labels", f"{label}, but there are {classes} classes", f"0 to {classes - 1}")
    for field in TEXTS:
        if not isinstance(getattr(made, field), str):
            yield Fault(field, _found(getattr(made, field)), "text")


def _are_squares(images: object) -> bool:
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 4:
        return False
    _, height, width, channels = images.shape
    return height == width and channels in (1, 3)


def _are_all(values: object, kind: type) -> bool:
    return isinstance(values, list) and all(isinstance(value, kind) for value in values)


def _found(value: Any) -> str:
    """Return what messages say of a value: the type, and of an array the type of its values and its shape."""
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
