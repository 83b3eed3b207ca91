"""A preparation that was stopped continues, and its result has the bytes of one that was not stopped."""

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from tests.data.conftest import calls_of, contents

from entrec.data import store
from entrec.data.prepare import prepare
from entrec.data.prepared import open_as
from entrec.errors import UserError


def stopped(spec, folder):
    """Let a preparation of 30 images in shards of 7 die while it writes the fourth shard."""
    write, done = store._write_shard, []

    def dies(path, sidecars, batch, start, origin):
        if len(done) == 3:
            (path.parent / f".{path.name}.1").write_bytes(b"half")
            raise KeyboardInterrupt
        done.append(start)
        return write(path, sidecars, batch, start, origin)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(store, "_write_shard", dies)
        with pytest.raises(KeyboardInterrupt):
            prepare("insects", spec, folder)


@pytest.fixture
def decodes(monkeypatch):
    """A list that grows with every image that is decoded."""
    return calls_of(store, "encoded", monkeypatch)


def test_a_stopped_preparation_goes_on_from_its_last_whole_shard(
    photo_spec, encoded_folder, tmp_path, monkeypatch, decodes
):
    undisturbed, folder = contents(encoded_folder), tmp_path / "data" / "again"
    stopped(photo_spec, folder)
    assert not folder.exists()
    decodes.clear()
    prepare("insects", photo_spec, folder)
    assert len(decodes) == 30 - 21
    assert contents(folder) == undisturbed
    assert not (folder.parent / ".again.unfinished").exists()


def test_a_shard_is_made_again_where_what_is_known_of_it_was_altered(
    photo_spec, encoded_folder, tmp_path, monkeypatch, decodes
):
    """The digest of the shard is right; its share of mean and standard deviation would not be."""
    undisturbed, folder = contents(encoded_folder), tmp_path / "data" / "again"
    stopped(photo_spec, folder)
    sidecars = sorted(folder.parent.glob(".again.unfinished/sidecars/*.json"))
    values = json.loads(sidecars[1].read_text())
    values["moments"]["images"] += 1
    sidecars[1].write_text(json.dumps(values))
    decodes.clear()
    prepare("insects", photo_spec, folder)
    assert len(decodes) == 30 - 7
    assert contents(folder) == undisturbed


@pytest.mark.parametrize("times", ["new", "kept"])
def test_no_shard_keeps_images_that_were_replaced_under_the_same_names(
    photo_spec, small_shards, tmp_path, monkeypatch, photos, times
):
    stopped(photo_spec, tmp_path / "data")
    path = sorted(photos.rglob("*.jpg"))[0]
    before = path.stat()
    Image.new("RGB", (40, 40), "red").save(path)
    path.write_bytes(path.read_bytes().ljust(before.st_size, b"\0"))  # what follows the end of a JPEG is ignored
    if times == "kept":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert path.stat().st_size == before.st_size
    prepare("insects", photo_spec, tmp_path / "data")
    prepare("insects", photo_spec, tmp_path / "fresh")
    assert contents(tmp_path / "data") == contents(tmp_path / "fresh")


def test_a_finished_shard_that_was_damaged_is_made_again(photo_spec, encoded_folder, tmp_path, monkeypatch):
    undisturbed, folder = contents(encoded_folder), tmp_path / "data" / "again"
    stopped(photo_spec, folder)
    shard = tmp_path / "data" / ".again.unfinished" / "images" / "data-00001-of-00005.arrow"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    prepare("insects", photo_spec, folder)
    assert contents(folder) == undisturbed


@pytest.mark.parametrize("change", [{"short_side": 30}, {"validation": 0.5}])
def test_shards_made_for_other_settings_are_not_taken_over(photo_spec, small_shards, tmp_path, monkeypatch, change):
    stopped(photo_spec, tmp_path / "data")
    prepare("insects", replace(photo_spec, **change), tmp_path / "data")
    prepare("insects", replace(photo_spec, **change), tmp_path / "fresh")
    assert contents(tmp_path / "data") == contents(tmp_path / "fresh")


@pytest.mark.parametrize("change", [{"broken": "skip"}, {"metric": "mean_per_class"}, {"size": 16}, {"path": "moved"}])
def test_what_changes_no_stored_image_keeps_the_finished_shards(
    photo_spec, small_shards, tmp_path, monkeypatch, photos, decodes, change
):
    stopped(photo_spec, tmp_path / "data")
    decodes.clear()
    if "path" in change:
        change = {"path": str(photos.rename(tmp_path / "moved"))}
    prepare("insects", replace(photo_spec, **change), tmp_path / "data")
    assert len(decodes) == 30 - 21
    assert open_as(tmp_path / "data", "insects", replace(photo_spec, **change)).card.measured == 18


def test_a_shard_without_its_broken_images_is_made_again_for_a_study_that_skips_none(
    photo_spec, small_shards, encoded_folder, tmp_path, monkeypatch, photos
):
    path, folder = photos / "ant" / "8.jpg", tmp_path / "data" / "again"
    whole = path.read_bytes()
    path.write_bytes(b"no image")
    stopped(replace(photo_spec, broken="skip"), folder)
    with pytest.raises(UserError, match=r"ant/8.jpg: cannot be read as an image"):
        prepare("insects", photo_spec, folder)
    path.write_bytes(whole)
    prepare("insects", photo_spec, folder)
    assert contents(folder) == contents(encoded_folder)


@pytest.mark.parametrize("file", ["labels.npy", "splits.npy", "card.json"])
@pytest.mark.parametrize("place", ["written", "moved"])
def test_a_fault_at_the_very_end_costs_no_image(
    photo_spec, encoded_folder, tmp_path, monkeypatch, decodes, capsys, file, place
):
    undisturbed, folder = contents(encoded_folder), tmp_path / "data" / "again"
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
    assert not (folder.parent / ".again.unfinished").exists()


def test_after_a_repair_the_preparation_goes_on(photo_spec, photos, encoded_folder, tmp_path):
    path = photos / "cat" / "3.jpg"
    whole = path.read_bytes()
    path.write_bytes(b"")
    with pytest.raises(UserError, match=r"cat/3.jpg"):
        prepare("insects", photo_spec, tmp_path / "data" / "again")
    path.write_bytes(whole)
    prepare("insects", photo_spec, tmp_path / "data" / "again")
    assert contents(tmp_path / "data" / "again") == contents(encoded_folder)


def test_two_processes_do_not_prepare_the_same_dataset_at_once(photo_spec, encoded_folder, tmp_path, monkeypatch):
    """The second is refused while the first holds the folder of the unfinished shards, and nothing is lost."""
    write, refused = store._write_shard, []

    def meanwhile(*arguments):
        with pytest.raises(UserError, match=r"\.again\.unfinished: another process is at work there"):
            prepare("insects", photo_spec, tmp_path / "data" / "again")
        refused.append(arguments)
        return write(*arguments)

    monkeypatch.setattr(store, "_write_shard", meanwhile)
    prepare("insects", photo_spec, tmp_path / "data" / "again")
    assert len(refused) == 5
    assert contents(tmp_path / "data" / "again") == contents(encoded_folder)
