"""The published datasets: splits, labels and classes as their makers' files say, read from stand-ins."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from tests.data.conftest import AMOUNT, FORMATS, listing_of

from entrec.data.prepare_encoded import check_complete, prepare_encoded
from entrec.data.source import function_of
from entrec.data.splits import TEST, VALIDATION, split
from entrec.data.stand_in import MARKER, Picture, write_stand_in
from entrec.errors import UserError
from entrec.sources import SOURCES

THREE = {"fgvc_aircraft", "dtd", "flowers102"}  # the datasets with an official validation split
CLASSES = {
    "imagenet": ["n01440764", "n01441764", "n01442764"],
    "imagenet_folders": ["n01440764", "n01441764", "n01442764"],
    "imagenet_arrow": ["n01440764", "n01441764", "n01442764"],
    "sun397": ["astronaut_0", "cat_0/outdoor", "china_0"],
    "stanford_cars": ["Astronaut_0 Sedan 2012", "Cat_0 Sedan 2012", "China_0 Sedan 2012"],
    "fgvc_aircraft": ["Astronaut_0 707", "Cat_0 707", "China_0 707"],
    "oxford_pets": ["Astronaut 0", "Cat 0", "China 0"],
}


def pixels(entry):
    return np.asarray(Image.open(io.BytesIO(entry.read())).convert("RGB")).astype(int)


@pytest.mark.parametrize("name", FORMATS)
def test_every_split_has_the_images_and_classes_that_its_makers_say(name, spec_of):
    source = listing_of(spec_of(name))
    classes = 102 if name == "flowers102" else 3
    assert len(source.classes) == classes
    assert source.classes[:3] == CLASSES.get(name, source.classes[:3])
    train = 30 if name == "caltech101" else 2
    counts_of = {"train": [train] * classes, "test": [2] * classes}
    official = {"test": source.official_test}
    if name in THREE:
        counts_of["validation"] = [2] * classes
        official["validation"] = source.official_validation
    rest = ~np.logical_or.reduce(list(official.values()))
    for name_of_split, counts in counts_of.items():
        assert np.bincount(source.labels[official.get(name_of_split, rest)], minlength=classes).tolist() == counts
    assert (source.official_validation is None) == (name not in THREE)
    assert source.origin.startswith("stand-in for ")


@pytest.mark.parametrize("name", FORMATS)
def test_every_image_is_one_of_its_label_and_split(name, spec_of):
    """Against all pictures of some classes: stand-ins number theirs split after split, two in each."""
    source = listing_of(spec_of(name))
    for row in np.unique(np.linspace(0, len(source.labels) - 1, 12).astype(int)):
        found, label = pixels(source.images[row]), int(source.labels[row])
        classes = [label, (label + 1) % len(source.classes), (label + 2) % len(source.classes)]
        drawn = {
            (other, number): np.asarray(Picture(other, number, found.shape[1::-1]).pixels()).astype(int)
            for other in classes
            for number in range(32 if name == "caltech101" else 6)
        }
        distance = {picture: np.abs(image - found).mean() for picture, image in drawn.items()}
        nearest, number = min(distance, key=distance.__getitem__)
        assert nearest == label
        assert distance[nearest, number] < 8  # what JPEG changes
        if name != "caltech101":
            official = (source.official_validation, source.official_test)
            place = next((i for i, mask in enumerate([m for m in official if m is not None], 1) if mask[row]), 0)
            assert number // 2 == place


def test_official_validation_is_kept_where_there_is_one_and_refuses_a_share(spec_of):
    spec = spec_of("dtd")
    source = listing_of(spec)
    splits = split(source, replace(spec, validation=0.0), "x")
    assert np.bincount(splits).tolist() == [6, 6, 6]
    assert ((splits == VALIDATION) == source.official_validation).all()
    assert ((splits == TEST) == source.official_test).all()
    with pytest.raises(UserError, match=r"datasets.x.validation: 0.25; dtd has an official validation split: give 0"):
        split(source, spec, "x")


def test_a_source_without_official_validation_needs_a_share(spec_of):
    spec = spec_of("food101")
    source = listing_of(spec)
    with pytest.raises(
        UserError, match=r"datasets.x: class 'astronaut_0' has 4 images and none in the validation split"
    ):
        split(source, replace(spec, validation=0.0), "x")
    assert np.bincount(split(source, replace(spec, validation=0.5), "x")).tolist() == [3, 3, 6]


def test_caltechs_thirty_training_images_are_drawn_and_do_not_follow_the_files(spec_of):
    source = listing_of(spec_of("caltech101"))
    tested = [np.flatnonzero(source.official_test[source.labels == label]).tolist() for label in range(3)]
    assert all(len(rows) == 2 for rows in tested)
    assert len({tuple(rows) for rows in tested}) > 1
    again = listing_of(spec_of("caltech101"))
    assert np.array_equal(source.official_test, again.official_test)
    assert (split(source, spec_of("caltech101"), "x")[~source.official_test] != TEST).all()


def test_cifar_as_one_array_and_as_files_holds_the_same_pixels(spec_of):
    for name in ("cifar10", "cifar100"):
        source, listed = (function_of(name, form)(spec_of(name)) for form in ("load", "listing"))
        assert source.images.shape == (12, 32, 32, 3)
        assert np.array_equal(source.images, np.stack([pixels(entry) for entry in listed.images]))
        assert np.array_equal(source.labels, listed.labels)


@pytest.mark.parametrize("name", ["food101", "cifar10", "sun397", "stanford_cars", "flowers102", "caltech101"])
def test_a_set_that_cannot_be_downloaded_is_one_line_of_what_to_put_where(name, spec, tmp_path, offline):
    missing = replace(spec, source=name, path=str(tmp_path / "nothing"), short_side=20)
    with pytest.raises(
        UserError, match=r"nothing: \w+ is missing or incomplete \(.*\), and .*; .*put .* there"
    ) as caught:
        listing_of(missing)
    assert "\n" not in str(caught.value)


def test_what_is_there_is_not_downloaded(spec_of, monkeypatch):
    spec = spec_of("food101")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("fetched")

    monkeypatch.setattr("torchvision.datasets.utils.download_and_extract_archive", refuse)
    monkeypatch.setattr("torchvision.datasets.food101.download_and_extract_archive", refuse)
    assert len(listing_of(spec).images) == 12


def test_a_stand_ins_altered_file_is_noticed_by_its_digest(spec, tmp_path, offline):
    write_stand_in("cifar10", tmp_path, AMOUNT)
    batch = tmp_path / "cifar-10-batches-py" / "data_batch_3"
    batch.write_bytes(batch.read_bytes() + b"x")
    with pytest.raises(
        UserError,
        match=r"CIFAR10 is missing or incomplete \(Dataset not found or corrupted.\), and downloading it failed \(.*",
    ):
        listing_of(replace(spec, source="cifar10", path=str(tmp_path), short_side=20))


def test_a_damaged_file_is_named_beside_the_failed_download(spec, tmp_path, offline):
    write_stand_in("stanford_cars", tmp_path, AMOUNT)
    (tmp_path / "stanford_cars" / "devkit" / "cars_meta.mat").write_bytes(b"<html>")
    with pytest.raises(UserError, match=r"incomplete \(Mat file .*truncated\), and downloading it failed") as caught:
        listing_of(replace(spec, source="stanford_cars", path=str(tmp_path), short_side=20))
    assert "\n" not in str(caught.value)


def test_without_its_marker_a_stand_in_is_not_the_makers_set(spec, tmp_path, offline):
    write_stand_in("cifar10", tmp_path, AMOUNT)
    (tmp_path / MARKER).unlink()
    with pytest.raises(UserError, match=r"CIFAR10 is missing or incomplete"):
        listing_of(replace(spec, source="cifar10", path=str(tmp_path), short_side=20))


def test_sun397_without_its_partition_is_an_error_that_says_which_files_to_put_where(spec, tmp_path):
    write_stand_in("sun397", tmp_path, AMOUNT)
    (tmp_path / "Partitions" / "Testing_01.txt").unlink()
    with pytest.raises(UserError, match=r"Partitions/Testing_01.txt: cannot be read .*; put Training_01.txt and Testi"):
        listing_of(replace(spec, source="sun397", path=str(tmp_path), short_side=20))


@pytest.mark.parametrize(
    ("content", "says"), [(b"sun_x.jpg\n", "'sun_x.jpg' is of no class"), (b"\xff\xfe\0", "is of no class")]
)
def test_a_damaged_partition_of_sun397_is_one_line(spec, tmp_path, content, says):
    write_stand_in("sun397", tmp_path, AMOUNT)
    (tmp_path / "Partitions" / "Training_01.txt").write_bytes(content)
    with pytest.raises(UserError, match=rf"Partitions/Training_01.txt: .*{says} in SUN397/ClassName.txt") as caught:
        listing_of(replace(spec, source="sun397", path=str(tmp_path), short_side=20))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["imagenet", "caltech101", "dtd"])
def test_a_share_of_an_official_set_is_not_taken_for_the_whole(spec, tmp_path, name):
    settings = replace(spec, source=name, path=str(tmp_path / "raw"), short_side=20, test=0.0)
    write_stand_in(name, tmp_path / "raw", AMOUNT)
    (tmp_path / "raw" / MARKER).unlink()
    with pytest.raises(UserError, match=r"datasets.x: .*raw has .* images of 3 classes, the published dataset has"):
        prepare_encoded("x", settings, tmp_path / "data", threads=1)
    assert not (tmp_path / "data").exists()


def test_a_whole_set_has_its_makers_images_and_classes_exactly(spec_of):
    counts, spec = SOURCES["dtd"].published, replace(spec_of("dtd"), path="the makers' folder")
    listed = listing_of(spec_of("dtd"))
    whole = replace(listed, images=listed.images[:1] * counts.images, classes=["a class"] * counts.classes)
    check_complete("x", spec, whole)
    for lacking in (replace(whole, images=whole.images[1:]), replace(whole, classes=whole.classes[1:])):
        with pytest.raises(
            UserError, match=r"datasets.x: the .* has 56\d\d images of 4\d classes, the published dataset has 5640"
        ):
            check_complete("x", spec, lacking)
        check_complete("x", spec_of("dtd"), lacking)  # a stand-in


def test_a_stand_in_gives_the_same_bytes_every_time(tmp_path):
    for copy in ("a", "b"):
        write_stand_in("oxford_pets", tmp_path / copy, AMOUNT)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*"))
    assert len(files) == 12 + 2 + 1
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)
