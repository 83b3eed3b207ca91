"""Stanford Cars (Krause et al. 2013): 196 models of cars, with official training and test splits."""

from pathlib import Path

import numpy as np

from entrec.data.stand_in import Amount, class_names, mat_file, pictures, write_file
from entrec.data.torchvision_set import TorchvisionSet

STANFORD_CARS = TorchvisionSet(
    reader="StanfordCars",
    splits={"train": "train", "test": "test"},
    description="Photographs of 196 models of cars.",
    licence="not stated by the makers; for research",
    origin="Stanford Cars (Krause et al. 2013)",
    advice="its makers' page is gone: put stanford_cars/cars_train, stanford_cars/cars_test, stanford_cars/devkit"
    " (with cars_meta.mat and cars_train_annos.mat) and stanford_cars/cars_test_annos_withlabels.mat there",
)
listing = STANFORD_CARS.listing


def stand_in(root: Path, amount: Amount) -> None:
    """Write images by split, and the MATLAB files that say which class each image is of."""
    folder = root / "stanford_cars"
    names = np.array([f"{name.title()} Sedan 2012" for name in class_names(amount)], dtype=object)
    lists = {"cars_train": "devkit/cars_train_annos.mat", "cars_test": "cars_test_annos_withlabels.mat"}
    write_file(folder / "devkit" / "cars_meta.mat", mat_file(class_names=names))
    for split, (images, file) in enumerate(lists.items()):
        listed = {f"{i:05d}.jpg": picture for i, picture in enumerate(pictures(amount, split=split), start=1)}
        for image, picture in listed.items():
            write_file(folder / images / image, picture.jpeg())
        annotations = [(image, picture.label + 1) for image, picture in listed.items()]
        fields = [("fname", object), ("class", object)]
        write_file(folder / file, mat_file(annotations=np.array(annotations, dtype=fields)))
