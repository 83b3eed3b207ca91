"""Where every number comes from: a frame with one row per result file, and the environments that made the files."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from entrec.artefacts import write_text
from entrec.report.mean_sd import NOTHING
from entrec.report.table import Head, Table
from entrec.results import Circumstances, Result

SHORT = 8  # digits of a digest that the page shows; the CSV has all of them
ENVIRONMENT = ["commit", "dirty", "code", "cpu", "arithmetic", "gpu", "device", "threads", "machine", "versions"]
COST = ["started", "seconds", "peak_memory_mb"]
UNRECORDED = "not recorded here"  # what the report says of a result without circumstances, such as a fetched one
UNKNOWN = "unknown"  # what the report says where git could not be asked
DIRTY = {True: "True", False: "False", None: UNKNOWN}
TEXTS = ["checksum", "commit", "dirty", "code", "other_code"]  # columns whose values may look like something else


def provenance_row(
    names: Mapping[str, object],
    result: Result,
    made: Circumstances | None,
    facts: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Return what is known of a result file: what it was made from, and its circumstances where they lie beside it.

    `names` say which file it is, and `facts` what else is shown.
    """
    data = result.made_from.dataset
    identity = {"dataset": data.name, "checksum": data.checksum} if data else {}
    return {**names, **identity, "seed": result.made_from.seed, **(_row_of(made) if made else {}), **(facts or {})}


def _row_of(made: Circumstances) -> dict[str, object]:
    versions = ", ".join(f"{name} {version}" for name, version in made.versions.items())
    return {
        **{key: getattr(made, key) for key in COST},
        "commit": made.commit or UNKNOWN,
        "dirty": DIRTY[made.dirty],
        "code": made.code,
        **made.hardware.model_dump(),
        "versions": versions,
    }


def provenance_frame(rows: Iterable[Mapping[str, object]], *, fingerprint: str) -> pd.DataFrame:
    """Return the rows as a frame; `other_code` is `true` where the code was not today's, which is `fingerprint`.

    What was not recorded is empty.
    """
    found = pd.DataFrame(list(rows), dtype=object)  # numbers stay as the files have them, beside empty cells
    found = found.reindex(columns=list(dict.fromkeys([*found, *COST, *ENVIRONMENT])))
    other = (found["code"] != fingerprint) & found["code"].notna()
    return found.assign(other_code=other.map({True: "true", False: "false"}))


def write_provenance(found: pd.DataFrame, path: Path) -> None:
    """Write one line per result file, with everything that was recorded about its making."""
    write_text(path, found.to_csv(index=False, lineterminator="\n"))


def read_provenance(path: Path) -> pd.DataFrame:
    """Return the frame that `write_provenance` left in `path`."""
    return pd.read_csv(path, dtype=dict.fromkeys(TEXTS, str))


def environments(found: pd.DataFrame) -> Table:
    """Return one row per environment, with its letter and the number of files that it made."""
    letters = _letters(found)
    groups = found.groupby(letters, sort=False)
    return Table.of_rows("Environments", [_environment(str(letter), files) for letter, files in groups])


def made_in(found: pd.DataFrame) -> pd.Series:
    """Return the letter of each file's environment, with † where its code is not today's."""
    return _letters(found) + (found["other_code"] == "true").map({True: "†", False: ""})


def measured(value: float, *, decimals: int = 1) -> str:
    """Return a measurement with so many decimals, or a dash where it was not recorded."""
    return NOTHING if pd.isna(value) else f"{value:.{decimals}f}"


def _letters(found: pd.DataFrame) -> pd.Series:
    """Return a letter for each file; environments are lettered in order of appearance."""
    return found.groupby(ENVIRONMENT, sort=False, dropna=False).ngroup().map(_letter)


def _letter(place: int) -> str:
    return chr(ord("A") + place) if place < 26 else f"Z{place - 25}"


def _environment(letter: str, files: pd.DataFrame) -> dict[Head, str]:
    first = files.iloc[0]
    if pd.isna(first["code"]):
        unknown: dict[Head, str] = dict.fromkeys(("code", "device", "processor", "threads", "versions"), NOTHING)
        return {"": letter, "commit": UNRECORDED, **unknown, "files": str(len(files))}
    state = " (another version †)" if first["other_code"] == "true" else " (this version)"
    return {
        "": letter,
        "commit": first["commit"][:SHORT] + (" with uncommitted changes" if first["dirty"] == DIRTY[True] else ""),
        "code": first["code"][:SHORT] + state,
        "device": first["device"] if pd.isna(first["gpu"]) else first["gpu"],
        "processor": f"{first['cpu']} ({first['machine']}), {first['arithmetic']} arithmetic",
        "threads": str(first["threads"]),
        "versions": first["versions"],
        "files": str(len(files)),
    }
