"""Food-101 (Bossard, Guillaumin & Van Gool 2014): 101 dishes, with official training and test splits."""

import json
from pathlib import Path

from entrec.data.stand_in import Amount, class_names, pictures, write_file
from entrec.data.torchvision_set import TorchvisionSet

FOOD101 = TorchvisionSet(
    reader="Food101",
    splits={"train": "train", "test": "test"},
    description="Photographs of 101 dishes.",
    licence="not stated by the makers; for research",
    origin="Food-101 (Bossard, Guillaumin & Van Gool 2014)",
    advice="put food-101.tar.gz, extracted, there: food-101/images and food-101/meta (ETH Zurich's page 'Food-101')",
)
listing = FOOD101.listing


def stand_in(root: Path, amount: Amount) -> None:
    """Write images by class, and a list of the images of each split."""
    names = class_names(amount)
    for split, file in enumerate(("train", "test")):
        listed: dict[str, list[str]] = {name: [] for name in names}
        for picture in pictures(amount, split=split):
            name = names[picture.label]
            listed[name].append(f"{name}/{picture.number}")
            write_file(root / "food-101" / "images" / name / f"{picture.number}.jpg", picture.jpeg())
        write_file(root / "food-101" / "meta" / f"{file}.json", json.dumps(listed, indent=2) + "\n")
