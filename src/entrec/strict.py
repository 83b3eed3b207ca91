"""Plain values become frozen settings, or one line that names key, value and what is allowed."""

import json
from dataclasses import is_dataclass
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError


class Invalid(Exception):
    """A value out of range, before the file's name is known."""


def validated(kind: type, raw: Any, *, prefix: str = "", given: tuple[str, ...] = ()) -> Any:
    """`raw` as the settings class `kind`; raises `Invalid` with one line.

    `prefix` stands before the key in that line; `given` are fields that the loader fills in and no file has.
    """
    # JSON mode, strict: lists become tuples and whole numbers floats, but "8" never becomes 8
    try:
        return TypeAdapter(kind).validate_json(json.dumps(raw), strict=True)
    except ValidationError as error:
        raise Invalid(prefix + _one_line(kind, error, given)) from None


def plain(kind: type, value: Any) -> dict[str, Any]:
    """`value`, a settings object of class `kind`, as the plain values that JSON has."""
    return json.loads(TypeAdapter(kind).dump_json(value))


def at(values: dict[str, Any], key: str) -> Any:
    """The value under a dotted key."""
    for part in key.split("."):
        values = values[part]
    return values


def _one_line(kind: type, error: ValidationError, given: tuple[str, ...]) -> str:
    # a misspelt key is both unknown and missing: the unknown one says more
    first = min(error.errors(include_url=False), key=lambda e: e["type"] != "unexpected_keyword_argument")
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "unexpected_keyword_argument":
        allowed = ", ".join(name for name in _keys_at(kind, first["loc"][:-1]) if first["loc"][1:] or name not in given)
        return f"{key}: unknown key (value {first['input']!r}); allowed here: {allowed or 'nothing'}"
    if first["type"] == "missing":
        return f"{key}: missing; this key is required"
    return f"{key}: {first['input']!r}: {first['msg'][0].lower()}{first['msg'][1:]}"


def _keys_at(kind: Any, location: tuple[str | int, ...]) -> list[str]:
    """Field names of the settings class found by walking `location` down from `kind`."""
    for part in location:
        kind = get_type_hints(kind, include_extras=True)[str(part)] if is_dataclass(kind) else get_args(kind)[-1]
        kind = _bare(kind)
    return list(get_type_hints(kind))


def _bare(kind: Any) -> Any:
    """A type without its ranges, and without the None that may stand for it."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    given = [one for one in get_args(kind) if one is not NoneType]
    return given[0] if NoneType in get_args(kind) else kind
