"""Every file of a user's folder is an image of its class or is left out for a reason that is said."""

import errno
import os
import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.datasets import ImageFolder

from entrec.data.class_folders import by_class
from entrec.data.formats import suffixes
from entrec.data.left_out import Unused, said, summary
from entrec.data.names import in_order, shown
from entrec.data.prepare import prepare
from entrec.data.prepared import open_prepared
from entrec.data.sources import folder
from entrec.errors import UserError


@pytest.fixture
def root(tmp_path) -> Path:
    """Two classes, each of one image."""
    return filled(tmp_path / "own", "cat/1.png", "dog/1.png")


def filled(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(len(name)).integers(256, size=(9, 9, 3), dtype=np.uint8)).save(
            root / name, "PNG"
        )
    return root


def left_out(root: Path) -> dict[str, tuple[int, tuple[str, ...]]]:
    found = summary(folder.image_files(root)[1].unused, root)
    return {reason: (group.count, group.first) for reason, group in found.items()}


def listed(root: Path) -> list[str]:
    return [os.path.relpath(path, root) for path in folder.image_files(root)[1].paths]


def test_images_of_a_class_and_their_order_are_those_of_torchvisions_image_folder(root):
    filled(root, "cat/a/2.png", "cat/a b/3.png", "cat/a/x/4.png", "cat/0.png", "cat/Z.PNG", "dog/é.jpg", "dog/z.jpg")
    ours = by_class([root])
    theirs = ImageFolder(str(root))
    assert (ours.classes, list(zip(ours.paths, ours.labels.tolist(), strict=True))) == (theirs.classes, theirs.samples)
    assert ours.deeper == 3


@pytest.mark.parametrize("suffix", sorted(suffixes() | {".JPG", ".JFIF", ".Tif", ".mpo"}))
def test_every_suffix_of_a_format_that_is_read_is_that_of_an_image(root, suffix):
    filled(root, f"cat/2{suffix}")
    assert f"cat/2{suffix}" in listed(root)


@pytest.mark.parametrize("suffix", [".txt", "", ".eps", ".h5", ".mpg", ".fits", ".png.part", ".npy"])
def test_files_of_other_suffixes_are_left_out_and_counted(root, suffix):
    (root / "cat" / f"x{suffix}").write_bytes(b"")
    assert left_out(root) == {"no suffix of an image": (1, (f"cat/x{suffix}",))}


def test_whatever_is_not_used_is_counted_with_its_reason(root):
    filled(root, "cat/.hidden.png", ".cache/dog/1.png", "cat/.more/deep/2.png", "__MACOSX/cat/1.png", "loose.png")
    (root / "README.md").write_text("about")
    (root / "cat" / "dead.png").symlink_to("nowhere.png")
    (root / "cat" / "self.png").symlink_to("self.png")
    os.mkfifo(root / "cat" / "pipe.png")
    (root / "dog" / "null.png").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as listening:
        os.chdir(root / "dog")
        listening.bind("s.png")
    assert listed(root) == ["cat/1.png", "dog/1.png"]
    hidden = ("__MACOSX/cat/1.png", "cat/.hidden.png", "cat/.more/deep/2.png")
    assert left_out(root) == {
        "a link that cannot be followed": (2, ("cat/dead.png", "cat/self.png")),
        "an image in no class folder": (1, ("loose.png",)),
        "hidden": (4, (".cache/dog/1.png", *hidden)),
        "no regular file": (3, ("cat/pipe.png", "dog/null.png", "dog/s.png")),
        "no suffix of an image": (1, ("README.md",)),
    }


@pytest.fixture(autouse=True)
def _same_folder_afterwards(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("target", ["..", "../..", ".", "../cat", "a/../.."])
def test_a_circle_of_links_ends(root, target):
    filled(root, "cat/a/2.png")
    (root / "cat" / "round").symlink_to(target)
    assert listed(root) == ["cat/1.png", "cat/a/2.png", "dog/1.png"]
    assert left_out(root) == {"a folder that is read already": (1, ("cat/round",))}


def test_a_link_to_a_folder_elsewhere_is_followed_once(root, tmp_path):
    filled(tmp_path / "elsewhere", "7.png")
    for name in ("first", "second"):
        (root / "cat" / name).symlink_to(tmp_path / "elsewhere")
    assert listed(root) == ["cat/1.png", "cat/first/7.png", "dog/1.png"]


def test_a_class_that_is_another_class_is_refused(root):
    (root / "fox").symlink_to("cat")
    with pytest.raises(UserError, match=r"own/fox: no images; files left out: 1 \(a folder that is read already: .\)"):
        listed(root)


def test_a_folder_that_cannot_be_read_is_named(root, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UserError, match=r"own: cannot be read \(Permission denied\); fix access, then rerun"):
        listed(root)


def test_a_link_to_an_image_is_an_image(root):
    (root / "cat" / "2.png").symlink_to("1.png")
    assert listed(root) == ["cat/1.png", "cat/2.png", "dog/1.png"]


@pytest.mark.parametrize(
    "names",
    [("train", "test"), ("Train", "TEST"), ("training", "testing"), ("train", "Val", "test"), ("TRAIN", "valid")],
)
def test_folders_of_splits_in_any_case_are_the_official_splits(folder_spec, tmp_path, names):
    files = {"train": 4, "val": 3, "test": 2}
    given = {next(key for key in files if name.lower().startswith(key)): name for name in names}
    for key, name in given.items():
        filled(tmp_path / "set", *(f"{name}/{kind}/{i}.png" for kind in ("cat", "dog") for i in range(files[key])))
    found = folder.listing(replace(folder_spec, path=str(tmp_path / "set")))
    for key, marked in (("val", found.official_validation), ("test", found.official_test)):
        assert (marked is not None) == (key in given)
        if marked is not None:
            assert [Path(image.name).parts[-3] == given[key] for image in found.images] == marked.tolist()
            assert marked.sum() == 2 * files[key]


def test_without_a_test_folder_a_share_of_the_training_images_tests(folder_spec, tmp_path, capsys):
    names = [f"{split}/{kind}/{i}.png" for split in ("train", "val") for kind in ("cat", "dog") for i in range(10)]
    spec = replace(folder_spec, path=str(filled(tmp_path / "set", *names)), validation=0.0, test=0.2)
    prepare("own", spec, tmp_path / "out")
    card = open_prepared(tmp_path / "out").card
    assert (card.counts.train, card.counts.validation, card.counts.test) == (16, 20, 4)
    assert card.description == (
        "40 images in a folder for each of 2 classes; the train split is the folder train; the validation split is the"
        " folder val; the test split is a share of the training images."
    )
    assert f"{tmp_path / 'set'}: {card.description}\n" in capsys.readouterr().err
    with pytest.raises(UserError, match=r"own.validation: 0.2; folder has an official validation split: give 0"):
        prepare("own", replace(spec, validation=0.2), tmp_path / "out")


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (
            ["train/a/1.png", "val/a/1.png", "Valid/a/1.png"],
            "Valid and val are both the folder of the validation split",
        ),
        (["test/a/1.png", "val/a/1.png"], "holds test and val but no `train`; add the training images"),
        (["train/a/1.png", "train/b/1.png"], "its one class train holds folders; if they are the classes, give this"),
        (["images/a/1.png", "images/b/1.png"], "its one class images holds folders"),
        (["train/a/1.png", "test/b/1.png"], r"test: its classes are not those of .*train \(different: a, b\)"),
    ],
)
def test_folders_that_contradict_each_other_are_one_line(tmp_path, names, says):
    with pytest.raises(UserError, match=says) as caught:
        listed(filled(tmp_path / "set", *names))
    assert "\n" not in str(caught.value)


def test_a_validation_folder_that_links_to_the_test_folder_is_refused(tmp_path):
    filled(tmp_path / "set", "train/a/1.png", "train/b/1.png", "test/a/1.png", "test/b/1.png")
    (tmp_path / "set" / "val").symlink_to("test")
    with pytest.raises(UserError, match=r"a: no images; files left out: 1 \(a folder that is read already: .\)"):
        listed(tmp_path / "set")


def test_a_class_named_train_beside_other_classes_is_a_class(tmp_path):
    assert listed(filled(tmp_path / "set", "train/1.png", "plane/1.png")) == ["plane/1.png", "train/1.png"]


def test_folders_beside_those_of_the_splits_are_left_out(tmp_path):
    filled(tmp_path / "set", *(f"{split}/{kind}/1.png" for split in ("train", "test") for kind in "ab"))
    filled(tmp_path / "set", "extra/a/1.png", "more.png")
    assert left_out(tmp_path / "set") == {"beside the folders of the splits": (2, ("extra/a/1.png", "more.png"))}


@settings(max_examples=60, deadline=None)
@given(
    st.sets(
        st.binary(min_size=1, max_size=20).filter(lambda name: not set(name) & set(b"/\0.")), min_size=2, max_size=6
    )
)
def test_names_of_any_bytes_are_read_in_the_order_of_their_bytes(tmp_path_factory, names):
    root = os.fsencode(tmp_path_factory.mktemp("bytes"))
    for name in names:
        os.makedirs(os.path.join(root, name))
        for file in names:
            Path(os.fsdecode(os.path.join(root, name, file + b".png"))).write_bytes(b"")
    found = by_class([Path(os.fsdecode(root))])
    expected = [
        os.path.join(root, name, file + b".png")
        for name in sorted(names)
        for file in sorted(names, key=lambda n: n + b".png")
    ]
    assert [os.fsencode(path) for path in found.paths] == expected
    for text in (*found.classes, *(image.name for image in found.images)):
        assert text.encode()
        assert len(text.splitlines()) == 1


@pytest.mark.parametrize("short_side", [None, 32])
@pytest.mark.parametrize("damaged", [False, True])
def test_names_that_are_not_utf_8_pass_through_preparation(folder_spec, tmp_path, capsys, short_side, damaged):
    root = tmp_path / "set"
    for name in (b"caf\xe9", b"th\xe9\n", "日本 🐈".encode()):
        folder_of = root / os.fsdecode(name)
        filled(folder_of, *(os.fsdecode(b"\xff%d.png" % i) for i in range(10)))
        (folder_of / os.fsdecode(b"\xfe.txt")).write_text("")
    spec = replace(folder_spec, path=str(root), short_side=short_side)
    if damaged:
        (folder_of / os.fsdecode(b"\xff0.png")).write_bytes(b"damaged")
        with pytest.raises(UserError, match=r"日本 🐈/\\xff0.png: cannot be read as an image"):
            prepare("own", spec, tmp_path / "out")
        return
    prepare("own", spec, tmp_path / "out")
    card = open_prepared(tmp_path / "out").card
    assert card.classes == (r"caf\xe9", r"th\xe9\n", "日本 🐈")
    assert card.left_out["no suffix of an image"].first[0] == r"caf\xe9/\xfe.txt"
    assert (
        r"own: files left out: 3 (no suffix of an image: caf\xe9/\xfe.txt, th\xe9\n/\xfe.txt,"
        in capsys.readouterr().err
    )


@given(st.binary(min_size=1).filter(lambda name: b"\0" not in name))
def test_what_is_shown_of_a_name_is_one_line_of_text(name):
    text = shown(os.fsdecode(name))
    assert len(text.splitlines()) == 1
    assert text.encode().decode() == text
    assert in_order([os.fsdecode(name), "a"]) == [os.fsdecode(n) for n in sorted([name, b"a"])]


def test_a_message_names_the_first_few_of_many():
    root = Path("/set")
    many = summary([Unused(f"/set/a/{i}.txt", "hidden") for i in range(2000)], root)
    assert said(many) == "2000 (hidden: a/0.txt, a/1.txt, a/2.txt and 1997 more)"
    assert len(many["hidden"].first) == 10


def test_a_fifo_that_takes_the_place_of_an_image_is_never_opened(folder_spec, root):
    found = folder.listing(replace(folder_spec, path=str(root)))
    (root / "cat" / "1.png").unlink()
    os.mkfifo(root / "cat" / "1.png")
    with pytest.raises(OSError, match="no regular file"):
        found.images[0].read()
