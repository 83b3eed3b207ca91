"""What the type of a setting allows, in words, and what was probably meant by a value that it does not allow."""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from entrec.errors import WIDEST, one_line

NUMBERS = {int: "whole numbers", float: "numbers"}
WORDS = {bool: "true or false", str: "text", Any: "any value"}
TRUTH = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}


def described(kind: Any) -> str:
    """Return what a type allows, such as "whole numbers from 1, or null"."""
    own, bounds = bare(kind), bounds_of(kind)
    options = get_args(own)
    if own in NUMBERS:
        words = f"{NUMBERS[own]}{_range(bounds)}"
    elif get_origin(own) is Literal:
        words = ", ".join(map(str, options))
    elif get_origin(own) is tuple:
        many = "a list of " if options[-1] is ... else f"a list of {len(options)} "
        words = f"{many}{described(options[0])}"
    elif is_dataclass(own):
        words = f"the keys {', '.join(field.name for field in fields(own))}"
    else:
        words = WORDS.get(own, "keys with values")
    return f"{words}, or null" if is_optional(kind) else words


def advice(kind: Any, value: Any) -> str:
    """Return how to write what was probably meant by `value`, which `kind` does not allow; "" if that is not known."""
    own = bare(kind)
    for meant in _readings(own, value):
        try:
            TypeAdapter(kind).validate_json(json.dumps(meant), strict=True)
        except ValidationError:
            continue
        written = json.dumps(meant, ensure_ascii=False)
        return f"write {written}" if len(written) <= WIDEST else ""
    if get_origin(own) is Literal and isinstance(value, str):
        return did_you_mean(value, map(str, get_args(own)))
    return ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the question that names what was probably meant; "" where nothing is near."""
    by_case = {one.lower(): one for one in known}
    near = get_close_matches(name[:100].lower(), by_case, n=1)
    return f"did you mean {one_line(by_case[near[0]])}?" if near else ""


def type_at(kind: Any, location: tuple[str | int, ...]) -> Any:
    """Return the type that is found by walking `location`, keys and numbers of items, down from `kind`."""
    for part in location:
        own = bare(kind)
        options = get_args(own)
        if is_dataclass(own):
            kind = get_type_hints(own, include_extras=True)[str(part)]
        elif get_origin(own) is dict:
            kind = options[1]
        else:
            kind = options[0]
    return kind


def bare(kind: Any) -> Any:
    """Return a type without its ranges, and without the None that may stand for it."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if is_optional(kind):
        return bare(next(one for one in get_args(kind) if one is not NoneType))
    return kind


def is_optional(kind: Any) -> bool:
    """Return whether null may stand for a value of a type."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return get_origin(kind) is not Literal and NoneType in get_args(kind)


def bounds_of(kind: Any) -> dict[str, float]:
    """Return the ranges that stand around a type, under pydantic's names for them: ge, gt, le, lt."""
    found: dict[str, float] = {}
    while get_args(kind) and (get_origin(kind) is Annotated or is_optional(kind)):
        inner, *others = get_args(kind)
        for one in others if get_origin(kind) is Annotated else []:
            for limit in getattr(one, "metadata", [one]):
                found |= {name: getattr(limit, name) for name in ("ge", "gt", "le", "lt") if hasattr(limit, name)}
        kind = inner
    return found


def _range(bounds: dict[str, float]) -> str:
    words = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}
    said = [f"{word} {_number(bounds[name])}" for name, word in words.items() if name in bounds]
    return "".join(f" {one}" for one in said) if len(said) < 2 else f" {said[0]} {_and(said[1])}"


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _and(second: str) -> str:
    return second if second.startswith("to") else f"and {second}"


def _readings(kind: Any, value: Any) -> Iterator[Any]:
    """Yield what `value` may have been meant to be as a `kind`."""
    if get_origin(kind) is tuple:
        yield [value]
        if isinstance(value, str):
            item = get_args(kind)[0]
            parts = [part.strip() for part in value.strip("[]() ").split(",")]
            yield [next(_readings(bare(item), part), part) for part in parts]
    elif kind in NUMBERS or get_origin(kind) is Literal:
        yield from _numbers(value)
    elif kind is bool:
        if str(value).lower() in TRUTH:
            yield TRUTH[str(value).lower()]
        if value in (0, 1):
            yield bool(value)
    elif kind is str and isinstance(value, int | float):
        yield str(value)


def _numbers(value: Any) -> Iterator[int | float]:
    text = str(value).strip()
    percent = text.endswith("%")
    for written in (text.removesuffix("%"), text.replace(",", ".").removesuffix("%")):
        try:
            number = float(written) / (100 if percent else 1)
        except ValueError:
            continue
        if math.isfinite(number):
            yield int(number) if number.is_integer() else number
