"""The official sets: splits, labels and classes as their makers' files say, read from stand-ins of these."""

import io
import re
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from PIL import Image

from entrec.data import imagenet
from entrec.data.official import COUNTS, check_complete
from entrec.data.prepare import SOURCES
from entrec.data.prepare_encoded import LISTINGS, prepare_encoded
from entrec.data.splits import TEST, VALIDATION, split
from entrec.errors import UserError
from entrec.standins import FORMATS, Amount, Picture, imagenet_tars, stand_in

AMOUNT = Amount(classes=3, images=2, side=24)
THREE = {"fgvc_aircraft", "dtd", "flowers102"}  # the sets with an official validation part
CLASSES = {
    "imagenet": ["n01440764", "n01441764", "n01442764"],
    "imagenet_folders": ["n01440764", "n01441764", "n01442764"],
    "imagenet_arrow": ["n01440764", "n01441764", "n01442764"],
    "sun397": ["astronaut_0", "cat_0/outdoor", "china_0"],
    "stanford_cars": ["Astronaut_0 Sedan 2012", "Cat_0 Sedan 2012", "China_0 Sedan 2012"],
    "fgvc_aircraft": ["Astronaut_0 707", "Cat_0 707", "China_0 707"],
    "oxford_pets": ["Astronaut 0", "Cat 0", "China 0"],
}


@pytest.fixture(scope="module")
def spec_of(spec, tmp_path_factory):
    """The settings that read a stand-in, which is made when first asked for."""
    root = tmp_path_factory.mktemp("raw")

    def settings(name):
        if not (root / name).exists():
            stand_in(name, root / name, AMOUNT)
        source = "imagenet" if name.startswith("imagenet") else name
        return replace(spec, source=source, path=str(root / name), short_side=20, validation=0.25, test=0.0)

    return settings


@pytest.fixture
def offline(monkeypatch):
    """No network, as on a node of a cluster."""

    def refuse(*_: object, **__: object) -> None:
        raise URLError("Name or service not known")

    monkeypatch.setattr("urllib.request.urlopen", refuse)


def pixels(entry):
    return np.asarray(Image.open(io.BytesIO(entry.read())).convert("RGB")).astype(int)


@pytest.mark.parametrize("name", FORMATS)
def test_every_part_has_the_images_and_classes_that_its_makers_say(name, spec_of):
    source = LISTINGS[spec_of(name).source](spec_of(name))
    classes = 102 if name == "flowers102" else 3
    assert len(source.classes) == classes
    assert source.classes[:3] == CLASSES.get(name, source.classes[:3])
    train = 30 if name == "caltech101" else 2
    parts = {"train": [train] * classes, "test": [2] * classes}
    official = {"test": source.official_test}
    if name in THREE:
        parts["validation"] = [2] * classes
        official["validation"] = source.official_validation
    rest = ~np.logical_or.reduce(list(official.values()))
    for part, counts in parts.items():
        assert np.bincount(source.labels[official.get(part, rest)], minlength=classes).tolist() == counts
    assert (source.official_validation is None) == (name not in THREE)
    assert source.origin.startswith("stand-in for ")


@pytest.mark.parametrize("name", FORMATS)
def test_every_image_is_one_of_its_label_and_part(name, spec_of):
    """Against all pictures of some classes: stand-ins number theirs part after part, two in each."""
    source = LISTINGS[spec_of(name).source](spec_of(name))
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
            part = next((i for i, mask in enumerate([m for m in official if m is not None], 1) if mask[row]), 0)
            assert number // 2 == part


def test_the_three_forms_of_imagenet_hold_the_same_labelled_images(spec_of):
    forms = [LISTINGS["imagenet"](spec_of(name)) for name in FORMATS if name.startswith("imagenet")]
    contents = [
        sorted((entry.read(), label, tested) for entry, label, tested in zip(
            form.images, form.labels.tolist(), form.official_test.tolist(), strict=True))
        for form in forms
    ]  # fmt: skip
    assert contents[0] == contents[1] == contents[2]


def validated(spec):
    """The bytes of the images that validate."""
    source = LISTINGS["imagenet"](spec)
    parts = split(source, spec, "x")
    assert ((parts == TEST) == source.official_test).all()
    return {source.images[row].read() for row in np.flatnonzero(parts == VALIDATION)}


@pytest.fixture(scope="module")
def folders(spec, tmp_path_factory):
    """ImageNet as folders, twelve images in each of two classes' parts, three of which validate."""
    root = tmp_path_factory.mktemp("folders")
    stand_in("imagenet_folders", root, Amount(classes=2, images=12, side=24))
    return replace(spec, source="imagenet", path=str(root), short_side=20, validation=0.25, test=0.0)


def test_the_three_forms_of_imagenet_validate_on_the_same_images(folders, tmp_path):
    from datasets import ClassLabel, Dataset, DatasetDict, Features
    from datasets import Image as Encoded

    imagenet_tars(tmp_path / "tars", Amount(classes=2, images=12, side=24))
    outer = tmp_path / "tars" / imagenet.TRAIN
    outer.write_bytes(backwards(outer.read_bytes()))
    features = Features({"image": Encoded(), "label": ClassLabel(names=["n01440764", "n01441764"])})
    parts = {}
    for part, name in (("train", "train"), ("validation", "val")):
        files = sorted((Path(folders.path) / name).rglob("*.JPEG"), reverse=True)
        rows = [{"image": {"bytes": path.read_bytes(), "path": path.name}, "label": path.parent.name} for path in files]
        parts[part] = Dataset.from_list(rows, features=features)
    DatasetDict(parts).save_to_disk(str(tmp_path / "arrow"))
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


def test_a_missing_training_image_moves_no_other_to_another_part(folders, tmp_path):
    copy = Path(shutil.copytree(folders.path, tmp_path / "copy"))
    before, path = validated(folders), next(iter(sorted((copy / "train" / "n01440764").iterdir())))
    assert path.read_bytes() not in before
    path.unlink()
    assert validated(replace(folders, path=str(copy))) == before


def test_rows_of_arrow_without_names_go_by_their_numbers(spec_of):
    spec = replace(spec_of("imagenet_arrow"), validation=0.5)
    groups = LISTINGS["imagenet"](spec).groups
    assert len(np.unique(groups)) == len(groups) == 12
    assert len(validated(spec)) == 3


def test_official_validation_is_kept_where_there_is_one_and_refuses_a_share(spec_of):
    spec = spec_of("dtd")
    source = LISTINGS["dtd"](spec)
    parts = split(source, replace(spec, validation=0.0), "x")
    assert np.bincount(parts).tolist() == [6, 6, 6]
    assert ((parts == VALIDATION) == source.official_validation).all()
    assert ((parts == TEST) == source.official_test).all()
    with pytest.raises(UserError, match=r"datasets.x.validation: 0.25; dtd has an official validation part: give 0"):
        split(source, spec, "x")


def test_a_source_without_official_validation_needs_a_share(spec_of):
    spec = spec_of("food101")
    source = LISTINGS["food101"](spec)
    with pytest.raises(
        UserError, match=r"datasets.x: class 'astronaut_0' has 4 images and none in the validation part"
    ):
        split(source, replace(spec, validation=0.0), "x")
    assert np.bincount(split(source, replace(spec, validation=0.5), "x")).tolist() == [3, 3, 6]


def test_caltechs_thirty_training_images_are_drawn_and_do_not_follow_the_files(spec_of):
    source = LISTINGS["caltech101"](spec_of("caltech101"))
    tested = [np.flatnonzero(source.official_test[source.labels == label]).tolist() for label in range(3)]
    assert all(len(rows) == 2 for rows in tested)
    assert len({tuple(rows) for rows in tested}) > 1
    again = LISTINGS["caltech101"](spec_of("caltech101"))
    assert np.array_equal(source.official_test, again.official_test)
    assert (split(source, spec_of("caltech101"), "x")[~source.official_test] != TEST).all()


def test_cifar_as_one_array_and_as_files_holds_the_same_pixels(spec_of):
    for name in ("cifar10", "cifar100"):
        source, listed = (registry[name](spec_of(name)) for registry in (SOURCES, LISTINGS))
        assert source.images.shape == (12, 32, 32, 3)
        assert np.array_equal(source.images, np.stack([pixels(entry) for entry in listed.images]))
        assert np.array_equal(source.labels, listed.labels)


@pytest.mark.parametrize("name", ["food101", "cifar10", "sun397", "stanford_cars", "flowers102", "caltech101"])
def test_a_set_that_is_not_there_and_cannot_be_fetched_is_one_line_of_what_to_put_where(name, spec, tmp_path, offline):
    missing = replace(spec, source=name, path=str(tmp_path / "nothing"), short_side=20)
    with pytest.raises(
        UserError, match=r"nothing: \w+ is missing or incomplete \(.*\), and .*; .*put .* there"
    ) as caught:
        LISTINGS[name](missing)
    assert "\n" not in str(caught.value)


def test_what_is_there_is_not_fetched(spec_of, monkeypatch):
    spec = spec_of("food101")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("fetched")

    monkeypatch.setattr("torchvision.datasets.utils.download_and_extract_archive", refuse)
    monkeypatch.setattr("torchvision.datasets.food101.download_and_extract_archive", refuse)
    assert len(LISTINGS["food101"](spec).images) == 12


def test_a_stand_ins_altered_file_is_noticed_by_its_digest(spec, tmp_path, offline):
    stand_in("cifar10", tmp_path, AMOUNT)
    batch = tmp_path / "cifar-10-batches-py" / "data_batch_3"
    batch.write_bytes(batch.read_bytes() + b"x")
    with pytest.raises(
        UserError,
        match=r"CIFAR10 is missing or incomplete \(Dataset not found or corrupted.\), and fetching it failed \(.*",
    ):
        LISTINGS["cifar10"](replace(spec, source="cifar10", path=str(tmp_path), short_side=20))


def test_a_damaged_file_is_told_beside_the_failed_download(spec, tmp_path, offline):
    stand_in("stanford_cars", tmp_path, AMOUNT)
    (tmp_path / "stanford_cars" / "devkit" / "cars_meta.mat").write_bytes(b"<html>")
    with pytest.raises(UserError, match=r"incomplete \(Mat file .*truncated\), and fetching it failed \(.*") as caught:
        LISTINGS["stanford_cars"](replace(spec, source="stanford_cars", path=str(tmp_path), short_side=20))
    assert "\n" not in str(caught.value)


def test_without_its_marker_a_stand_in_is_not_the_makers_set(spec, tmp_path, offline):
    stand_in("cifar10", tmp_path, AMOUNT)
    (tmp_path / "stand-in.json").unlink()
    with pytest.raises(UserError, match=r"CIFAR10 is missing or incomplete"):
        LISTINGS["cifar10"](replace(spec, source="cifar10", path=str(tmp_path), short_side=20))


def test_sun397_without_its_partition_is_told_which_files_to_put_where(spec, tmp_path):
    stand_in("sun397", tmp_path, AMOUNT)
    (tmp_path / "Partitions" / "Testing_01.txt").unlink()
    with pytest.raises(UserError, match=r"Partitions/Testing_01.txt: cannot be read .*; put Training_01.txt and Testi"):
        LISTINGS["sun397"](replace(spec, source="sun397", path=str(tmp_path), short_side=20))


@pytest.mark.parametrize(
    ("content", "says"), [(b"sun_x.jpg\n", "'sun_x.jpg' is of no class"), (b"\xff\xfe\0", "is of no class")]
)
def test_a_damaged_partition_of_sun397_is_one_line(spec, tmp_path, content, says):
    stand_in("sun397", tmp_path, AMOUNT)
    (tmp_path / "Partitions" / "Training_01.txt").write_bytes(content)
    with pytest.raises(UserError, match=rf"Partitions/Training_01.txt: .*{says} in SUN397/ClassName.txt") as caught:
        LISTINGS["sun397"](replace(spec, source="sun397", path=str(tmp_path), short_side=20))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["imagenet", "caltech101", "dtd"])
def test_part_of_an_official_set_is_not_taken_for_the_whole(spec, tmp_path, name):
    settings = replace(spec, source=name, path=str(tmp_path / "raw"), short_side=20, test=0.0)
    stand_in(name, tmp_path / "raw", AMOUNT)
    (tmp_path / "raw" / "stand-in.json").unlink()
    with pytest.raises(UserError, match=r"datasets.x: .*raw has .* images of 3 classes, its makers' set"):
        prepare_encoded("x", settings, tmp_path / "data", threads=1)
    assert not (tmp_path / "data").exists()


def test_a_whole_set_has_its_makers_images_and_classes_exactly(spec_of):
    counts, spec = COUNTS["dtd"], replace(spec_of("dtd"), path="the makers' folder")
    listed = LISTINGS["dtd"](spec_of("dtd"))
    whole = replace(listed, images=listed.images[:1] * counts.images, classes=["a class"] * counts.classes)
    check_complete("x", spec, whole)
    for lacking in (replace(whole, images=whole.images[1:]), replace(whole, classes=whole.classes[1:])):
        with pytest.raises(
            UserError, match=r"datasets.x: the .* has 56\d\d images of 4\d classes, its makers' set 5640"
        ):
            check_complete("x", spec, lacking)
        check_complete("x", spec_of("dtd"), lacking)  # a stand-in


@pytest.fixture
def tars(spec, tmp_path):
    imagenet_tars(tmp_path, AMOUNT)
    return replace(spec, source="imagenet", path=str(tmp_path), short_side=20, test=0.0)


@pytest.mark.parametrize("file", [imagenet.TRAIN, imagenet.VALIDATION, imagenet.DEVKIT])
def test_a_missing_tar_of_imagenet_is_named_with_what_to_put_there(tars, file):
    (Path(tars.path) / file).unlink()
    with pytest.raises(UserError, match=rf"{file}: missing; put {imagenet.TRAIN}, {imagenet.VALIDATION} and"):
        imagenet.listing(tars)


def test_an_empty_folder_is_told_all_three_forms(spec, tmp_path):
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
    imagenet_tars(other, AMOUNT._replace(classes=2))
    (Path(tars.path) / imagenet.TRAIN).write_bytes((other / imagenet.TRAIN).read_bytes())
    with pytest.raises(UserError, match=r"img_train.tar: has not the classes of .* \(differs in n01442764\)"):
        imagenet.listing(tars)


@pytest.mark.parametrize("file", [imagenet.TRAIN, imagenet.VALIDATION, imagenet.DEVKIT])
def test_a_tar_cut_short_is_named(tars, file):
    path = Path(tars.path) / file
    path.write_bytes(path.read_bytes()[: min(5000, path.stat().st_size // 2)])
    with pytest.raises(UserError, match=rf"{file}: damaged"):
        imagenet.listing(tars)


def test_a_missing_class_folder_is_named(spec, tmp_path):
    stand_in("imagenet_folders", tmp_path, AMOUNT)
    for path in (tmp_path / "val" / "n01441764").iterdir():
        path.unlink()
    (tmp_path / "val" / "n01441764").rmdir()
    with pytest.raises(UserError, match=r"val: has not the classes of .*train \(differs in n01441764\)"):
        imagenet.listing(replace(spec, source="imagenet", path=str(tmp_path), short_side=20))


def test_an_arrow_folder_without_named_classes_is_refused(spec, tmp_path):
    from datasets import Dataset, DatasetDict

    part = Dataset.from_dict({"image": ["a"], "label": [0]})
    DatasetDict({"train": part, "validation": part}).save_to_disk(str(tmp_path))
    with pytest.raises(UserError, match=r"needs splits `train` and `validation` with encoded images as `image`"):
        imagenet.listing(replace(spec, source="imagenet", path=str(tmp_path), short_side=20))


def arrow_part(labels):
    from datasets import ClassLabel, Dataset, Features
    from datasets import Image as Encoded

    features = Features({"image": Encoded(), "label": ClassLabel(names=["a", "b"])})
    return Dataset.from_list([{"image": {"bytes": b"x", "path": None}, "label": label} for label in labels], features)


@pytest.mark.parametrize(("label", "says"), [(-1, "-1"), (None, "None")])
def test_an_arrow_label_that_names_no_class_is_one_line(spec, tmp_path, label, says):
    from datasets import DatasetDict

    DatasetDict({"train": arrow_part([0, label, 1]), "validation": arrow_part([0, 1])}).save_to_disk(str(tmp_path))
    with pytest.raises(UserError, match=rf"train: row 1 has label {says}; allowed: 0 to 1$"):
        imagenet.listing(replace(spec, source="imagenet", path=str(tmp_path), short_side=20))


def test_an_arrow_label_beyond_the_classes_is_one_line(spec, tmp_path):
    from datasets import DatasetDict

    DatasetDict({"train": arrow_part([0, 1]), "validation": arrow_part([0, 1])}).save_to_disk(str(tmp_path))
    info = tmp_path / "train" / "dataset_info.json"
    assert '"b"' in info.read_text()
    info.write_text(re.sub(r',\s*"b"', "", info.read_text()))
    with pytest.raises(UserError, match=r"train: row 1 has label 1; allowed: 0 to 0$"):
        imagenet.listing(replace(spec, source="imagenet", path=str(tmp_path), short_side=20))


@pytest.mark.parametrize("damage", ["cut", "gone", "json"])
def test_damaged_arrow_is_one_line(spec, tmp_path, damage):
    stand_in("imagenet_arrow", tmp_path, AMOUNT)
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
    with pytest.raises(UserError, match=r"development kit \(file could not be opened successfully\); f") as caught:
        imagenet.listing(tars)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("file", [imagenet.TRAIN, imagenet.VALIDATION, imagenet.DEVKIT])
def test_a_folder_in_place_of_a_tar_is_named(tars, file):
    (Path(tars.path) / file).unlink()
    (Path(tars.path) / file).mkdir()
    with pytest.raises(UserError, match=rf"{file}: damaged .*Is a directory"):
        imagenet.listing(tars)


def test_extracted_folders_beside_tars_without_their_devkit_are_read(tars):
    stand_in("imagenet_folders", Path(tars.path), AMOUNT)
    (Path(tars.path) / imagenet.DEVKIT).unlink()
    assert [Path(image.name).parent.name for image in imagenet.listing(tars).images[:2]] == ["n01440764"] * 2


def test_a_stand_in_gives_the_same_bytes_every_time(tmp_path):
    for copy in ("a", "b"):
        stand_in("oxford_pets", tmp_path / copy, AMOUNT)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*"))
    assert len(files) == 12 + 2 + 1
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)
