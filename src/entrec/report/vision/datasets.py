"""The study's datasets: what they hold, and a strip of pictures of each."""

import base64
import io
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image

from entrec.data.prepared import Prepared, open_as
from entrec.data.views import centre
from entrec.paths import DatasetFolder, StudyPaths
from entrec.pipeline.recording import command
from entrec.results import Card, require_result
from entrec.study import Study

PICTURES = 10
LARGEST = 96  # pixels; ten whole photographs of each of eleven sets would make a page of 14 MB


@dataclass(frozen=True)
class Sheet:
    """One dataset on the page: what it is used for, its card, and a strip of pictures, a PNG as a data address."""

    role: str
    card: Card
    picture: str


def sheets(study: Study, data: Path) -> list[Sheet]:
    """Return a sheet for every dataset of the study, as prepared in `data`, the folder `data/<study>`.

    Raises `UserError` for a missing or altered file and for a dataset that is not the study's.
    """
    return [_sheet(study, name, data / name) for name in study.datasets]


def _sheet(study: Study, name: str, folder: Path) -> Sheet:
    require_result(DatasetFolder(folder).card, command(study, StudyPaths(study.name).dataset(name).card))
    prepared = open_as(folder, name, study.datasets[name])
    transfer = study.evaluation.transfer.datasets
    roles = [role for role, used in (("pretraining", name == study.dataset), ("transfer", name in transfer)) if used]
    picture = _strip(_squares(prepared, _one_per_class(prepared)))
    return Sheet(" and ".join(roles) or "not used", prepared.card, picture)


def _squares(prepared: Prepared, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the images as evaluation cuts them, before any change of colour space: (n, s, s, c), with small s."""
    pixels = centre(prepared.images.read(rows), min(prepared.size, LARGEST), torch.device("cpu"))
    return (255 * pixels).round().byte().permute(0, 2, 3, 1).numpy()


def _one_per_class(prepared: Prepared) -> NDArray[np.int64]:
    """Return indices of training images, one of each class in turn."""
    train = prepared.indices("train")
    labels = pd.Series(prepared.labels[train])
    turn = labels.groupby(labels).cumcount()
    order = np.lexsort((labels, turn))  # first images of all classes, then second ones
    return train[order[:PICTURES]]


def _strip(images: NDArray[np.uint8]) -> str:
    """Return images `(n, h, w, c)` side by side with gaps of one pixel, as a PNG in a data address."""
    opaque = np.insert(np.broadcast_to(images, (*images.shape[:3], 3)), 3, 255, axis=3)
    spaced = np.pad(opaque, [(0, 0), (0, 0), (0, 1), (0, 0)])  # the gaps are transparent
    strip = np.hstack(list(spaced))[:, :-1]  # (h, n (w + 1) - 1, 4)
    buffer = io.BytesIO()
    # Pillow's zlib searches for repetitions with other instructions on other processors, and may find others; without
    # this search the page has the same bytes everywhere, and photographs take 8 % more
    Image.fromarray(strip, "RGBA").save(buffer, format="png", compress_type=zlib.Z_HUFFMAN_ONLY)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
