"""Image folders: classes by name, central squares, and faults that name the file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from entrec.data.sources import folder
from entrec.errors import UserError


def test_classes_are_the_folders_in_order_of_name(folder_spec):
    source = folder.load(folder_spec)
    assert source.classes == ["ant", "bee", "cat"]
    assert source.images.shape == (30, 8, 8, 3)
    assert np.bincount(source.labels).tolist() == [10, 10, 10]
    assert source.official_test is None


def test_train_and_test_folders_make_an_official_test_split(folder_spec, image_folder, tmp_path):
    root = tmp_path / "official"
    for split in ("train", "test"):
        for name in ("ant", "bee"):
            (root / split / name).mkdir(parents=True)
            for number in range(3 if split == "train" else 2):
                image = image_folder / name / f"{number}.{'png' if number % 2 else 'jpg'}"
                (root / split / name / image.name).write_bytes(image.read_bytes())
    source = folder.load(replace(folder_spec, path=str(root)))
    assert source.classes == ["ant", "bee"]
    assert source.official_test.tolist() == [False] * 6 + [True] * 4
    assert source.labels.tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 1, 1]
    (root / "test" / "wasp").mkdir()
    (root / "test" / "wasp" / "1.png").write_bytes((root / "train" / "ant" / "1.png").read_bytes())
    with pytest.raises(UserError, match=r"official/test: its classes are not those of .*wasp"):
        folder.load(replace(folder_spec, path=str(root)))


def test_an_image_keeps_its_central_square(folder_spec, image_folder):
    pixels = np.zeros((8, 14, 3), dtype=np.uint8)
    pixels[:, 3:11] = np.random.default_rng(1).integers(256, size=(8, 8, 3))
    Image.fromarray(pixels).save(image_folder / "ant" / "00.png")
    assert np.array_equal(folder.load(folder_spec).images[1], pixels[:, 3:11])  # after 0.jpg


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA", "CMYK"])
def test_images_of_every_mode_become_colour(folder_spec, image_folder, mode):
    Image.new(mode, (9, 9)).save(
        image_folder / "ant" / "odd.tif" if mode == "CMYK" else image_folder / "ant" / "odd.png"
    )
    assert folder.load(folder_spec).images.shape == (31, 8, 8, 3)


def test_other_files_are_left_alone(folder_spec, image_folder):
    (image_folder / "ant" / "notes.txt").write_text("not an image")
    (image_folder / ".cache").mkdir()
    (image_folder / "ant" / "._0.png").write_text("left by another system")
    assert len(folder.load(folder_spec).images) == 30


def test_a_missing_folder_is_named(folder_spec, tmp_path):
    with pytest.raises(UserError, match=r"nowhere: no such folder"):
        folder.load(replace(folder_spec, path=str(tmp_path / "nowhere")))


def test_a_folder_without_classes_is_named(folder_spec, tmp_path):
    (tmp_path / "bare").mkdir()
    with pytest.raises(UserError, match=r"bare: holds no class folders"):
        folder.load(replace(folder_spec, path=str(tmp_path / "bare")))


def test_an_empty_class_is_named(folder_spec, image_folder):
    (image_folder / "dog").mkdir()
    with pytest.raises(UserError, match=r"dog: no images"):
        folder.load(folder_spec)


@pytest.mark.parametrize("damage", [b"", b"not an image", None])
def test_an_unreadable_image_is_named(folder_spec, image_folder, damage):
    path: Path = image_folder / "bee" / "3.png"
    path.write_bytes(path.read_bytes()[:-200] if damage is None else damage)
    with pytest.raises(UserError, match=r"bee/3.png: cannot be read as an image"):
        folder.load(folder_spec)


def test_an_image_held_sideways_is_turned_though_another_tag_is_damaged(folder_spec, image_folder, sideways):
    (image_folder / "ant" / "00.jpg").write_bytes(sideways)
    turned = folder.load(folder_spec).images[1].astype(int)  # after 0.jpg; its brightness grew downwards
    assert (turned[:, 0] - turned[:, -1] > 100).all()
    assert (np.ptp(turned, axis=0) < 20).all()
