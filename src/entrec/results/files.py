"""Writing and reading of result files."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from entrec.artefacts import write_json
from entrec.errors import UserError
from entrec.paths import DatasetFolder, StudyPaths
from entrec.results.cards import Card
from entrec.results.model import Result, Section

R = TypeVar("R", bound=Section)


def write_result(path: Path, result: Result) -> None:
    """Write `result` as JSON; a field that was not given is left out."""
    values = result.model_dump(exclude_unset=True)
    provenance = values.pop("provenance")
    write_json(path, values | {"provenance": provenance})


def read_result(kind: type[R], path: Path, *, remedy: str, about: Mapping[str, object]) -> R:
    """Return the result of class `kind` in the file `path`, whose fields must have the values of `about`.

    `remedy` is the command that makes the file. Raises `UserError` that names the file, its first fault and `remedy`.
    """
    require_result(path, remedy)
    try:
        result = kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise damaged(path, _fault(error), remedy) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); fix access, then rerun") from error
    for key, expected in about.items():
        if (found := getattr(result, key)) != expected:
            raise damaged(path, f"{key} is {found!r}, which should be {expected!r}", remedy)
    return result


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
    return f"snakemake {folder.card} --configfile {study}"


def require_result(path: Path, remedy: str) -> Path:
    """Return `path` if it is a file; raises `UserError` with the command `remedy` that makes it otherwise."""
    if not path.is_file():
        raise UserError(f"{path}: missing; make it: {remedy}")
    return path


def damaged(path: Path, fault: str, remedy: str) -> UserError:
    """Return the error that says what is wrong with the contents of `path` and which command makes it again."""
    return UserError(f"{path}: damaged ({fault}); delete it and make it again: {remedy}")


def _fault(error: ValidationError) -> str:
    """Describe the first fault in one line: the dotted key, the value and what was expected."""
    first = error.errors(include_url=False)[0]
    key = ".".join(map(str, first["loc"])) or "the file"
    if first["type"] == "json_invalid":
        return "not valid JSON"
    if first["type"] == "missing":
        return f"has no {key}"
    if first["type"] == "extra_forbidden":
        return f"has the unknown key {key}"
    if first["type"] == "model_type":
        return f"{key} is a {type(first['input']).__name__}, which should be keys and values"
    found, separator = re.subn(r"^\w+ should", ", which should", first["msg"])
    return f"{key} is {first['input']!r}{found if separator else ': ' + first['msg']}"
