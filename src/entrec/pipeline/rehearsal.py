"""A rehearsal of a study: the study with a few numbers made smaller, on stand-ins for its datasets."""

import json
from pathlib import Path
from typing import Any

from entrec.artefacts import write_text
from entrec.data.source import function_of
from entrec.data.stand_in import Amount, write_stand_in
from entrec.errors import UserError
from entrec.sources import SOURCES
from entrec.study import load_study
from entrec.yaml_reader import read_yaml

SMALLER = Path("workflow/rehearsal.yaml")


def rehearse(study_file: Path, folder: Path) -> Path:
    """Write stand-ins for the datasets of `study_file` to `folder`/raw, and to `folder` the study that reads them.

    Returns the file of that study. Raises `UserError` where a dataset has no stand-in, and where the smaller study is
    not a valid one.
    """
    for name, dataset in load_study(study_file).datasets.items():
        if function_of(dataset.source, "stand_in") is None:
            having = ", ".join(source for source in SOURCES if function_of(source, "stand_in"))
            raise UserError(
                f"{study_file}: datasets.{name}: {dataset.source!r} has no stand-in; sources that have: {having}"
            )
    smaller = read_yaml(SMALLER)
    study, amounts = merged(read_yaml(study_file), smaller["study"]), smaller["stand_ins"]
    for name, values in study["datasets"].items():
        raw = folder / "raw" / name
        write_stand_in(values["source"], raw, Amount(**amounts["each"] | amounts.get(name, {})))
        values["path"] = str(raw)
    path = folder / f"{folder.name}.yaml"
    write_text(path, json.dumps(study, indent=2) + "\n")  # JSON is also YAML
    load_study(path)
    return path


def merged(whole: dict[str, Any], changes: dict[str, Any], *, place: str = "") -> dict[str, Any]:
    """Return `whole` with the values of `changes`, merged mapping by mapping.

    Raises `UserError` for a key that `whole` lacks; `place` stands before the key in the message.
    """
    for key in changes:
        if key not in whole:
            raise UserError(
                f"{SMALLER}: {place}{key}: not a key of the rehearsed study; this file fits params/paper.yaml"
            )
    both = {
        key: merged(whole[key], value, place=f"{place}{key}.") if isinstance(value, dict) else value
        for key, value in changes.items()
    }
    return whole | both
