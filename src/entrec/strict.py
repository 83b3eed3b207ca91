"""Plain values become frozen settings, or faults: each names a dotted key, what is wrong there and what is allowed.

A settings class checks itself in methods decorated with `check`. The faults that they yield have keys below the class;
the place of the class in the file is put in front here.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import is_dataclass
from functools import wraps
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from entrec.errors import UserError

Settings = TypeVar("Settings")


class Fault(NamedTuple):
    """One thing that is wrong with a file of settings.

    `key` is dotted and relative to the class that reports the fault; "" is the class itself.
    """

    key: str
    problem: str
    allowed: str = ""

    def below(self, place: str) -> "Fault":
        """Return the same fault as seen from a class that has this one's class under the dotted key `place`."""
        return self._replace(key=".".join(part for part in (place, self.key) if part))

    def __str__(self) -> str:
        line = f"{self.key}: {self.problem}"
        return f"{line}; allowed: {self.allowed}" if self.allowed else line


class Invalid(Exception):
    """Values that are no settings, with all `faults` that were found; its text is the first of them."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(str(faults[0]))
        self.faults = faults


def refuse(faults: Iterable[Fault]) -> None:
    """Raise the error that pydantic collects, with all of `faults`, unless there are none."""
    found = list(faults)
    if found:
        said = "\n".join(map(str, found))
        raise PydanticCustomError("faults", "{said}", {"said": said, "faults": found})


def check(find: Callable[[Settings], Iterable[Fault]]) -> Any:
    """Make a method that yields faults a validator of its settings class.

    It runs whenever an object of the class is made, if its fields are in range and the checks that stand above it in
    the class found nothing.
    """

    @wraps(find)
    def validator(self: Settings) -> Settings:
        refuse(find(self))
        return self

    return model_validator(mode="after")(validator)


def validated(kind: type, raw: Any, *, given: tuple[str, ...] = ()) -> Any:
    """Return `raw` as an object of the settings class `kind`; raises `Invalid`.

    `given` are fields that the loader fills in and no file has.
    """
    # strict JSON: lists become tuples and whole numbers floats, but "8" never becomes 8
    try:
        return TypeAdapter(kind).validate_json(json.dumps(raw), strict=True)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        # items with faults are missing from their tuple, which is no fault of its own
        faulty = {one["loc"][:length] for one in errors for length in range(len(one["loc"]))}
        own = [one for one in errors if one["type"] != "too_short" or one["loc"] not in faulty]
        # a misspelt key is both unknown and missing: the unknown one says more, and comes first
        own.sort(key=lambda one: not _unknown(one))
        raise Invalid([fault for one in own for fault in _faults(kind, one, given)]) from None


def faults_below(place: str, kind: type, raw: Any) -> list[Fault]:
    """Return what keeps `raw`, which stands under the dotted key `place`, from being settings of class `kind`."""
    try:
        validated(kind, raw)
    except Invalid as invalid:
        return [fault.below(place) for fault in invalid.faults]
    return []


def named_after(path: Path, kind: type, raw: dict[str, Any]) -> Any:
    """Return what the file `path` says as an object of the settings class `kind`, whose `name` is the file's stem.

    Raises `UserError`, one line with file, key, value and what is allowed.
    """
    try:
        if "name" in raw:
            raise Invalid([Fault("name", f"unknown key (value {raw['name']!r})", "a study is named by its file")])
        return validated(kind, {**raw, "name": path.stem}, given=("name",))
    except Invalid as invalid:
        raise UserError(f"{path}: {invalid}") from None


def plain(kind: type, value: Any) -> dict[str, Any]:
    """Return `value`, an object of the settings class `kind`, as the plain values that JSON has."""
    return json.loads(TypeAdapter(kind).dump_json(value))


def at(values: dict[str, Any], key: str) -> Any:
    """Return the value under a dotted key."""
    for part in key.split("."):
        values = values[part]
    return values


def _unknown(error: ErrorDetails) -> bool:
    return error["type"] == "unexpected_keyword_argument"


def _faults(kind: type, error: ErrorDetails, given: tuple[str, ...]) -> list[Fault]:
    location = error["loc"]
    key = ".".join(str(part) for part in location if part != "[key]")  # how pydantic marks the key of a dict
    if error["type"] == "faults":
        return [fault.below(key) for fault in error["ctx"]["faults"]]
    if _unknown(error):
        names = [name for name in _keys_at(kind, location[:-1]) if location[1:] or name not in given]
        return [Fault(key, f"unknown key (value {error['input']!r})", ", ".join(names) or "no keys here")]
    if error["type"] == "missing":
        return [Fault(key, "missing; this key is required")]
    return [Fault(key, f"{error['input']!r}: {error['msg'][0].lower()}{error['msg'][1:]}")]


def _keys_at(kind: Any, location: tuple[str | int, ...]) -> list[str]:
    """Return the field names of the settings class that is found by walking `location` down from `kind`."""
    for part in location:
        if is_dataclass(kind):
            kind = get_type_hints(kind, include_extras=True)[str(part)]
        else:  # the values of a dict, the items of a tuple
            kind = get_args(kind)[1 if get_origin(kind) is dict else 0]
        kind = _bare(kind)
    return list(get_type_hints(kind))


def _bare(kind: Any) -> Any:
    """Return a type without its ranges, and without the None that may stand for it."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    alternatives = [one for one in get_args(kind) if one is not NoneType]
    return alternatives[0] if NoneType in get_args(kind) else kind
