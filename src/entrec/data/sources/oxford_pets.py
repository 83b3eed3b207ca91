"""Oxford-IIIT Pets (Parkhi et al. 2012): 37 breeds of cats and dogs, with official training and test splits."""

from pathlib import Path

from entrec.data.stand_in import Amount, class_names, pictures, write_file
from entrec.data.torchvision_set import TorchvisionSet

OXFORD_PETS = TorchvisionSet(
    reader="OxfordIIITPet",
    splits={"train": "trainval", "test": "test"},
    description="Photographs of 37 breeds of cats and dogs.",
    licence="CC BY-SA 4.0",
    origin="Oxford-IIIT Pets (Parkhi et al. 2012)",
    advice="put images.tar.gz and annotations.tar.gz, extracted, there: oxford-iiit-pet/images and"
    " oxford-iiit-pet/annotations (Oxford's page 'The Oxford-IIIT Pet Dataset')",
)
listing = OXFORD_PETS.listing


def stand_in(root: Path, amount: Amount) -> None:
    """Write images in one folder, named by breed, and for each split a list of them.

    A line of a list holds the image's name, its class, its species, and the number of its breed within the species.
    """
    folder, names = root / "oxford-iiit-pet", class_names(amount)
    for split, file in enumerate(("trainval", "test")):
        lines = []
        for picture in pictures(amount, split=split):
            label, image = picture.label, f"{names[picture.label]}_{picture.number}"
            write_file(folder / "images" / f"{image}.jpg", picture.jpeg())
            lines.append(f"{image} {label + 1} {1 + label % 2} {1 + label // 2}\n")
        write_file(folder / "annotations" / f"{file}.txt", "".join(lines))
