"""The customary transfer sets beside CIFAR, in their official splits, listed by torchvision's readers.

| set | train, validation, test |
|---|---|
| Food-101, Stanford Cars, Oxford-IIIT Pets | official; a share of the training part validates |
| FGVC Aircraft (by variant), DTD (split 1), Oxford Flowers-102 | official |
| SUN397 | first official partition; a share of its training part validates |
| Caltech-101 | no official split: 30 images of each class train, drawn by our hash, and the rest tests |

Caltech-101 goes without its background class, as torchvision has it; protocols of that kind differ in the draw.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from entrec.data.folder import file_entry
from entrec.data.source import Listing
from entrec.data.splits import shuffled
from entrec.data.stand_in import origin_of
from entrec.data.torchvision_set import fetched
from entrec.errors import UserError
from entrec.settings import Dataset

CALTECH_TRAIN = 30  # images of each class (Fei-Fei, Fergus & Perona 2004 onwards)


@dataclass(frozen=True)
class Official:
    """A set: torchvision's name for it, and for its parts if it has them; what a card and a message say of it."""

    reader: str
    parts: dict[str, str]
    description: str
    licence: str
    origin: str
    advice: str


TWO = {"train": "train", "test": "test"}
THREE = {"train": "train", "validation": "val", "test": "test"}
SETS = {
    "food101": Official(
        "Food101", TWO, "Photographs of 101 dishes.", "not stated by the makers; for research",
        "Food-101 (Bossard, Guillaumin & Van Gool 2014)",
        "put food-101.tar.gz, extracted, there: food-101/images and food-101/meta (ETH Zurich's page 'Food-101')",
    ),
    "sun397": Official(
        "SUN397", {}, "Photographs of 397 kinds of places.", "not stated by the makers; for research",
        "SUN397 (Xiao et al. 2010), partition 1",
        "put SUN397.tar.gz, extracted, there: SUN397/ClassName.txt and SUN397/a to z (the page 'SUN Database')",
    ),
    "stanford_cars": Official(
        "StanfordCars", TWO, "Photographs of 196 models of cars.", "not stated by the makers; for research",
        "Stanford Cars (Krause et al. 2013)",
        "its makers' page is gone: put stanford_cars/cars_train, stanford_cars/cars_test, stanford_cars/devkit"
        " (with cars_meta.mat and cars_train_annos.mat) and stanford_cars/cars_test_annos_withlabels.mat there",
    ),
    "fgvc_aircraft": Official(
        "FGVCAircraft", THREE, "Photographs of 100 variants of aircraft.", "non-commercial research",
        "FGVC Aircraft (Maji et al., arXiv:1306.5151)",
        "put fgvc-aircraft-2013b.tar.gz, extracted, there: fgvc-aircraft-2013b/data (Oxford's page 'FGVC-Aircraft')",
    ),
    "dtd": Official(
        "DTD", THREE, "Photographs of 47 kinds of textures.", "not stated by the makers; for research",
        "Describable Textures (Cimpoi et al. 2014), split 1",
        "put dtd-r1.0.1.tar.gz, extracted, there: dtd/dtd/images and dtd/dtd/labels (Oxford's page on DTD)",
    ),
    "oxford_pets": Official(
        "OxfordIIITPet", {"train": "trainval", "test": "test"}, "Photographs of 37 breeds of cats and dogs.",
        "CC BY-SA 4.0", "Oxford-IIIT Pets (Parkhi et al. 2012)",
        "put images.tar.gz and annotations.tar.gz, extracted, there: oxford-iiit-pet/images and"
        " oxford-iiit-pet/annotations (Oxford's page 'The Oxford-IIIT Pet Dataset')",
    ),
    "caltech101": Official(
        "Caltech101", {}, "Photographs of 101 kinds of things.", "CC BY 4.0",
        "Caltech-101 (Fei-Fei, Fergus & Perona 2004)",
        "put caltech-101.zip, extracted, there: caltech101/101_ObjectCategories (CaltechDATA, 'Caltech 101')",
    ),
    "flowers102": Official(
        "Flowers102", THREE, "Photographs of 102 kinds of flowers.", "not stated by the makers; for research",
        "Oxford Flowers-102 (Nilsback & Zisserman 2008)",
        "put 102flowers.tgz, extracted, there: flowers-102/jpg, beside flowers-102/imagelabels.mat and"
        " flowers-102/setid.mat (Oxford's page '102 Category Flower Dataset')",
    ),
}  # fmt: skip


def listing(spec: Dataset) -> Listing:
    """The images below `spec.path`, or fetched into it, in the order of the official lists."""
    special: dict[str, Callable[[Path], Listing]] = {"sun397": _sun397, "caltech101": _caltech101}
    root = Path(spec.path or "")
    return special[spec.source](root) if spec.source in special else _official(spec.source, root)


def _official(name: str, root: Path) -> Listing:
    """A set with a list of its own for every part."""
    kind = SETS[name]
    read = {part: fetched(kind.reader, root, kind.advice, split=split) for part, split in kind.parts.items()}
    classes = list(read["train"].classes)
    for part, found in read.items():
        if list(found.classes) != classes:
            raise UserError(
                f"{root}: {kind.reader}'s {part} part has other classes than its training part; {kind.advice}"
            )
    files = {part: _files(found) for part, found in read.items()}
    parts = np.repeat(list(files), [len(listed) for listed in files.values()])
    return _listing(
        name, root, [pair for listed in files.values() for pair in listed], classes,
        official_validation=parts == "validation" if "validation" in files else None,
        official_test=parts == "test",
    )  # fmt: skip


def _files(dataset: Any) -> list[tuple[str, int]]:
    """Path and label of every image of one of torchvision's datasets, which call their lists by different names."""
    if hasattr(dataset, "_samples"):
        return [(path, int(label)) for path, label in dataset._samples]
    paths = dataset._images if hasattr(dataset, "_images") else dataset._image_files
    return [(str(path), int(label)) for path, label in zip(paths, dataset._labels, strict=True)]


def _sun397(root: Path) -> Listing:
    kind = SETS["sun397"]
    classes = list(fetched(kind.reader, root, kind.advice).classes)
    number = {name: label for label, name in enumerate(classes)}
    labelled, tested = [], []
    for file, test in (("Training_01.txt", False), ("Testing_01.txt", True)):
        for line in _lines(root / "Partitions" / file):
            words = line.split("/")[2:-1]  # /a/airport_terminal/sun_aadn.jpg; some classes have two words
            if (name := "/".join(words)) not in number:
                raise UserError(f"{root / 'Partitions' / file}: {line[:80]!r} is of no class in SUN397/ClassName.txt")
            labelled.append((str(root / "SUN397") + line, number[name]))
            tested.append(test)
    return _listing("sun397", root, labelled, classes, official_test=np.array(tested))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").split()
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); put Training_01.txt and Testing_01.txt"
            " of Partitions.zip into its folder (the page 'SUN Database', section SUN397)"
        ) from error


def _caltech101(root: Path) -> Listing:
    kind = SETS["caltech101"]
    read = fetched(kind.reader, root, kind.advice)
    folder = root / "caltech101" / "101_ObjectCategories"
    labels = np.array(read.y)
    files = [str(folder / read.categories[y] / f"image_{i:04d}.jpg") for y, i in zip(read.y, read.index, strict=True)]
    tested = np.ones(len(files), dtype=bool)
    for label in range(len(read.categories)):
        tested[shuffled(np.flatnonzero(labels == label), label)[:CALTECH_TRAIN]] = False
    return _listing(
        "caltech101", root, list(zip(files, read.y, strict=True)), list(read.categories), official_test=tested
    )


def _listing(name: str, root: Path, labelled: list[tuple[str, int]], classes: list[str], **parts: Any) -> Listing:
    kind = SETS[name]
    return Listing(
        images=[file_entry(path) for path, _ in labelled],
        labels=np.array([label for _, label in labelled], dtype=np.int64),
        classes=classes,
        description=kind.description,
        licence=kind.licence,
        origin=origin_of(root, kind.origin),
        **parts,
    )
