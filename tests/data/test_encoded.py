"""Datasets that stay encoded: what is kept of an image, how a stopped preparation goes on, what damage does."""

import errno
import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from datasets import load_from_disk
from PIL import Image, ImageOps
from skimage.color import rgb2lab
from torchvision.transforms.functional import resize

from entrec.artefacts import sha256
from entrec.data import prepare_encoded as preparation
from entrec.data import store
from entrec.data.encoding import ORIENTATION, kept, shrunk, upright
from entrec.data.prepare import prepare
from entrec.data.prepared import open_as, open_prepared, verify
from entrec.errors import UserError
from entrec.standins import Amount, Picture, stand_in
from entrec.study import load_study

SIDE = 32


@pytest.fixture
def photos(tmp_path):
    """Three classes of ten photographs each, 48x60 pixels or 60x48, in a folder."""
    for label, name in enumerate(("ant", "bee", "cat")):
        folder = tmp_path / "photos" / name
        folder.mkdir(parents=True)
        for number in range(10):
            (folder / f"{number}.jpg").write_bytes(Picture(label, number, (60, 48) if number % 2 else (48, 60)).jpeg())
    return tmp_path / "photos"


@pytest.fixture
def photo_spec(spec, photos):
    return replace(spec, source="folder", path=str(photos), size=24, short_side=SIDE)


@pytest.fixture
def small_shards(monkeypatch):
    """Shards of seven images: thirty images make five."""
    monkeypatch.setattr(store, "SHARD", 7)


@pytest.fixture
def prepared_folder(photo_spec, tmp_path, small_shards):
    prepare("insects", photo_spec, tmp_path / "data" / "insects")
    return tmp_path / "data" / "insects"


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def encoded(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def decoded(content):
    return Image.open(io.BytesIO(content))


def difference(a, b):
    return np.abs(np.asarray(a).astype(int) - np.asarray(b).astype(int))


PHOTOGRAPH = Picture(0, 0, (90, 60)).pixels()


@pytest.mark.parametrize("size", [(90, 60), (60, 90), (60, 60), (61, 47), (333, 50)])
def test_a_large_image_is_what_torchvisions_resize_makes_of_it_but_for_jpeg(size):
    image = Picture(3, 1, size).pixels()
    found = decoded(kept(encoded(image, format="PNG"), SIDE))
    expected = resize(image, SIDE)
    assert difference(shrunk(image, SIDE), expected).max() == 0
    assert (found.size, found.format) == (expected.size, "JPEG")
    assert difference(found, expected).mean() < 3


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_a_small_upright_colour_image_keeps_its_own_bytes(format):
    content = encoded(PHOTOGRAPH, format=format)
    assert kept(content, 60) == content
    assert kept(content, 59) != content


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "RGBA", "1"])
def test_every_mode_becomes_colour(mode):
    content = encoded(PHOTOGRAPH.convert(mode), format="TIFF" if mode == "CMYK" else "PNG")
    found = decoded(kept(content, 60))
    assert (found.mode, found.size) == ("RGB", (90, 60))
    assert difference(found, decoded(content).convert("RGB")).mean() < (24 if mode == "1" else 4)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_that_its_camera_held_otherwise_is_turned_upright(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    content = encoded(PHOTOGRAPH, format="JPEG", quality=95, exif=exif)
    found = decoded(kept(content, 60))
    expected = ImageOps.exif_transpose(decoded(content))
    assert difference(upright(decoded(content)), expected).max() == 0
    assert found.size == expected.size == ((90, 60) if orientation < 5 else (60, 90))
    assert difference(found, expected).mean() < 2
    assert ImageOps.exif_transpose(found).size == found.size


@pytest.mark.parametrize("side", [8, 32])
def test_an_image_with_a_damaged_tag_is_turned_too(sideways, side):
    found = decoded(kept(sideways, side))
    expected = shrunk(decoded(sideways).transpose(Image.Transpose.ROTATE_270), side)
    assert found.size == expected.size
    assert difference(found, expected).mean() < 3


def test_the_prepared_folder_opens_with_images_of_their_own_sizes(prepared_folder, photo_spec):
    data = open_as(prepared_folder, "insects", photo_spec)
    assert (len(data.images), data.size, data.channels) == (30, 24, 3)
    assert {part: len(data.indices(part)) for part in ("train", "validation", "test")} == {
        "train": 18,
        "validation": 6,
        "test": 6,
    }
    pixels = data.images.read(np.array([0, 1, 29]))
    assert pixels.heights.tolist() == [40, 32, 32]
    assert pixels.widths.tolist() == [32, 40, 40]
    assert data.card["bytes"] == sum(path.stat().st_size for path in (prepared_folder / "images").glob("*.arrow"))


def test_every_row_is_its_own_photograph_and_label(prepared_folder, photos):
    data = open_prepared(prepared_folder)
    rows = store.open_rows(prepared_folder / "images")
    files = sorted(photos.rglob("*.jpg"))
    assert data.labels.tolist() == [data.classes.index(path.parent.name) for path in files]
    assert [rows[i] for i in range(len(rows))] == [kept(path.read_bytes(), SIDE) for path in files]
    assert rows[3:9] == [rows[i] for i in range(3, 9)]


def test_many_threads_read_what_one_reads(prepared_folder):
    rows = store.open_rows(prepared_folder / "images")
    order = np.random.default_rng(0).integers(len(rows), size=2000).tolist()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(rows.__getitem__, order)) == [rows[i] for i in order]


def test_the_images_are_a_dataset_that_datasets_opens(prepared_folder):
    saved = load_from_disk(str(prepared_folder / "images"))
    assert len(saved) == 30
    assert saved[0]["image"].size == (32, 40)


def test_as_many_threads_as_wished_write_the_same_bytes(photo_spec, tmp_path, small_shards):
    for threads in (1, 3):
        preparation.prepare_encoded("insects", photo_spec, tmp_path / str(threads), threads=threads)
    assert contents(tmp_path / "1") == contents(tmp_path / "3")


@pytest.mark.parametrize("colour", ["rgb", "lab"])
def test_mean_and_deviation_are_those_of_the_stored_pixels_of_the_training_part(photo_spec, tmp_path, colour):
    prepare("insects", replace(photo_spec, colour=colour), tmp_path / "data")
    data = open_prepared(tmp_path / "data")
    train = data.images.read(data.indices("train")).values
    pixels = np.concatenate([image.reshape(-1, 3) for image in train])
    values = rgb2lab(pixels / 255) if colour == "lab" else pixels / 255
    assert data.mean == pytest.approx(values.mean(axis=0), rel=1e-6, abs=1e-6)
    assert data.std == pytest.approx(values.std(axis=0), rel=1e-6)
    assert data.card["measured"] == 18


def test_of_many_training_images_an_even_share_is_measured(photo_spec, tmp_path, monkeypatch):
    monkeypatch.setattr(preparation, "MEASURED", 6)
    prepare("insects", photo_spec, tmp_path / "data")
    data = open_prepared(tmp_path / "data")
    third = data.images.read(data.indices("train")[::3]).values
    pixels = np.concatenate([image.reshape(-1, 3) for image in third]) / 255
    assert data.card["measured"] == 6
    assert data.mean == pytest.approx(pixels.mean(axis=0), rel=1e-9)


def stopped(monkeypatch, *, after):
    """Let the preparation die while it writes the next shard."""
    write, done = store._write_shard, []

    def dies(path, notes, batch, start):
        if len(done) == after:
            (path.parent / f".{path.name}.1").write_bytes(b"half")
            raise KeyboardInterrupt
        done.append(start)
        return write(path, notes, batch, start)

    monkeypatch.setattr(store, "_write_shard", dies)
    return write


def test_a_stopped_preparation_goes_on_from_its_last_whole_shard(
    photo_spec, prepared_folder, tmp_path, monkeypatch, photos
):
    undisturbed, folder = contents(prepared_folder), tmp_path / "data" / "again"
    write = stopped(monkeypatch, after=3)
    with pytest.raises(KeyboardInterrupt):
        prepare("insects", photo_spec, folder)
    assert not folder.exists()
    monkeypatch.setattr(store, "_write_shard", write)
    for path in sorted(photos.rglob("*.jpg"))[:21]:
        path.write_bytes(b"no longer needed")
    prepare("insects", photo_spec, folder)
    assert contents(folder) == undisturbed
    assert sorted(path.name for path in folder.parent.iterdir()) == ["again", "insects"]


def test_a_finished_shard_that_was_damaged_is_made_again(photo_spec, prepared_folder, tmp_path, monkeypatch):
    undisturbed, folder = contents(prepared_folder), tmp_path / "data" / "again"
    write = stopped(monkeypatch, after=3)
    with pytest.raises(KeyboardInterrupt):
        prepare("insects", photo_spec, folder)
    monkeypatch.setattr(store, "_write_shard", write)
    shard = tmp_path / "data" / ".again.unfinished" / "images" / "data-00001-of-00005.arrow"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    prepare("insects", photo_spec, folder)
    assert contents(folder) == undisturbed


@pytest.mark.parametrize("change", [{"short_side": 30}, {"validation": 0.5}])
def test_shards_made_for_other_settings_are_not_taken_over(photo_spec, small_shards, tmp_path, monkeypatch, change):
    write = stopped(monkeypatch, after=3)
    with pytest.raises(KeyboardInterrupt):
        prepare("insects", photo_spec, tmp_path / "data")
    monkeypatch.setattr(store, "_write_shard", write)
    prepare("insects", replace(photo_spec, **change), tmp_path / "data")
    prepare("insects", replace(photo_spec, **change), tmp_path / "fresh")
    assert contents(tmp_path / "data") == contents(tmp_path / "fresh")


@pytest.fixture
def decodes(monkeypatch):
    """A list that grows with every image that is decoded."""
    found, keep = [], store.kept

    def counted(content, side):
        found.append(side)
        return keep(content, side)

    monkeypatch.setattr(store, "kept", counted)
    return found


@pytest.mark.parametrize("change", [{"broken": "skip"}, {"metric": "mean_per_class"}, {"size": 16}, {"path": "moved"}])
def test_what_changes_no_stored_image_keeps_the_finished_shards(
    photo_spec, small_shards, tmp_path, monkeypatch, photos, decodes, change
):
    write = stopped(monkeypatch, after=3)
    with pytest.raises(KeyboardInterrupt):
        prepare("insects", photo_spec, tmp_path / "data")
    monkeypatch.setattr(store, "_write_shard", write)
    decodes.clear()
    if "path" in change:
        change = {"path": str(photos.rename(tmp_path / "moved"))}
    prepare("insects", replace(photo_spec, **change), tmp_path / "data")
    assert len(decodes) == 30 - 21
    assert open_as(tmp_path / "data", "insects", replace(photo_spec, **change)).card["measured"] == 18


def test_a_shard_without_its_broken_images_is_made_again_for_a_study_that_skips_none(
    photo_spec, small_shards, prepared_folder, tmp_path, monkeypatch, photos
):
    path, folder = photos / "ant" / "8.jpg", tmp_path / "data" / "again"
    whole = path.read_bytes()
    path.write_bytes(b"no image")
    write = stopped(monkeypatch, after=3)
    with pytest.raises(KeyboardInterrupt):
        prepare("insects", replace(photo_spec, broken="skip"), folder)
    monkeypatch.setattr(store, "_write_shard", write)
    with pytest.raises(UserError, match=r"ant/8.jpg: cannot be read as an image"):
        prepare("insects", photo_spec, folder)
    path.write_bytes(whole)
    prepare("insects", photo_spec, folder)
    assert contents(folder) == contents(prepared_folder)


@pytest.mark.parametrize("file", ["labels.npy", "parts.npy", "card.json"])
@pytest.mark.parametrize("place", ["written", "moved"])
def test_a_fault_at_the_very_end_costs_no_image(
    photo_spec, prepared_folder, tmp_path, monkeypatch, decodes, capsys, file, place
):
    undisturbed, folder = contents(prepared_folder), tmp_path / "data" / "again"
    beside, move = folder.with_name(".again.unfinished"), os.replace

    def full(source, target):
        if Path(target) == (beside if place == "written" else folder) / file:
            raise OSError(errno.ENOSPC, "No space left on device")
        move(source, target)

    with monkeypatch.context() as disk:
        disk.setattr(os, "replace", full)
        with pytest.raises(UserError, match=r"cannot be written \(No space left on device\)"):
            prepare("insects", photo_spec, folder)
    assert not (folder / "card.json").exists()
    decodes.clear()
    capsys.readouterr()
    prepare("insects", photo_spec, folder)
    assert decodes == []
    assert ": 30/30 done" in capsys.readouterr().err
    assert contents(folder) == undisturbed
    assert sorted(path.name for path in folder.parent.iterdir()) == ["again", "insects"]


def test_the_disk_never_holds_more_than_twice_the_final_size(photo_spec, prepared_folder, monkeypatch):
    """Of images, and also when an old set is replaced by a new one: their size after every shard and at the end."""

    def size():
        return sum(path.stat().st_size for path in prepared_folder.parent.rglob("*.arrow"))

    final, write, sizes = size(), store._write_shard, []

    def measured(*arguments):
        shard = write(*arguments)
        sizes.append(size())
        return shard

    monkeypatch.setattr(store, "_write_shard", measured)
    prepare("insects", photo_spec, prepared_folder)
    assert len(sizes) == 5
    assert max(sizes) == 2 * final
    assert size() == final
    assert len(contents(prepared_folder.parent)) == 5 + 5  # nothing beside the set: shards, their two files, the others


def test_a_broken_image_ends_the_preparation_and_is_named(photo_spec, photos, tmp_path):
    path = photos / "bee" / "3.jpg"
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(
        UserError, match=r"bee/3.jpg: cannot be read as an image \(.*truncated.*\); repair or remove it"
    ):
        prepare("insects", photo_spec, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_after_a_repair_the_preparation_goes_on(photo_spec, photos, prepared_folder, tmp_path):
    path = photos / "cat" / "3.jpg"
    whole = path.read_bytes()
    path.write_bytes(b"")
    with pytest.raises(UserError, match=r"cat/3.jpg"):
        prepare("insects", photo_spec, tmp_path / "data" / "again")
    path.write_bytes(whole)
    prepare("insects", photo_spec, tmp_path / "data" / "again")
    assert contents(tmp_path / "data" / "again") == contents(prepared_folder)


def test_broken_images_are_left_out_and_counted_where_the_study_says_so(
    photo_spec, photos, prepared_folder, tmp_path, capsys
):
    (photos / "bee" / "3.jpg").write_bytes(b"no image")
    (photos / "cat" / "0.jpg").write_bytes((photos / "cat" / "0.jpg").read_bytes()[:-300])
    prepare("insects", replace(photo_spec, broken="skip"), tmp_path / "data" / "skipped")
    data, whole = open_prepared(tmp_path / "data" / "skipped"), open_prepared(prepared_folder)
    left = [row for row in range(30) if row not in (13, 20)]
    assert len(data.card["skipped"]) == 2
    assert "bee/3.jpg: in no format that Pillow knows" in data.card["skipped"][0]
    assert "2 of 30 images cannot be read and are left out, as" in capsys.readouterr().err
    # the others stay in the parts that they are in without the fault
    assert data.labels.tolist() == whole.labels[left].tolist()
    assert data.parts.tolist() == whole.parts[left].tolist()
    rows = [store.open_rows(folder / "images") for folder in (tmp_path / "data" / "skipped", prepared_folder)]
    assert list(rows[0]) == [rows[1][row] for row in left]


def test_an_image_that_the_disk_does_not_give_is_never_left_out(photo_spec, photos, tmp_path, monkeypatch):
    (photos / "cat" / "0.jpg").unlink()
    (photos / "cat" / "0.jpg").mkdir()
    with pytest.raises(
        UserError, match=r"cat/0.jpg: cannot be read from disk \(Is a directory\); mend that, then rerun"
    ):
        prepare("x", replace(photo_spec, broken="skip"), tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_class_that_loses_all_images_of_a_part_is_not_left_out_in_silence(photo_spec, photos, tmp_path):
    for path in (photos / "bee").iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(UserError, match=r"datasets.x: class 'bee' has 0 images and none in the train part"):
        prepare("x", replace(photo_spec, broken="skip"), tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_the_card_vouches_for_every_file(prepared_folder):
    card = json.loads((prepared_folder / "card.json").read_text())
    files = set(contents(prepared_folder)) - {"card.json"}
    assert card["files"] == {file: sha256(prepared_folder / file) for file in files}
    assert len(card["shards"]) == 5
    assert verify(prepared_folder) == len(files) == 9


def altered(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("file", ["labels.npy", "parts.npy", "images/state.json", "images/dataset_info.json"])
def test_an_altered_byte_is_noticed_at_once(prepared_folder, file):
    altered(prepared_folder / file, -1)
    with pytest.raises(UserError, match=f"{file}: truncated or altered .* delete the folder and rerun"):
        open_prepared(prepared_folder)


@pytest.mark.parametrize("position", [0, -1])
def test_an_alteration_at_a_shards_ends_is_noticed_at_once(prepared_folder, position, monkeypatch):
    altered(prepared_folder / "images" / "data-00002-of-00005.arrow", position)
    with pytest.raises(UserError, match=r"data-00002-of-00005.arrow: truncated or altered"):
        open_prepared(prepared_folder)


def test_an_alteration_in_the_middle_of_a_large_shard_is_noticed_by_verify(photo_spec, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "END", 64)
    prepare("insects", photo_spec, tmp_path / "data")
    shard = tmp_path / "data" / "images" / "data-00000-of-00001.arrow"
    altered(shard, shard.stat().st_size // 2)
    open_prepared(tmp_path / "data")
    with pytest.raises(UserError, match=r"data-00000-of-00001.arrow: truncated or altered"):
        verify(tmp_path / "data")


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_shard_that_is_cut_short_or_gone_is_noticed(prepared_folder, damage):
    shard = prepared_folder / "images" / "data-00004-of-00005.arrow"
    if damage == "cut":
        shard.write_bytes(shard.read_bytes()[:-1])
    else:
        shard.unlink()
    with pytest.raises(UserError, match=r"data-00004-of-00005.arrow: (truncated|missing)"):
        open_prepared(prepared_folder)


def test_the_checksum_follows_the_bytes(prepared_folder, photo_spec, small_shards, tmp_path):
    prepare("others", photo_spec, tmp_path / "renamed")
    prepare("insects", replace(photo_spec, short_side=31), tmp_path / "smaller")
    checksum = open_prepared(prepared_folder).checksum
    assert checksum == open_prepared(tmp_path / "renamed").checksum
    assert checksum != open_prepared(tmp_path / "smaller").checksum


def test_small_images_of_cifar_are_kept_without_loss(spec, tmp_path):
    stand_in("cifar10", tmp_path / "raw", Amount(classes=3, images=4, side=32))
    settings = replace(spec, source="cifar10", path=str(tmp_path / "raw"), size=224, test=0.0)
    prepare("whole", replace(settings, size=32), tmp_path / "whole")
    prepare("encoded", replace(settings, short_side=256), tmp_path / "encoded")
    arrays, files = open_prepared(tmp_path / "whole"), open_prepared(tmp_path / "encoded")
    every = np.arange(24)
    assert np.array_equal(arrays.images.read(every).values.numpy(), np.stack(files.images.read(every).values))
    assert arrays.mean == pytest.approx(files.mean, rel=1e-12)
    assert (arrays.size, files.size) == (32, 224)


@pytest.mark.parametrize(
    ("dataset", "says"),
    [
        (
            "source: digits, path: x",
            "path: 'x'; digits ships inside an installed Python package; allowed: null, or no path",
        ),
        ("source: imagenet, short_side: 256", "path: None; imagenet needs the folder of its files; allowed: a folder"),
        ("source: folder, path: ''", "path: ''; folder needs the folder of its files"),
        ("source: digits, short_side: 256", "short_side: 256; digits is stored as one array; allowed: null"),
        ("source: dtd, path: x", "short_side: null; dtd is stored as encoded images; allowed: whole numbers from 1"),
        ("source: dtd, path: x, short_side: 0", "short_side: 0"),
        ("source: cifar10, path: x, short_side: 32", "channels: 1; encoded images are in colour; allowed: 3"),
        ("source: digits, broken: skip", "broken: 'skip'; only encoded images can be left out; allowed: 'fatal', or a"),
    ],
)
def test_settings_that_do_not_fit_the_source_are_one_line(tmp_path, dataset, says):
    text = Path("params/demo.yaml").read_text()
    old = "{source: digits, "
    assert old in text
    (tmp_path / "study.yaml").write_text(text.replace(old, f"{{{dataset}, ", 1))
    with pytest.raises(UserError) as caught:
        load_study(tmp_path / "study.yaml")
    assert str(caught.value).startswith(f"{tmp_path / 'study.yaml'}: datasets.digits.{says}")
    assert "\n" not in str(caught.value)
