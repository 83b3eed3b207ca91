"""Writing and reading of result files.

Every file ends with the digest of its own contents, and names the digests of the files that it was made from and of
those that were written with it. Damage is therefore found by whoever reads it, and a file of another run too.

The circumstances of a result lie beside it and name its digest. Nothing depends on them: a result that was fetched, for
instance by DVC, has none.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from entrec.artefacts import read_json, replacing_all, sha256, write_text
from entrec.errors import Missing, Outdated, UserError, listed, one_line, shown
from entrec.paths import DatasetFolder, StudyPaths, circumstances_of
from entrec.results.cards import Card
from entrec.results.model import Circumstances, Result, Sealed

R = TypeVar("R", bound=Sealed)


def write_result(path: Path, result: Sealed) -> None:
    """Write `result` and its digest as JSON; a field that was not given is left out."""
    write_text(path, sealed_text(result))


def write_computed(path: Path, result: Result, circumstances: Circumstances) -> None:
    """Write `result` to `path` and the circumstances of its computation beside it.

    A process that is killed meanwhile leaves the older or the new result, without circumstances or with its own.
    """
    text, beside = sealed_text(result), circumstances_of(path)
    of_result = circumstances.model_copy(update={"result": json.loads(text)["digest"]})
    with replacing_all([path, beside]) as (own, other):
        own.write_text(text, encoding="utf-8")
        other.write_text(sealed_text(of_result), encoding="utf-8")
        beside.unlink(missing_ok=True)


def read_circumstances(path: Path, result: Result, remedy: str) -> Circumstances | None:
    """Return the circumstances of `result`, which was read from `path`; None where none lie beside it.

    `remedy` is the command that computes the result. Raises `UserError` for circumstances that are damaged or of
    another result.
    """
    beside = circumstances_of(path)
    if not beside.exists():
        return None
    found = read_result(Circumstances, beside, remedy=f"{remedy} --force", about={})
    if found.result != result.digest:
        raise UserError(f"{beside}: the circumstances of another result than {path} is now; delete it")
    return found


def drop_foreign_circumstances(path: Path) -> None:
    """Remove the circumstances beside the result file `path` unless they are whole and those of this result.

    They are of another one where the result was fetched, for instance from DVC's cache.
    """
    beside = circumstances_of(path)
    try:
        own = read_result(Circumstances, beside, remedy="", about={}).result == read_json(path)["digest"]
    except (UserError, TypeError, KeyError):  # the last two for a file that is no result
        own = False
    if not own:
        beside.unlink(missing_ok=True)


def sealed_text(result: Sealed) -> str:
    """Return the JSON of `result`: what it was made from comes after everything else, and the digest last."""
    given = result.model_dump(exclude_unset=True, exclude={"digest"})
    values = {key: given[key] for key in sorted(given, key=lambda key: key == "made_from")}
    return json.dumps(values | {"digest": digest_of(values)}, indent=2, allow_nan=False) + "\n"


def read_result(kind: type[R], path: Path, *, remedy: str, about: Mapping[str, object]) -> R:
    """Return the result of class `kind` in the file `path`, whose fields must have the values of `about`.

    `remedy` is the command that makes the file. Raises `UserError` that names the file, its first fault and `remedy`,
    also where a value differs from what was written.
    """
    content = read_content(path, remedy)
    try:
        result = kind.model_validate_json(content)
    except ValidationError as error:
        raise damaged(path, _fault(error), remedy) from None
    for key, expected in about.items():
        if (found := getattr(result, key)) != expected:
            raise damaged(path, f"{key} is {shown(found)}, which should be {shown(expected)}", remedy)
    if not result.digest:
        raise damaged(path, "has no digest", remedy)
    if result.digest != digest_of(json.loads(content)):
        raise damaged(path, "its digest is not that of its contents, so that a value was altered", remedy)
    return result


def digest_of(values: Mapping[str, Any]) -> str:
    """Return the SHA-256 of `values` as canonical JSON, without the top-level key `digest`."""
    kept = json.loads(json.dumps({key: value for key, value in values.items() if key != "digest"}))  # text as keys
    return hashlib.sha256(json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def file_digest(path: Path, remedy: str) -> str:
    """Return the SHA-256 of a file's bytes; raises `UserError` with `remedy` if it is missing or cannot be read."""
    return hashlib.sha256(read_content(path, remedy)).hexdigest()


def require_digest(path: Path, digest: str, *, named_by: Path, remedy: str) -> Path:
    """Return `path` if it has the SHA-256 `digest`, which the file `named_by` names.

    Raises `UserError` with the command `remedy` if the file is missing, damaged or another one.
    """
    require_result(path, remedy)
    try:
        found = sha256(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    if found != digest:
        raise damaged(path, f"not the file that {named_by} names", remedy)
    return path


def read_content(path: Path, remedy: str) -> bytes:
    """Return the bytes of a file; raises `UserError` with `remedy` if it is missing or cannot be read."""
    try:
        return require_result(path, remedy).read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def read_card(folder: DatasetFolder) -> Card:
    """Return the card of a prepared dataset; raises `UserError` where it is missing, damaged, or lacks a digest."""
    remedy = preparation(folder)
    card = read_result(Card, folder.card, remedy=remedy, about={})
    images = list(card.shards) or [folder.array.name]
    if missing := {folder.labels.name, folder.splits.name, *images} - card.files.keys():
        raise damaged(folder.card, f"has no digest of {', '.join(sorted(missing))}", remedy)
    return card


def preparation(folder: DatasetFolder) -> str:
    """Return what makes a prepared dataset again: the command, where the folder is that of a study in `params/`."""
    study = Path("params", folder.folder.parent.name).with_suffix(".yaml")
    if folder.card != StudyPaths(study.stem).dataset(folder.folder.name).card or not study.is_file():
        return "rerun the preparation"
    return StudyPaths(study.stem).command(folder.card)


def require_result(path: Path, remedy: str) -> Path:
    """Return `path` if it is a file; raises `UserError` with the command `remedy` that makes it otherwise."""
    if not path.is_file():
        raise missing(path, remedy)
    return path


def missing(path: Path, remedy: str) -> Missing:
    """Return the error that says that `path` is not there and which command makes it."""
    return Missing(f"{path}: missing; make it: {remedy}")


def damaged(path: Path, fault: str, remedy: str) -> UserError:
    """Return the error that says what is wrong with the contents of `path` and which command makes it again."""
    return UserError(f"{path}: damaged ({fault}); delete it and make it again: {remedy}")


def outdated(path: Path, params: Mapping[str, Any], todays: Mapping[str, Any], remedy: str) -> Iterator[Outdated]:
    """Yield the fault that `params`, which the file `path` was made with, are not those of today's study."""
    todays = json.loads(json.dumps(todays))  # lists for tuples, and texts for the keys of mappings
    if other := [key for key in {**params, **todays} if params.get(key) != todays.get(key)]:
        yield Outdated(f"{path}: the study has since changed {listed(other)}; delete it and make it again: {remedy}")


def _unreadable(path: Path, error: OSError) -> UserError:
    return UserError(f"{path}: cannot be read ({error.strerror}); fix access, then rerun")


def _fault(error: ValidationError) -> str:
    """Describe the first fault in one line: the dotted key, the value and what was expected."""
    first = error.errors(include_url=False)[0]
    key = ".".join(map(str, first["loc"])) or "the file"
    if first["type"] == "json_invalid":
        return "not valid JSON"
    if first["type"] == "missing":
        return f"has no {one_line(key)}"
    if first["type"] == "extra_forbidden":
        return f"has the unknown key {one_line(key)}"
    if first["type"] == "model_type":
        return f"{key} is a {type(first['input']).__name__}, which should be keys and values"
    found, separator = re.subn(r"^\w+ should", ", which should", first["msg"])
    return f"{one_line(key)} is {shown(first['input'])}{found if separator else ': ' + first['msg']}"
