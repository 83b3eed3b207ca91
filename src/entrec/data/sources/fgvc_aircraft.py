"""FGVC Aircraft (Maji et al., arXiv:1306.5151): 100 variants of aircraft, with three official splits."""

from pathlib import Path

from entrec.data.stand_in import Amount, class_names, pictures, write_file
from entrec.data.torchvision_set import TorchvisionSet

FGVC_AIRCRAFT = TorchvisionSet(
    reader="FGVCAircraft",
    splits={"train": "train", "validation": "val", "test": "test"},
    description="Photographs of 100 variants of aircraft.",
    licence="non-commercial research",
    origin="FGVC Aircraft (Maji et al., arXiv:1306.5151)",
    advice="put fgvc-aircraft-2013b.tar.gz, extracted, there: fgvc-aircraft-2013b/data (Oxford's page 'FGVC-Aircraft')",
)
listing = FGVC_AIRCRAFT.listing


def stand_in(root: Path, amount: Amount) -> None:
    """Write images in one folder, and for each split a list of its images with their variants."""
    data = root / "fgvc-aircraft-2013b" / "data"
    names = [f"{name.title()} 707" for name in class_names(amount)]
    write_file(data / "variants.txt", "".join(f"{name}\n" for name in names))
    for split, file in enumerate(("train", "val", "test")):
        listed = {f"{picture.label:03d}{picture.number:04d}": picture for picture in pictures(amount, split=split)}
        for image, picture in listed.items():
            write_file(data / "images" / f"{image}.jpg", picture.jpeg())
        lines = [f"{image} {names[picture.label]}\n" for image, picture in listed.items()]
        write_file(data / f"images_variant_{file}.txt", "".join(lines))
