"""Plain values become frozen settings, or faults: each names a dotted key, what is wrong there and what is allowed.

A settings class checks itself in methods decorated with `check`. The faults that they yield have keys below the class;
the place of the class in the file is put in front here. All faults of a file are found at once: where some values are
wrong, the checks that do not need these values run all the same.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, NamedTuple, Protocol, TypeVar, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from entrec.allowed import advice, bare, described, did_you_mean, type_at
from entrec.errors import UserError, listed, one_line, shown
from entrec.yaml_reader import Document

Settings = TypeVar("Settings")
MISSING_KEY = "missing; this key is required"
WRONG = object()  # stands for a value that cannot be made
CHECKED = "_checked_by_strict"  # the name of pydantic's validator in every settings class


class Fault(NamedTuple):
    """One thing that is wrong with a file of settings.

    `key` is dotted and relative to the class that reports the fault; "" is the class itself. `advice` says what was
    probably meant.
    """

    key: str
    problem: str
    allowed: str = ""
    advice: str = ""

    def below(self, place: str) -> "Fault":
        """Return the same fault as seen from a class that has this one's class under the dotted key `place`."""
        return self._replace(key=".".join(part for part in (place, self.key) if part))

    @property
    def text(self) -> str:
        """All of the message but the key."""
        said = f"{self.problem}; {self.advice}" if self.advice else self.problem
        if not self.allowed:
            return said
        return f"{said} allowed: {self.allowed}" if said.endswith("?") else f"{said}; allowed: {self.allowed}"

    def __str__(self) -> str:
        return f"{one_line(self.key)}: {self.text}" if self.key else self.text


class Invalid(Exception):
    """Values that are no settings, with all `faults` that were found; the text of the exception is the first fault."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(str(faults[0]))
        self.faults = faults


class _ReadsWrong(Exception):
    """A check has read a value that is wrong, so that it cannot go on."""


class Check(Protocol):
    """A method of a settings class that yields its faults."""

    def __call__(self, values: Any, /) -> Iterable[Fault]:
        """Yield the faults of `values`, an object of the class."""


def refuse(faults: Iterable[Fault]) -> None:
    """Raise the error that pydantic collects, with all of `faults`, unless there are none."""
    found = list(faults)
    if found:
        said = "\n".join(map(str, found))
        raise PydanticCustomError("faults", "{said}", {"said": said, "faults": found})


def unknown(key: str, name: str, known: Iterable[str], *, what: str) -> Fault:
    """Return the fault of a name that is not among those `known`; `what` says what it names."""
    names = list(known)
    return Fault(key, f"unknown {what} {shown(name)}", listed(names) or "none", did_you_mean(name, names))


def missing(key: str) -> Fault:
    """Return the fault of a required key that the file does not have."""
    return Fault(key, MISSING_KEY)


def check(find: Callable[[Settings], Iterable[Fault]]) -> Callable[[Settings], Iterable[Fault]]:
    """Mark a method that yields faults as a check of its settings class, which `self_checking` makes it run.

    All checks of a class run, whatever the others have found: none may rely on another.
    """
    find.is_check = True  # type: ignore[attr-defined]
    return find


def self_checking(cls: type) -> type:
    """Let pydantic run all checks of the class whenever an object of it is made and its fields are in range."""

    def validator(self: Any) -> Any:
        refuse(fault for one in _checks(type(self)) for fault in one(self))
        return self

    setattr(cls, CHECKED, model_validator(mode="after")(validator))
    return cls


def _checks(kind: type) -> list[Check]:
    """Return the checks of a settings class after those of the classes that it extends."""
    named: dict[str, Check] = {}
    for base in reversed(kind.__mro__):
        named |= {name: value for name, value in vars(base).items() if getattr(value, "is_check", False)}
    return list(named.values())


def validated(kind: type, raw: Any, *, given: tuple[str, ...] = ()) -> Any:
    """Return `raw` as an object of the settings class `kind`; raises `Invalid` with all faults.

    `given` are fields that the loader fills in and no file has.
    """
    try:
        return _read(kind, raw)
    except ValidationError as error:
        errors = error.errors(include_url=False)
    # items with faults are missing from their tuple, which is no fault of its own
    faulty = {one["loc"][:length] for one in errors for length in range(len(one["loc"]))}
    own = [one for one in errors if one["type"] != "too_short" or one["loc"] not in faulty]
    # a misspelt key is both unknown and missing: the unknown one says more
    own.sort(key=lambda one: one["type"] != "unexpected_keyword_argument")
    faults = [fault for one in own for fault in _faults(kind, one, given)]
    _, found = _partly_made(kind, raw)
    raise Invalid(_without_repetitions([*faults, *found]))


def _read(kind: Any, raw: Any) -> Any:
    """Return `raw` as a `kind` by strict JSON: a list becomes a tuple and 8 becomes 8.0, but "8" never becomes 8."""
    return TypeAdapter(kind).validate_json(json.dumps(raw), strict=True)


def _without_repetitions(faults: list[Fault]) -> list[Fault]:
    """Return each fault once; a key that is missing because it is misspelt is named where it is misspelt."""
    places = [(fault, *_parts(fault.key)) for fault in dict.fromkeys(faults)]
    misspelt = {(above, fault.advice) for fault, above, _ in places if fault.problem.startswith("unknown")}
    return [
        fault
        for fault, above, last in places
        if not (fault.problem == MISSING_KEY and (above, f"did you mean {last}?") in misspelt)
    ]


def _parts(key: str) -> tuple[str, str]:
    """Return the key above a dotted key, and its last part."""
    above, _, last = key.rpartition(".")
    return above, last


def _partly_made(kind: Any, raw: Any) -> tuple[Any, list[Fault]]:
    """Return `raw` as a `kind` as far as it can be made, and the faults that the checks of all settings in it find.

    Settings are made without the fields that are wrong. Every other value is made whole, or is `WRONG`.
    """
    with suppress(ValidationError):
        return _read(kind, raw), []
    kind = bare(kind)
    is_settings, is_mapping = is_dataclass(kind), get_origin(kind) is dict
    if not isinstance(raw, dict) or not (is_settings or is_mapping):
        return WRONG, []
    types = get_type_hints(kind, include_extras=True) if is_settings else dict.fromkeys(raw, get_args(kind)[1])
    parts = {name: _partly_made(types[name], value) for name, value in raw.items() if name in types}
    found = [fault.below(name) for name, (_, faults) in parts.items() for fault in faults]
    values = {name: value for name, (value, _) in parts.items() if value is not WRONG}
    if is_mapping:
        return (values if len(values) == len(raw) else WRONG), found
    made = _object_without(parts.keys() - values.keys(), kind, values)
    for one in _checks(kind):
        with suppress(_ReadsWrong):
            found += one(made)  # also what it yields before it ends so
    return made, found


def _object_without(wrong: Set[str], kind: Any, values: dict[str, Any]) -> Any:
    """Return an object of the settings class `kind` that has the fields `values`, and the defaults of others.

    Its fields that are `wrong`, or missing without a default, raise `_ReadsWrong` when they are read.
    """
    required = {field.name for field in fields(kind) if field.default is MISSING}
    hidden = {name: property(_raise_reads_wrong) for name in wrong | (required - values.keys())}
    made: Any = object.__new__(type(kind.__name__, (kind,), hidden))
    vars(made).update(values)
    return made


def _raise_reads_wrong(_: object) -> Any:
    raise _ReadsWrong


def faults_below(place: str, kind: type, raw: Any) -> list[Fault]:
    """Return what keeps `raw`, which stands under the dotted key `place`, from being settings of class `kind`."""
    try:
        validated(kind, raw)
    except Invalid as invalid:
        return [fault.below(place) for fault in invalid.faults]
    return []


def named_after(document: Document, kind: type) -> Any:
    """Return what a file says as an object of the settings class `kind`, whose `name` is the file's stem.

    Raises `UserError` as `refuse_document` does.
    """
    path, raw = document.path, document.values
    made, faults = None, []
    if "name" in raw:
        faults.append(Fault("name", f"unknown key (value {shown(raw['name'])})", "a study is named by its file"))
    try:
        made = validated(kind, {**raw, "name": path.stem}, given=("name",))
    except Invalid as invalid:
        faults += invalid.faults
    refuse_document(document, faults)
    return made


def refuse_document(document: Document, faults: Iterable[Fault]) -> None:
    """Raise `UserError` with all `faults` of a file and all values that its reader left out, unless there are none.

    Each is one line, in the file's order: file, line, key, value, what is allowed.
    """
    wrong = {one.key for one in document.wrong}
    of_name, found = [], list[tuple[str, str]]()
    for fault in faults:
        if fault.key == "name" and "name" not in document.values:
            of_name.append(f"{document.path}: {fault.text}")
        elif not _left_out(fault, wrong):
            found.append((fault.key, fault.text))
    if lines := of_name + document.said(found):
        raise UserError("\n".join(lines))


def _left_out(fault: Fault, wrong: set[str]) -> bool:
    """Whether a fault is about a value that the reader left out, or one that lies in, around or merged from it."""
    if fault.key in wrong:
        return True
    above, _ = _parts(fault.key)
    merge = f"{above}.<<" if above else "<<"
    return fault.problem == MISSING_KEY and any(
        key == merge or key.startswith(f"{fault.key}.") or fault.key.startswith(f"{key}.") for key in wrong
    )


def plain(kind: type, value: Any) -> dict[str, Any]:
    """Return `value`, an object of the settings class `kind`, as the plain values that JSON has."""
    return json.loads(TypeAdapter(kind).dump_json(value))


def at(values: dict[str, Any], key: str) -> Any:
    """Return the value under a dotted key."""
    for part in key.split("."):
        values = values[part]
    return values


def _faults(kind: type, error: ErrorDetails, given: tuple[str, ...]) -> Iterator[Fault]:
    """Yield the faults that one error of pydantic stands for; the fields `given` are not among the keys allowed."""
    location = tuple(part for part in error["loc"] if part != "[key]")  # how pydantic marks the key of a dict
    key = ".".join(map(str, location))
    value = error["input"]
    if error["type"] == "faults":
        yield from (fault.below(key) for fault in error["ctx"]["faults"])
    elif error["type"] == "unexpected_keyword_argument":
        names = [one.name for one in fields(bare(type_at(kind, location[:-1])))]
        names = [name for name in names if location[1:] or name not in given]
        meant = did_you_mean(str(location[-1]), names)
        yield Fault(key, f"unknown key (value {shown(value)})", listed(names) or "no keys here", meant)
    elif error["type"] == "missing":
        yield missing(key)
    elif "[key]" in error["loc"]:
        names = get_args(bare(type_at(kind, location[:-1])))[0]
        yield Fault(key, "unknown key", described(names), advice(names, str(value)))
    else:
        own = type_at(kind, location)
        yield Fault(key, shown(value), described(own), advice(own, value))
