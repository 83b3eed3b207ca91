"""Datasets that stay encoded: what a prepared one holds, what broken images do, how damage is noticed."""

import errno
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from datasets import load_from_disk
from skimage.color import rgb2lab
from tests.data.conftest import SHORT_SIDE, contents

from entrec.artefacts import sha256
from entrec.data import prepare_encoded as preparation
from entrec.data import source, store
from entrec.data.encoding import encoded
from entrec.data.prepare import prepare
from entrec.data.prepared import open_as, open_prepared
from entrec.data.splits import SPLITS
from entrec.data.stand_in import Amount, write_stand_in
from entrec.errors import UserError
from entrec.paths import DatasetFolder
from entrec.pipeline.verify import dataset_faults


def test_the_encoded_folder_opens_with_images_of_their_own_sizes(encoded_folder, photo_spec):
    data = open_as(encoded_folder, "insects", photo_spec)
    assert (len(data.images), data.size, data.channels) == (30, 24, 3)
    assert {split: len(data.indices(split)) for split in SPLITS} == {
        "train": 18,
        "validation": 6,
        "test": 6,
    }
    pixels = data.images.read(np.array([0, 1, 29]))
    assert pixels.heights.tolist() == [40, 32, 32]
    assert pixels.widths.tolist() == [32, 40, 40]
    assert data.card.bytes == sum(path.stat().st_size for path in (encoded_folder / "images").glob("*.arrow"))


def test_every_row_is_its_own_photograph_and_label(encoded_folder, photos):
    data = open_prepared(encoded_folder)
    rows = store.open_rows(encoded_folder / "images")
    files = sorted(photos.rglob("*.jpg"))
    assert data.labels.tolist() == [data.classes.index(path.parent.name) for path in files]
    assert [rows[i] for i in range(len(rows))] == [encoded(path.read_bytes(), SHORT_SIDE).content for path in files]
    assert rows[3:9] == [rows[i] for i in range(3, 9)]


def test_many_threads_read_what_one_reads(encoded_folder):
    rows = store.open_rows(encoded_folder / "images")
    order = np.random.default_rng(0).integers(len(rows), size=2000).tolist()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(rows.__getitem__, order)) == [rows[i] for i in order]


def test_the_images_are_a_dataset_that_datasets_opens(encoded_folder):
    saved = load_from_disk(str(encoded_folder / "images"))
    assert len(saved) == 30
    assert saved[0]["image"].size == (32, 40)


def test_as_many_threads_as_wished_write_the_same_bytes(photo_spec, tmp_path, small_shards):
    for threads in (1, 3):
        preparation.prepare_encoded("insects", photo_spec, tmp_path / str(threads), threads=threads)
    assert contents(tmp_path / "1") == contents(tmp_path / "3")


@pytest.mark.parametrize("colour", ["rgb", "lab"])
def test_mean_and_deviation_are_those_of_the_stored_pixels_of_the_training_split(photo_spec, tmp_path, colour):
    prepare("insects", replace(photo_spec, colour=colour), tmp_path / "data")
    data = open_prepared(tmp_path / "data")
    train = data.images.read(data.indices("train")).values
    pixels = np.concatenate([image.reshape(-1, 3) for image in train])
    values = rgb2lab(pixels / 255) if colour == "lab" else pixels / 255
    assert data.mean == pytest.approx(values.mean(axis=0), rel=1e-6, abs=1e-6)
    assert data.std == pytest.approx(values.std(axis=0), rel=1e-6)
    assert data.card.measured == 18


def test_of_many_training_images_an_even_share_is_measured(photo_spec, tmp_path, monkeypatch):
    monkeypatch.setattr(preparation, "MEASURED", 6)
    prepare("insects", photo_spec, tmp_path / "data")
    data = open_prepared(tmp_path / "data")
    third = data.images.read(data.indices("train")[::3]).values
    pixels = np.concatenate([image.reshape(-1, 3) for image in third]) / 255
    assert data.card.measured == 6
    assert data.mean == pytest.approx(pixels.mean(axis=0), rel=1e-9)


def test_the_disk_never_holds_more_than_twice_the_final_size(photo_spec, encoded_folder, monkeypatch):
    """Of images, and also when an old set is replaced by a new one: their size after every shard and at the end."""

    def size():
        return sum(path.stat().st_size for path in encoded_folder.parent.rglob("*.arrow"))

    final, write, sizes = size(), store._write_shard, []

    def measured(*arguments):
        shard = write(*arguments)
        sizes.append(size())
        return shard

    monkeypatch.setattr(store, "_write_shard", measured)
    prepare("insects", photo_spec, encoded_folder)
    assert len(sizes) == 5
    assert max(sizes) == 2 * final
    assert size() == final
    beside = set(contents(encoded_folder.parent)) - {f"insects/{file}" for file in contents(encoded_folder)}
    assert beside == {".insects.seen.json"}


def test_a_broken_image_ends_the_preparation_and_is_named(photo_spec, photos, tmp_path):
    path = photos / "bee" / "3.jpg"
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(
        UserError, match=r"bee/3.jpg: cannot be read as an image \(.*truncated.*\); repair or remove it"
    ):
        prepare("insects", photo_spec, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_broken_images_are_left_out_and_counted_where_the_study_says_so(
    photo_spec, photos, encoded_folder, tmp_path, capsys
):
    (photos / "bee" / "3.jpg").write_bytes(b"no image")
    (photos / "cat" / "0.jpg").write_bytes((photos / "cat" / "0.jpg").read_bytes()[:-300])
    prepare("insects", replace(photo_spec, broken="skip"), tmp_path / "data" / "skipped")
    data, whole = open_prepared(tmp_path / "data" / "skipped"), open_prepared(encoded_folder)
    left = [row for row in range(30) if row not in (13, 20)]
    assert len(data.card.skipped) == 2
    assert "bee/3.jpg: in no format that Pillow knows" in data.card.skipped[0]
    assert "2 of 30 images cannot be read and are left out, as" in capsys.readouterr().err
    # the others stay in the splits that they have without the fault
    assert data.labels.tolist() == whole.labels[left].tolist()
    assert data.splits.tolist() == whole.splits[left].tolist()
    rows = [store.open_rows(folder / "images") for folder in (tmp_path / "data" / "skipped", encoded_folder)]
    assert list(rows[0]) == [rows[1][row] for row in left]


def test_an_image_that_the_disk_does_not_give_is_never_left_out(photo_spec, photos, tmp_path, monkeypatch):
    read = source._content

    def content(path):
        if path.endswith("cat/0.jpg"):
            raise OSError(errno.EIO, "Input/output error")
        return read(path)

    monkeypatch.setattr(source, "_content", content)
    with pytest.raises(
        UserError, match=r"cat/0.jpg: cannot be read from disk \(Input/output error\); fix access, then rerun"
    ):
        prepare("x", replace(photo_spec, broken="skip"), tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_class_that_loses_all_images_of_a_split_is_not_left_out_in_silence(photo_spec, photos, tmp_path):
    for path in (photos / "bee").iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(UserError, match=r"datasets.x: class 'bee' has 0 images and none in the train split"):
        prepare("x", replace(photo_spec, broken="skip"), tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_the_card_holds_the_digest_of_every_file(encoded_folder):
    card = json.loads((encoded_folder / "card.json").read_text())
    files = set(contents(encoded_folder)) - {"card.json"}
    assert card["files"] == {file: sha256(encoded_folder / file) for file in files}
    assert len(card["shards"]) == 5
    assert len(files) == 10
    assert dataset_faults(DatasetFolder(encoded_folder)) == []


def altered(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("file", ["labels.npy", "splits.npy", "images/state.json", "images/dataset_info.json"])
def test_an_altered_byte_is_noticed_at_once(encoded_folder, file):
    altered(encoded_folder / file, -1)
    with pytest.raises(UserError, match=f"{file}: truncated or altered .* delete the folder and make it again: rerun"):
        open_prepared(encoded_folder)


@pytest.mark.parametrize("position", [0, -1])
def test_an_alteration_at_a_shards_ends_is_noticed_at_once(encoded_folder, position, monkeypatch):
    altered(encoded_folder / "images" / "data-00002-of-00005.arrow", position)
    with pytest.raises(UserError, match=r"data-00002-of-00005.arrow: truncated or altered"):
        open_prepared(encoded_folder)


def test_an_alteration_in_the_middle_of_a_large_shard_is_noticed_by_verify(photo_spec, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "END", 64)
    prepare("insects", photo_spec, tmp_path / "data")
    shard = tmp_path / "data" / "images" / "data-00000-of-00001.arrow"
    altered(shard, shard.stat().st_size // 2)
    open_prepared(tmp_path / "data")
    (fault,) = dataset_faults(DatasetFolder(tmp_path / "data"))
    assert str(fault).startswith(f"{shard}: damaged (not the file that ")


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_shard_that_is_cut_short_or_gone_is_noticed(encoded_folder, damage):
    shard = encoded_folder / "images" / "data-00004-of-00005.arrow"
    if damage == "cut":
        shard.write_bytes(shard.read_bytes()[:-1])
    else:
        shard.unlink()
    with pytest.raises(UserError, match=r"data-00004-of-00005.arrow: (truncated|missing)"):
        open_prepared(encoded_folder)


def test_the_checksum_follows_the_bytes_and_the_settings(encoded_folder, photo_spec, small_shards, tmp_path):
    prepare("insects", photo_spec, tmp_path / "again")
    prepare("insects", replace(photo_spec, short_side=31), tmp_path / "smaller")
    checksum = open_prepared(encoded_folder).checksum
    assert checksum == open_prepared(tmp_path / "again").checksum
    assert checksum != open_prepared(tmp_path / "smaller").checksum


def test_small_images_of_cifar_are_kept_without_loss(spec, tmp_path):
    write_stand_in("cifar10", tmp_path / "raw", Amount(classes=3, images=4, side=32))
    settings = replace(spec, source="cifar10", path=str(tmp_path / "raw"), size=224, test=0.0)
    prepare("whole", replace(settings, size=32), tmp_path / "whole")
    prepare("encoded", replace(settings, short_side=256), tmp_path / "encoded")
    arrays, files = open_prepared(tmp_path / "whole"), open_prepared(tmp_path / "encoded")
    every = np.arange(24)
    assert np.array_equal(arrays.images.read(every).values.numpy(), np.stack(files.images.read(every).values))
    assert arrays.mean == pytest.approx(files.mean, rel=1e-12)
    assert (arrays.size, files.size) == (32, 224)
