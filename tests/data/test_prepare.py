"""A prepared dataset: what is written, what its card says, and how damage is noticed."""

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import edited_result
from tests.data.conftest import contents

from entrec.artefacts import sha256
from entrec.data.prepare import prepare
from entrec.data.prepared import open_as, open_prepared
from entrec.data.splits import SPLITS
from entrec.errors import UserError
from entrec.evaluation.evaluate import evaluate
from entrec.evaluation.transfer import transfer
from entrec.runs import Run
from entrec.training.pretrain import pretrain

FILES = ["images.npy", "labels.npy", "originals.csv", "splits.npy"]


@pytest.fixture
def prepared_folder(folder_spec, tmp_path) -> Path:
    prepare("insects", folder_spec, tmp_path / "prepared")
    return tmp_path / "prepared"


def test_a_prepared_dataset_opens_with_what_its_spec_asked_for(prepared_folder):
    data = open_prepared(prepared_folder)
    assert data.name == "insects"
    assert data.classes == ["ant", "bee", "cat"]
    assert data.images.array.shape == (30, 8, 8, 3)
    assert data.images.array.dtype == np.uint8
    assert isinstance(data.images.array, np.memmap)
    assert data.labels.dtype == np.int64
    by_split = {split: data.indices(split) for split in SPLITS}
    assert {split: len(indices) for split, indices in by_split.items()} == {"train": 18, "validation": 6, "test": 6}
    assert sorted(np.concatenate(list(by_split.values())).tolist()) == list(range(30))
    assert all(set(data.labels[indices]) == {0, 1, 2} for indices in by_split.values())


def test_mean_and_deviation_are_those_of_the_training_split_alone(prepared_folder):
    data = open_prepared(prepared_folder)
    train = data.images.array[data.indices("train")] / 255
    assert data.mean == pytest.approx(tuple(train.mean(axis=(0, 1, 2))), rel=1e-12)
    assert data.std == pytest.approx(tuple(train.std(axis=(0, 1, 2))), rel=1e-12)


def test_the_card_says_all_that_a_reader_needs(prepared_folder, folder_spec):
    card = json.loads((prepared_folder / "card.json").read_text())
    assert card["files"] == {file: sha256(prepared_folder / file) for file in FILES}
    assert card["counts"] == {"train": 18, "validation": 6, "test": 6}
    assert card["class_counts"]["train"] == [6, 6, 6]
    assert card["spec"]["source"] == "folder"
    assert card["spec"]["validation"] == folder_spec.validation
    assert {"description", "origin", "licence", "classes", "size", "channels"} <= card.keys()


def test_preparing_again_gives_the_same_bytes(prepared_folder, folder_spec):
    before = contents(prepared_folder)
    prepare("insects", folder_spec, prepared_folder)
    assert contents(prepared_folder) == before
    assert sorted(before) == ["card.json", *FILES]


def test_the_checksum_follows_the_bytes_and_the_settings(prepared_folder, folder_spec, tmp_path):
    prepare("insects", replace(folder_spec, size=7), tmp_path / "smaller")
    prepare("insects", folder_spec, tmp_path / "again")
    checksum = open_prepared(prepared_folder).checksum
    assert checksum != open_prepared(tmp_path / "smaller").checksum
    assert checksum == open_prepared(tmp_path / "again").checksum


@pytest.mark.parametrize("name", ["digits", "faces", "textures"])
def test_embedded_sources_are_prepared_at_the_size_and_channels_asked_for(spec, name, tmp_path):
    prepare(name, replace(spec, source=name, size=16, channels=1), tmp_path)
    data = open_prepared(tmp_path)
    assert data.images.array.shape[1:] == (16, 16, 1)
    assert len(data.mean) == len(data.std) == 1


def test_digits_at_their_own_size_are_the_sources_own_pixels(spec, tmp_path):
    prepare("digits", replace(spec, source="digits", channels=1), tmp_path)
    assert len(np.unique(open_prepared(tmp_path).images.array)) == 17


@pytest.mark.parametrize("file", FILES)
def test_an_altered_byte_is_noticed(prepared_folder, file):
    path = prepared_folder / file
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"{file}: truncated or altered .* delete the folder and make it again: rerun"):
        open_prepared(prepared_folder)


@pytest.mark.parametrize("file", FILES)
def test_an_alteration_between_two_readings_of_a_process_is_noticed(prepared_folder, file):
    open_prepared(prepared_folder)
    path = prepared_folder / file
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match=f"{file}: truncated or altered"):
        open_prepared(prepared_folder)


@pytest.mark.parametrize("file", FILES)
def test_a_missing_file_is_noticed(prepared_folder, file):
    (prepared_folder / file).unlink()
    with pytest.raises(UserError, match=f"{file}: missing; delete the folder and make it again: rerun"):
        open_prepared(prepared_folder)


def test_a_missing_card_is_noticed(prepared_folder):
    (prepared_folder / "card.json").unlink()
    with pytest.raises(UserError, match=r"card.json: missing"):
        open_prepared(prepared_folder)


@pytest.mark.parametrize("card", ['{"name": "x"', "[]", '{"name": "x", "files": {}}', "null"])
def test_a_damaged_or_foreign_card_is_noticed(prepared_folder, card):
    (prepared_folder / "card.json").write_text(card)
    with pytest.raises(UserError, match=r"card.json: damaged \(.*\); delete it and make it again: rerun the "):
        open_prepared(prepared_folder)


@pytest.mark.parametrize("file", ["images.npy", "labels.npy", "splits.npy"])
def test_a_card_without_the_digest_of_a_file_is_noticed(prepared_folder, file):
    with edited_result(prepared_folder / "card.json") as card:
        del card["files"][file]
    with pytest.raises(UserError, match=f"card.json: damaged .has no digest of {file}."):
        open_prepared(prepared_folder)


def test_a_full_disk_leaves_the_old_dataset_whole(prepared_folder, folder_spec, monkeypatch):
    before = contents(prepared_folder)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(UserError, match=r"cannot be written \(No space left on device\)"):
        prepare("insects", replace(folder_spec, size=7), prepared_folder)
    assert contents(prepared_folder) == before


def test_a_flush_that_fails_halfway_leaves_the_old_dataset_whole(prepared_folder, folder_spec, monkeypatch):
    before, flushed = contents(prepared_folder), []

    def full_at_the_third(file: int) -> None:
        flushed.append(file)
        if len(flushed) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_at_the_third)
    with pytest.raises(UserError, match=r"cannot be written \(No space left on device\)"):
        prepare("insects", replace(folder_spec, size=7, validation=0.5), prepared_folder)
    assert contents(prepared_folder) == before


def test_a_move_that_fails_leaves_no_dataset_that_opens(prepared_folder, folder_spec):
    (prepared_folder / "labels.npy").unlink()
    (prepared_folder / "labels.npy").mkdir()
    with pytest.raises(UserError, match=r"cannot be written \(Is a directory\)"):
        prepare("insects", replace(folder_spec, size=7), prepared_folder)
    with pytest.raises(UserError, match=r"images.npy: truncated or altered"):
        open_prepared(prepared_folder)


def test_a_dataset_opens_only_under_its_own_name_and_spec(prepared_folder, folder_spec):
    assert open_as(prepared_folder, "insects", folder_spec).name == "insects"
    with pytest.raises(UserError, match=r"prepared: holds 'insects', not 'birds'; give its folder or rerun"):
        open_as(prepared_folder, "birds", folder_spec)
    with pytest.raises(UserError, match=r"prepared: prepared from .*'size': 8.*'size': 7.*; delete the folder and"):
        open_as(prepared_folder, "insects", replace(folder_spec, size=7))


def test_a_step_refuses_the_folder_of_another_dataset(demo, digits_folder, tmp_path):
    run, faces = Run("untrained", 256, 20, 0), replace(demo, dataset="faces")
    scores = {"data": digits_folder, "encoder": tmp_path / "encoder", "output": tmp_path / "scores.json"}
    for step in (
        lambda: pretrain(faces, run, data=digits_folder, folder=tmp_path),
        lambda: evaluate(faces, run, **scores),
        lambda: transfer(demo, run, "faces", **scores),
    ):
        with pytest.raises(UserError, match="holds 'digits', not 'faces'"):
            step()
    assert not list(tmp_path.iterdir())


def test_a_bad_source_leaves_the_old_dataset_whole(prepared_folder, folder_spec, image_folder):
    before = contents(prepared_folder)
    (image_folder / "ant" / "0.jpg").write_text("damaged")
    with pytest.raises(UserError, match=r"0.jpg"):
        prepare("insects", folder_spec, prepared_folder)
    assert contents(prepared_folder) == before


def test_images_without_any_difference_are_refused(folder_spec, image_folder, tmp_path):
    for path in image_folder.rglob("*.*g"):
        Image.new("RGB", (8, 8), "red").save(path.with_suffix(".png"))
        path.with_suffix(".jpg").unlink(missing_ok=True)
    with pytest.raises(UserError, match=r"datasets.x: a channel is the same in every training pixel"):
        prepare("x", folder_spec, tmp_path / "prepared")
    assert not (tmp_path / "prepared").exists()
