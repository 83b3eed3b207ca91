"""The figures that the paper and other libraries print, from `published.yaml`, beside the studies named there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from entrec.methods.registry import METHODS
from entrec.study import Study
from entrec.yaml_reader import read_yaml

PUBLISHED = read_yaml(Path(__file__).with_name("published.yaml"))
PAPERS_METHODS = tuple(PUBLISHED["table_1"])  # these alone decide the paper's claims


def published_rows(study: Study, table: str) -> Iterator[dict[str, Any]]:
    """Yield what others print beside our own rows of `table`: accuracies in percent, differences (`delta`) in points.

    The `source` is `paper`, or the name of a library.
    """
    if table in ("table_1", "table_2") and study.name in [*PUBLISHED["studies"], *PUBLISHED["compare"]]:
        yield from _of_paper(table)
    if table == "table_knn":
        yield from _of_libraries(study)


def _of_paper(table: str) -> Iterator[dict[str, Any]]:
    """Yield first the accuracies of the paper's headline setting, then the differences of each column of its table."""
    swept, headline = "batch_size" if table == "table_1" else "epochs", PUBLISHED["headline"]
    methods: dict[str, dict[int, float]] = PUBLISHED[table]
    for column in next(iter(methods.values())):
        quantity = "value" if column == headline[swept] else "delta"
        for method, row in methods.items():
            names = {"method": method, "title": METHODS[method].title, "dataset": "ImageNet", "metric": "linear_top1"}
            yield {**names, **headline, swept: column, quantity: row[column], "source": "paper"}


def _of_libraries(study: Study) -> Iterator[dict[str, Any]]:
    """Yield what libraries print of the study's methods on its network and images."""
    for library in PUBLISHED["libraries"]:
        if study.name in library["studies"]:
            names = {key: library[key] for key in ("dataset", "metric", "epochs")} | {"source": library["label"]}
            for method, value in library["accuracy"].items():
                if method in study.methods:
                    yield {"method": method, "title": METHODS[method].title, "value": value, **names}
