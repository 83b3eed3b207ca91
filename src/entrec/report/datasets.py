"""The study's datasets: what they hold, and a strip of pictures of each."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entrec.artefacts import read_json
from entrec.errors import UserError
from entrec.params import Study
from entrec.report.records import present, remedy

PICTURES = 10
PARTS = ("train", "validation", "test")


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
    """Of every dataset of the study prepared under `data`, the folder `data/<study>`."""
    return [_sheet(study, name, data / name) for name in study.datasets]


def _sheet(study: Study, name: str, folder: Path) -> Sheet:
    import numpy as np  # the command line stays quick without it

    target = f"data/{study.name}/{name}/card.json"
    files = [present(study, folder / file, target) for file in ("card.json", "images.npy", "labels.npy", "parts.npy")]
    card: dict[str, Any] = read_json(files[0])
    try:
        images, labels, parts = (np.load(file, mmap_mode="r") for file in files[1:])
    except ValueError as error:
        raise UserError(f"{folder}: damaged ({error}); delete it and make it again: {remedy(study, target)}") from error
    transfer = study.evaluation.transfer.datasets
    roles = [role for role, used in (("pretraining", name == study.dataset), ("transfer", name in transfer)) if used]
    counts = {part: int((parts == code).sum()) for code, part in enumerate(PARTS)}
    chosen = _one_per_class(labels, parts)
    return Sheet(
        name=name,
        role=" and ".join(roles) or "not used",
        source=str(card.get("source") or study.datasets[name].source),
        licence=str(card.get("licence") or ""),
        size=int(images.shape[1]),
        classes=len(np.unique(labels)),
        counts=counts,
        picture=_strip(images[chosen]),
    )


def _one_per_class(labels: Any, parts: Any) -> Any:
    """Indices of training images, class after class in turn."""
    import numpy as np

    train = np.flatnonzero(np.asarray(parts) == 0)
    turn = np.zeros(len(train), dtype=np.int64)
    for label in np.unique(labels[train]):
        mine = labels[train] == label
        turn[mine] = np.arange(mine.sum())
    order = np.lexsort((labels[train], turn))  # first images of all classes, then second ones
    return train[order[:PICTURES]]


def _strip(images: Any) -> str:
    """Images `(n, h, w, c)` side by side with a gap of one pixel, as a PNG in a data address."""
    import numpy as np
    from PIL import Image

    n, h, w, c = images.shape
    strip = np.zeros((h, n * (w + 1) - 1, 4), dtype=np.uint8)  # the gaps are transparent
    for i, image in enumerate(images):
        left = i * (w + 1)
        strip[:, left : left + w, :3] = image if c == 3 else np.repeat(image, 3, axis=2)
        strip[:, left : left + w, 3] = 255
    buffer = io.BytesIO()
    Image.fromarray(strip, "RGBA").save(buffer, format="png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
