"""ImageNet in its three forms: the same images, labels and splits, and faults that name the file."""

import io
import re
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset, DatasetDict
from tests.data.conftest import AMOUNT, FORMATS, arrow, imagenet_arrow, imagenet_folders, listing_of

from entrec.data.sources import imagenet
from entrec.data.splits import TEST, VALIDATION, split
from entrec.data.stand_in import Amount
from entrec.errors import UserError


def test_the_three_forms_of_imagenet_hold_the_same_labelled_images(spec_of):
    forms = [listing_of(spec_of(name)) for name in FORMATS if name.startswith("imagenet")]
    contents = [
        sorted((image.read(), label, tested) for image, label, tested in zip(
            form.images, form.labels.tolist(), form.official_test.tolist(), strict=True))
        for form in forms
    ]  # fmt: skip
    assert contents[0] == contents[1] == contents[2]


def validated(spec):
    """The bytes of the images that validate."""
    listing = listing_of(spec)
    splits = split(listing, spec, "x")
    assert ((splits == TEST) == listing.official_test).all()
    return {listing.images[row].read() for row in np.flatnonzero(splits == VALIDATION)}


@pytest.fixture(scope="module")
def folders(spec, tmp_path_factory):
    """ImageNet as folders, twelve images in each split of two classes, three of which validate."""
    root = tmp_path_factory.mktemp("folders")
    imagenet_folders(root, Amount(classes=2, images=12, side=24))
    return replace(spec, source="imagenet", path=str(root), short_side=20, validation=0.25, test=0.0)


def test_the_three_forms_of_imagenet_validate_on_the_same_images(folders, tmp_path):
    imagenet.stand_in(tmp_path / "tars", Amount(classes=2, images=12, side=24))
    outer = tmp_path / "tars" / imagenet.TRAIN
    outer.write_bytes(backwards(outer.read_bytes()))
    classes, forms = ["n01440764", "n01441764"], {}
    for split_name, folder in (("train", "train"), ("validation", "val")):
        files = sorted((Path(folders.path) / folder).rglob("*.JPEG"), reverse=True)
        rows = [(path.read_bytes(), path.name, classes.index(path.parent.name)) for path in files]
        forms[split_name] = arrow(rows, classes)
    DatasetDict(forms).save_to_disk(str(tmp_path / "arrow"))
    images = validated(folders)
    assert len(images) == 6
    assert validated(replace(folders, path=str(tmp_path / "tars"))) == images
    assert validated(replace(folders, path=str(tmp_path / "arrow"))) == images


def backwards(content):
    """A tar of tars whose inner members are in reverse."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(content)) as old, tarfile.open(fileobj=buffer, mode="w") as new:
        for member in reversed(old.getmembers()):
            inner = old.extractfile(member).read()
            inner = backwards(inner) if member.name.endswith(".tar") else inner
            member.size = len(inner)
            new.addfile(member, io.BytesIO(inner))
    return buffer.getvalue()


def test_a_missing_training_image_moves_no_other_to_another_split(folders, tmp_path):
    copy = Path(shutil.copytree(folders.path, tmp_path / "copy"))
    before, path = validated(folders), next(iter(sorted((copy / "train" / "n01440764").iterdir())))
    assert path.read_bytes() not in before
    path.unlink()
    assert validated(replace(folders, path=str(copy))) == before


def test_rows_of_arrow_without_names_go_by_their_numbers(spec_of):
    spec = replace(spec_of("imagenet_arrow"), validation=0.5)
    groups = listing_of(spec).groups
    assert len(np.unique(groups)) == len(groups) == 12
    assert len(validated(spec)) == 3


@pytest.fixture
def tars(spec, tmp_path):
    imagenet.stand_in(tmp_path, AMOUNT)
    return replace(spec, source="imagenet", path=str(tmp_path), short_side=20, test=0.0)


@pytest.mark.parametrize("file", [imagenet.TRAIN, imagenet.VALIDATION, imagenet.DEVKIT])
def test_a_missing_tar_of_imagenet_is_named_with_what_to_put_there(tars, file):
    (Path(tars.path) / file).unlink()
    with pytest.raises(UserError, match=rf"{file}: missing; put {imagenet.TRAIN}, {imagenet.VALIDATION} and"):
        imagenet.listing(tars)


def test_an_empty_folder_is_an_error_that_names_all_three_forms(spec, tmp_path):
    with pytest.raises(UserError, match=r"holds no ImageNet; put .*, or the folders train and val .*, or what "):
        imagenet.listing(replace(spec, source="imagenet", path=str(tmp_path), short_side=20))


def test_labels_for_another_number_of_images_are_refused(tars):
    root = Path(tars.path)
    images = root / imagenet.VALIDATION
    with tarfile.open(images) as tar:
        members = tar.getmembers()
        kept = [(member, tar.extractfile(member).read()) for member in members[:-1]]
    with tarfile.open(images, "w") as tar:
        for member, content in kept:
            tar.addfile(member, io.BytesIO(content))
    with pytest.raises(UserError, match=r"ground_truth.txt has 6 labels for the 5 images of ILSVRC2012_img_val.tar"):
        imagenet.listing(tars)


def test_training_tars_of_other_classes_are_refused(tars, tmp_path):
    other = tmp_path / "other"
    imagenet.stand_in(other, AMOUNT._replace(classes=2))
    (Path(tars.path) / imagenet.TRAIN).write_bytes((other / imagenet.TRAIN).read_bytes())
    with pytest.raises(UserError, match=r"img_train.tar: its classes are not those of .* \(different: n01442764\)"):
        imagenet.listing(tars)


@pytest.mark.parametrize("file", [imagenet.TRAIN, imagenet.VALIDATION, imagenet.DEVKIT])
def test_a_tar_cut_short_is_named(tars, file):
    path = Path(tars.path) / file
    path.write_bytes(path.read_bytes()[: min(5000, path.stat().st_size // 2)])
    with pytest.raises(UserError, match=rf"{file}: damaged"):
        imagenet.listing(tars)


def test_a_missing_class_folder_is_named(spec, tmp_path):
    imagenet_folders(tmp_path, AMOUNT)
    for path in (tmp_path / "val" / "n01441764").iterdir():
        path.unlink()
    (tmp_path / "val" / "n01441764").rmdir()
    with pytest.raises(UserError, match=r"val: its classes are not those of .*train \(different: n01441764\)"):
        imagenet.listing(replace(spec, source="imagenet", path=str(tmp_path), short_side=20))


def test_an_arrow_folder_without_named_classes_is_refused(spec, tmp_path):
    unnamed = Dataset.from_dict({"image": ["a"], "label": [0]})
    DatasetDict({"train": unnamed, "validation": unnamed}).save_to_disk(str(tmp_path))
    with pytest.raises(UserError, match=r"needs splits `train` and `validation` with encoded images as `image`"):
        imagenet.listing(replace(spec, source="imagenet", path=str(tmp_path), short_side=20))


def labelled(*labels):
    return arrow([(b"x", None, label) for label in labels], ["a", "b"])


@pytest.mark.parametrize(("label", "says"), [(-1, "-1"), (None, "None")])
def test_an_arrow_label_that_names_no_class_is_one_line(spec, tmp_path, label, says):
    DatasetDict({"train": labelled(0, label, 1), "validation": labelled(0, 1)}).save_to_disk(str(tmp_path))
    with pytest.raises(UserError, match=rf"train: row 1 has label {says}; allowed: 0 to 1$"):
        imagenet.listing(replace(spec, source="imagenet", path=str(tmp_path), short_side=20))


def test_an_arrow_label_beyond_the_classes_is_one_line(spec, tmp_path):
    DatasetDict({"train": labelled(0, 1), "validation": labelled(0, 1)}).save_to_disk(str(tmp_path))
    info = tmp_path / "train" / "dataset_info.json"
    assert '"b"' in info.read_text()
    info.write_text(re.sub(r',\s*"b"', "", info.read_text()))
    with pytest.raises(UserError, match=r"train: row 1 has label 1; allowed: 0 to 0$"):
        imagenet.listing(replace(spec, source="imagenet", path=str(tmp_path), short_side=20))


@pytest.mark.parametrize("damage", ["cut", "gone", "json"])
def test_damaged_arrow_is_one_line(spec, tmp_path, damage):
    imagenet_arrow(tmp_path, AMOUNT)
    (shard,) = (tmp_path / "train").glob("*.arrow")
    if damage == "cut":
        shard.write_bytes(shard.read_bytes()[: shard.stat().st_size // 2])
    elif damage == "gone":
        shard.unlink()
    else:
        (tmp_path / "train" / "state.json").write_text("{\n")
    with pytest.raises(UserError, match=r": damaged or not what `DatasetDict.save_to_disk` wrote \(.*\); wr") as caught:
        imagenet.listing(replace(spec, source="imagenet", path=str(tmp_path), short_side=20))
    assert "\n" not in str(caught.value)


def test_a_devkit_that_is_no_archive_is_one_line(tars):
    (Path(tars.path) / imagenet.DEVKIT).write_bytes(b"<html>")
    with pytest.raises(UserError, match=r"development kit \(file could not be opened successfully\); d") as caught:
        imagenet.listing(tars)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("file", [imagenet.TRAIN, imagenet.VALIDATION, imagenet.DEVKIT])
def test_a_folder_in_place_of_a_tar_is_named(tars, file):
    (Path(tars.path) / file).unlink()
    (Path(tars.path) / file).mkdir()
    with pytest.raises(UserError, match=rf"{file}: damaged .*Is a directory"):
        imagenet.listing(tars)


def test_extracted_folders_beside_tars_without_their_devkit_are_read(tars):
    imagenet_folders(Path(tars.path), AMOUNT)
    (Path(tars.path) / imagenet.DEVKIT).unlink()
    assert [Path(image.name).parent.name for image in imagenet.listing(tars).images[:2]] == ["n01440764"] * 2
