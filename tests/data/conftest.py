"""Real images, tiny image folders and stand-ins for the tests of data and views."""

import io
import struct
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.error import URLError

import datasets
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from entrec.artefacts import write_json
from entrec.data import store
from entrec.data.images import Pixels
from entrec.data.prepare import prepare
from entrec.data.source import Listing, function_of
from entrec.data.sources import textures
from entrec.data.stand_in import MARKER, Amount, Picture, pictures, write_file, write_stand_in
from entrec.data.view_parameters import draw
from entrec.data.views import augment
from entrec.settings import Dataset, View
from entrec.sources import SOURCES

SHORT_SIDE = 32
AMOUNT = Amount(classes=3, images=2, side=24)
VIEW = View(  # every operation that there is, each with a chance
    crop_scale=(0.08, 1.0),
    crop_ratio=(0.75, 1.3333),
    flip=0.5,
    jitter=0.8,
    brightness=0.8,
    contrast=0.8,
    saturation=0.8,
    hue=0.2,
    greyscale=0.2,
    blur=0.5,
    blur_sigma=(0.1, 2.0),
    solarise=0.2,
    solarise_threshold=0.5,
)


@pytest.fixture(scope="session")
def spec() -> Dataset:
    """Settings of a small dataset, to be varied."""
    return Dataset(source="textures", size=8, channels=3, validation=0.25, test=0.2, metric="top1")


@pytest.fixture(scope="session")
def photographs(spec: Dataset) -> Tensor:
    """48 colour patches of photographs, (48, 32, 32, 3) uint8."""
    return torch.from_numpy(textures.load(spec).images[::20])


@pytest.fixture
def simclr() -> View:
    return VIEW


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    """Three classes of ten images of 12x10 pixels, different ones and different formats."""
    pixels = np.random.default_rng(0)
    for name in ("ant", "bee", "cat"):
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True)
        for number in range(10):
            image = Image.fromarray(pixels.integers(256, size=(10, 12, 3), dtype=np.uint8))
            image.save(folder / f"{number}.{'png' if number % 2 else 'jpg'}")
    return tmp_path / "images"


@pytest.fixture
def sideways() -> bytes:
    """A JPEG of 12x10 pixels held sideways (orientation 6), whose resolution tag is text where a fraction belongs."""
    tags = struct.pack("<HHI4s", 0x0112, 3, 1, b"\6\0\0\0") + struct.pack("<HHI4s", 0x011A, 2, 2, b"a\0\0\0")
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + tags + bytes(4)
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((12, 10)).convert("RGB").save(buffer, "JPEG", quality=95, exif=exif)
    return buffer.getvalue()


@pytest.fixture
def folder_spec(spec: Dataset, image_folder: Path) -> Dataset:
    """The settings that read `image_folder`."""
    return replace(spec, source="folder", path=str(image_folder))


@pytest.fixture
def photos(tmp_path):
    """Three classes of ten photographs each, 48x60 pixels or 60x48, in a folder."""
    for label, name in enumerate(("ant", "bee", "cat")):
        for number in range(10):
            picture = Picture(label, number, (60, 48) if number % 2 else (48, 60))
            write_file(tmp_path / "photos" / name / f"{number}.jpg", picture.jpeg())
    return tmp_path / "photos"


@pytest.fixture
def photo_spec(spec, photos):
    """The settings that prepare `photos` as encoded images."""
    return replace(spec, source="folder", path=str(photos), size=24, short_side=SHORT_SIDE)


@pytest.fixture
def small_shards(monkeypatch):
    """Shards of seven images: thirty images make five."""
    monkeypatch.setattr(store, "SHARD", 7)


@pytest.fixture
def encoded_folder(photo_spec, tmp_path, small_shards):
    """The photos, prepared as encoded images in five shards."""
    prepare("insects", photo_spec, tmp_path / "data" / "insects")
    return tmp_path / "data" / "insects"


def views_of(pixels: Pixels, view: View, *, size: int, **address: Any) -> Tensor:
    """The views that a batch would have, drawn at an address (seed, epoch, samples, index), before normalisation."""
    drawn = draw(view, height=pixels.heights, width=pixels.widths, **address)
    shown, boxes = pixels.cut(drawn.boxes)
    return augment(shown, drawn.within(boxes), size)


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def calls_of(module: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """A list that grows with the arguments of every call of a module's function, which works as before."""
    calls, keep = [], getattr(module, name)

    def noted(*arguments: Any) -> Any:
        calls.append(arguments)
        return keep(*arguments)

    monkeypatch.setattr(module, name, noted)
    return calls


def listing_of(spec: Dataset) -> Listing:
    """The images that the source of `spec` lists."""
    return function_of(spec.source, "listing")(spec)


def imagenet_folders(root: Path, amount: Amount) -> None:
    """Write ImageNet's second form: the folders `train` and `val`, in each one folder for each class."""
    for split, folder in enumerate(("train", "val")):
        for p in pictures(amount, split=split):
            wnid = f"n{1440764 + 1000 * p.label:08d}"
            write_file(root / folder / wnid / f"{wnid}_{p.number}.JPEG", p.jpeg())


def imagenet_arrow(root: Path, amount: Amount) -> None:
    """Write ImageNet's third form: what `DatasetDict.save_to_disk` writes."""
    wnids = [f"n{1440764 + 1000 * label:08d}" for label in range(amount.classes)]
    rows = [[(p.jpeg(), None, p.label) for p in pictures(amount, split=split)] for split in (0, 1)]
    datasets.DatasetDict({"train": arrow(rows[0], wnids), "validation": arrow(rows[1], wnids)}).save_to_disk(str(root))


def arrow(rows: Iterable[tuple[bytes, str | None, int | None]], classes: list[str]) -> datasets.Dataset:
    """The images of `rows`, each as its bytes, the name of its file and its label."""
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=classes)})
    columns = [{"image": {"bytes": content, "path": name}, "label": label} for content, name, label in rows]
    return datasets.Dataset.from_list(columns, features=features)


def write_form(name: str, root: Path, amount: Amount) -> None:
    """Write a stand-in in one of `FORMATS`, with its marker."""
    if name in OTHER_FORMS:
        OTHER_FORMS[name](root, amount)
        write_json(root / MARKER, {"md5": {}})
    else:
        write_stand_in(name, root, amount)


OTHER_FORMS = {"imagenet_folders": imagenet_folders, "imagenet_arrow": imagenet_arrow}
FORMATS = [*(source for source in SOURCES if function_of(source, "stand_in")), *OTHER_FORMS]


@pytest.fixture(scope="session")
def spec_of(spec, tmp_path_factory):
    """The settings that read a stand-in of one of `FORMATS`, which is made when first asked for."""
    root = tmp_path_factory.mktemp("raw")

    def settings(name: str) -> Dataset:
        source = "imagenet" if name in OTHER_FORMS else name
        if not (root / name).exists():
            write_form(name, root / name, AMOUNT)
        return replace(spec, source=source, path=str(root / name), short_side=20, validation=0.25, test=0.0)

    return settings


@pytest.fixture
def offline(monkeypatch):
    """No network, as on a node of a cluster."""

    def refuse(*_: object, **__: object) -> None:
        raise URLError("Name or service not known")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
