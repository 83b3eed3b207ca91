"""The study's datasets: what they hold, and a strip of pictures of each."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from entrec.data.prepared import Prepared, open_as
from entrec.data.views import centre
from entrec.report.records import present
from entrec.study import Study

PICTURES = 10
LARGEST = 96  # pixels: ten photographs of each of eleven sets would make a page of 14 MB


@dataclass(frozen=True)
class Sheet:
    """One dataset on the page; `picture` is a PNG as a data address, `counts` are images per part."""

    name: str
    role: str
    source: str
    licence: str
    size: int
    classes: int
    counts: dict[str, int]
    picture: str


def sheets(study: Study, data: Path) -> list[Sheet]:
    """Of every dataset of the study prepared under `data`, the folder `data/<study>`.

    Raises `UserError` for a missing or altered file and for a dataset that is not the study's.
    """
    return [_sheet(study, name, data / name) for name in study.datasets]


def _sheet(study: Study, name: str, folder: Path) -> Sheet:
    present(study, folder / "card.json", f"data/{study.name}/{name}/card.json")
    spec = study.datasets[name]
    prepared = open_as(folder, name, spec)
    transfer = study.evaluation.transfer.datasets
    roles = [role for role, used in (("pretraining", name == study.dataset), ("transfer", name in transfer)) if used]
    return Sheet(
        name=name,
        role=" and ".join(roles) or "not used",
        source=spec.source,
        licence=prepared.card.licence,
        size=spec.size,
        classes=len(prepared.classes),
        counts=prepared.card.counts.model_dump(),
        picture=_strip(_squares(prepared, _one_per_class(prepared))),
    )


def _squares(prepared: Prepared, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """What evaluation shows networks of these images, before any change of colour space: (n, s, s, c), s small."""
    pixels = centre(prepared.images.read(rows), min(prepared.size, LARGEST), torch.device("cpu"))
    return (255 * pixels).round().byte().permute(0, 2, 3, 1).numpy()


def _one_per_class(prepared: Prepared) -> NDArray[np.int64]:
    """Indices of training images, class after class in turn."""
    train = prepared.indices("train")
    labels = prepared.labels[train]
    turn = np.zeros(len(train), dtype=np.int64)
    for label in np.unique(labels):
        mine = labels == label
        turn[mine] = np.arange(mine.sum())
    order = np.lexsort((labels, turn))  # first images of all classes, then second ones
    return train[order[:PICTURES]]


def _strip(images: NDArray[np.uint8]) -> str:
    """Images `(n, h, w, c)` side by side with a gap of one pixel, as a PNG in a data address."""
    n, h, w, c = images.shape
    strip = np.zeros((h, n * (w + 1) - 1, 4), dtype=np.uint8)  # the gaps are transparent
    for i, image in enumerate(images):
        left = i * (w + 1)
        strip[:, left : left + w, :3] = image if c == 3 else np.repeat(image, 3, axis=2)
        strip[:, left : left + w, 3] = 255
    buffer = io.BytesIO()
    Image.fromarray(strip, "RGBA").save(buffer, format="png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
