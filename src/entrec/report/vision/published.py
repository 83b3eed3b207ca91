"""The figures that the paper and other libraries print, from `published.yaml`; shown beside the studies named there."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from entrec.study import Study
from entrec.yaml_reader import read_yaml


@dataclass(frozen=True)
class Published:
    """One published table: `main` is the column of accuracies (percent), `deltas` are differences to it (points)."""

    main: tuple[int, int]
    accuracy: dict[str, float]
    deltas: dict[int, dict[str, float]]


def published(study: Study, table: str) -> Published | None:
    """The paper's version of `table`, if it has one and the study may be compared with it."""
    raw = _raw()
    if table not in ("table_1", "table_2") or study.name not in [*raw["studies"], *raw["compare"]]:
        return None
    batch_size, epochs = raw["main"]["batch_size"], raw["main"]["epochs"]
    first = batch_size if table == "table_1" else epochs
    rows: dict[str, dict[int, float]] = raw[table]
    swept = [column for column in next(iter(rows.values())) if column != first]
    return Published(
        main=(batch_size, epochs),
        accuracy={method: row[first] for method, row in rows.items()},
        deltas={column: {method: row[column] for method, row in rows.items()} for column in swept},
    )


@dataclass(frozen=True)
class Peer:
    """Accuracies in percent by method that the library `label` prints: `metric` after `epochs` on `dataset`."""

    label: str
    metric: str
    dataset: str
    epochs: int
    accuracy: dict[str, float]


def peers(study: Study) -> list[Peer]:
    """What other libraries print of a study's methods on its network and images."""
    found = []
    for entry in _raw()["peers"]:
        fields = dict(entry)
        if study.name in fields.pop("studies"):
            own = {method: value for method, value in fields.pop("accuracy").items() if method in study.methods}
            found.append(Peer(**fields, accuracy=own))
    return found


def of_paper_scale(study: Study) -> bool:
    """Whether the paper's claims about ImageNet can be judged by this study."""
    return study.name in _raw()["studies"]


def noise_floor() -> float:
    """The difference in points that the paper's own single runs do not resolve."""
    return float(_raw()["noise"])


@lru_cache
def _raw() -> dict[str, Any]:
    return read_yaml(Path(__file__).with_name("published.yaml"))
