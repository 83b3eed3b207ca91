"""Describable Textures (Cimpoi et al. 2014): 47 kinds of textures, in the first of ten official divisions."""

from pathlib import Path

from entrec.data.stand_in import Amount, Picture, class_names, pictures, write_file
from entrec.data.torchvision_set import TorchvisionSet

DTD = TorchvisionSet(
    reader="DTD",
    splits={"train": "train", "validation": "val", "test": "test"},
    description="Photographs of 47 kinds of textures.",
    licence="not stated by the makers; for research",
    origin="Describable Textures (Cimpoi et al. 2014), split 1",
    advice="put dtd-r1.0.1.tar.gz, extracted, there: dtd/dtd/images and dtd/dtd/labels (Oxford's page on DTD)",
)
listing = DTD.listing


def stand_in(root: Path, amount: Amount) -> None:
    """Write images by class, and for each split of the first division a list of its images."""
    folder, names = root / "dtd" / "dtd", class_names(amount)

    def path_of(picture: Picture) -> str:
        name = names[picture.label]
        return f"{name}/{name}_{picture.number:04d}.jpg"

    for split, file in enumerate(("train", "val", "test")):
        listed = {path_of(picture): picture for picture in pictures(amount, split=split)}
        for path, picture in listed.items():
            write_file(folder / "images" / path, picture.jpeg())
        write_file(folder / "labels" / f"{file}1.txt", "".join(f"{path}\n" for path in listed))
