"""SUN397 (Xiao et al. 2010): 397 kinds of places, in the first of ten official divisions into training and test."""

from pathlib import Path

import numpy as np

from entrec.data.source import Listing
from entrec.data.stand_in import Amount, class_names, pictures, write_file
from entrec.data.torchvision_set import TorchvisionSet
from entrec.errors import UserError
from entrec.settings import Dataset

SUN397 = TorchvisionSet(
    reader="SUN397",
    description="Photographs of 397 kinds of places.",
    licence="not stated by the makers; for research",
    origin="SUN397 (Xiao et al. 2010), partition 1",
    advice="put SUN397.tar.gz, extracted, there: SUN397/ClassName.txt and SUN397/a to z (the page 'SUN Database')",
)
TRAINING, TESTING = "Training_01.txt", "Testing_01.txt"


def listing(spec: Dataset) -> Listing:
    """List the images of the first division in its order; torchvision's reader knows no division."""
    root = Path(spec.path or "")
    classes = list(SUN397.read(root).classes)
    number = {name: label for label, name in enumerate(classes)}
    labelled, tested = [], []
    for file in (TRAINING, TESTING):
        for line in _lines(root / "Partitions" / file):
            words = line.split("/")[2:-1]  # /a/airport_terminal/sun_aadn.jpg; some classes have two words
            if (name := "/".join(words)) not in number:
                raise UserError(f"{root / 'Partitions' / file}: {line[:80]!r} is of no class in SUN397/ClassName.txt")
            labelled.append((str(root / "SUN397") + line, number[name]))
            tested.append(file == TESTING)
    return SUN397.listed(root, labelled, classes, official_test=np.array(tested))


def stand_in(root: Path, amount: Amount) -> None:
    """Write images by first letter and class, some classes of two words, and the lists of the first division."""
    names = [f"/{name[0]}/{name}{'/outdoor' if label % 2 else ''}" for label, name in enumerate(class_names(amount))]
    write_file(root / "SUN397" / "ClassName.txt", "".join(f"{name}\n" for name in names))
    for split, file in enumerate((TRAINING, TESTING)):
        listed = {f"{names[p.label]}/sun_{p.number:04d}.jpg": p for p in pictures(amount, split=split)}
        for path, picture in listed.items():
            write_file(root / f"SUN397{path}", picture.jpeg())
        write_file(root / "Partitions" / file, "".join(f"{path}\n" for path in listed))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").split()
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); put {TRAINING} and {TESTING}"
            " of Partitions.zip into its folder (the page 'SUN Database', section SUN397)"
        ) from error
