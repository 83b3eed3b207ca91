"""Oxford Flowers-102 (Nilsback & Zisserman 2008): 102 kinds of flowers, with three official splits."""

from pathlib import Path
from typing import Any

import numpy as np

from entrec.data.stand_in import Amount, mat_file, pictures, write_file
from entrec.data.torchvision_set import TorchvisionSet

CLASSES = 102  # the number is written into torchvision's reader


def _digests(reader: Any, md5: dict[str, str]) -> dict[str, Any]:
    return {"_file_dict": {key: (file, md5.get(file, own)) for key, (file, own) in reader._file_dict.items()}}


FLOWERS102 = TorchvisionSet(
    reader="Flowers102",
    splits={"train": "train", "validation": "val", "test": "test"},
    description="Photographs of 102 kinds of flowers.",
    licence="not stated by the makers; for research",
    origin="Oxford Flowers-102 (Nilsback & Zisserman 2008)",
    advice="put 102flowers.tgz, extracted, there: flowers-102/jpg, beside flowers-102/imagelabels.mat and"
    " flowers-102/setid.mat (Oxford's page '102 Category Flower Dataset')",
    digests=_digests,
)
listing = FLOWERS102.listing


def stand_in(root: Path, amount: Amount) -> list[Path]:
    """Write images in one folder, their classes and their splits, always of 102 classes.

    Returns the files whose digests torchvision compares.
    """
    folder = root / "flowers-102"
    by_split = [list(pictures(amount._replace(classes=CLASSES), split=split)) for split in range(3)]
    shown = [picture for split in by_split for picture in split]
    for i, picture in enumerate(shown, start=1):
        write_file(folder / "jpg" / f"image_{i:05d}.jpg", picture.jpeg())
    ends = np.cumsum([len(split) for split in by_split])[:-1]
    numbers = dict(zip(("trnid", "valid", "tstid"), np.split(np.arange(1, len(shown) + 1), ends), strict=True))
    write_file(folder / "imagelabels.mat", mat_file(labels=np.array([picture.label + 1 for picture in shown])))
    write_file(folder / "setid.mat", mat_file(**numbers))
    return [folder / "imagelabels.mat", folder / "setid.mat"]
