"""The original files of a dataset: what counts as a change, and that a change is noticed however it is hidden."""

import os
import shutil
import subprocess
from dataclasses import replace

import pytest
from PIL import Image
from tests.data.conftest import calls_of

from entrec.data import originals
from entrec.data.originals import Place, changes, read_steadily, verify_originals, watched
from entrec.data.prepare import prepare
from entrec.data.prepared import open_prepared
from entrec.data.stand_in import MARKER, Amount, write_stand_in
from entrec.errors import UserError
from entrec.paths import DatasetFolder
from entrec.pipeline.verify import original_faults
from entrec.sources import SOURCES

STAND_INS = [name for name, source in SOURCES.items() if source.supply == "makers"]


@pytest.fixture
def images(tmp_path):
    """Twelve images of two classes, one of which has a folder of its own below."""
    root = tmp_path / "images"
    for number in range(12):
        folder = root / ("cat", "dog/old", "dog")[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((12, 12), 40 + number).convert("RGB").save(folder / f"{number:02d}.png")
    return root


@pytest.fixture
def own(spec, images):
    return replace(spec, source="folder", path=str(images))


@pytest.fixture
def folder(own, tmp_path):
    """The prepared dataset of these images."""
    prepare("own", own, tmp_path / "data" / "own")
    return DatasetFolder(tmp_path / "data" / "own")


@pytest.fixture
def reads(monkeypatch):
    """A list that grows with every file whose contents are read."""
    return calls_of(originals, "_digest", monkeypatch)


def disguise(path, before):
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def test_the_list_is_what_the_system_s_own_tool_computes(folder, images):
    rows = [line.split(",") for line in folder.originals.read_text().splitlines()[1:]]
    names = [name for name, _, _ in rows]
    assert names == sorted(str(path.relative_to(images)) for path in images.rglob("*.png"))
    assert [int(size) for _, size, _ in rows] == [(images / name).stat().st_size for name in names]
    said = subprocess.run(["sha256sum", *names], cwd=images, capture_output=True, text=True, check=True).stdout
    assert [f"{digest}  {name}" for name, _, digest in rows] == said.splitlines()


def test_nothing_is_read_as_long_as_sizes_and_times_are_the_same(own, folder, reads):
    assert changes(own, folder) is None
    assert reads == []


CHANGES = {
    "added": lambda images: shutil.copy(images / "cat/00.png", images / "cat/99.png"),
    "added deep in a class": lambda images: shutil.copy(images / "cat/00.png", images / "dog/old/99.png"),
    "a class added": lambda images: shutil.copytree(images / "cat", images / "bird"),
    "removed": lambda images: (images / "dog/old/04.png").unlink(),
    "renamed": lambda images: (images / "cat/00.png").rename(images / "cat/zero.png"),
    "moved to another class": lambda images: (images / "cat/00.png").rename(images / "dog/00.png"),
    "altered": lambda images: Image.new("RGB", (12, 12)).save(images / "dog/old/04.png"),
    "swapped": lambda images: swap(images / "cat/00.png", images / "dog/02.png"),
}


def swap(one, other):
    aside = one.rename(one.with_suffix(".aside"))
    other.rename(one)
    aside.rename(other)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_images_is_named(own, folder, images, change):
    CHANGES[change](images)
    assert "since" in changes(own, folder)
    prepare("own", own, folder.folder)
    assert changes(own, folder) is None


def test_the_words_say_how_many_and_which_first(own, folder, images):
    for name in ("97", "98", "99"):
        shutil.copy(images / "cat/00.png", images / "cat" / f"{name}.png")
    (images / "dog/02.png").unlink()
    assert changes(own, folder) == (
        f"3 added (cat/97.png and 2 more), 1 removed (dog/02.png) since {folder.folder} was prepared"
    )


def test_a_file_of_the_same_size_and_time_is_found_by_its_content(own, folder, images):
    path = images / "cat/00.png"
    before, content = path.stat(), bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    disguise(path, before)
    assert changes(own, folder).startswith("1 altered (cat/00.png)")
    with pytest.raises(UserError, match=r"images: 1 altered \(cat/00.png\) since .* was prepared; prepare it again"):
        verify_originals(own, folder)


def test_even_where_no_time_changes_verify_finds_it(own, folder, images):
    """As on a disk whose times lie: the recorded state is made to match the altered file."""
    path = images / "cat/00.png"
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    originals.remember(own, folder, originals.originals(own))
    assert changes(own, folder) is None
    (fault,) = original_faults(folder)
    assert "1 altered (cat/00.png)" in str(fault)


def test_touched_files_are_read_once_and_are_the_same(own, folder, images, reads):
    for path in images.rglob("*.png"):
        path.touch()
    assert changes(own, folder) is None
    assert len(reads) == 12
    assert changes(own, folder) is None
    assert len(reads) == 12


def test_on_another_machine_the_same_files_are_the_same(own, folder, images, tmp_path, reads):
    there = tmp_path / "there"
    shutil.copytree(images, there / "images")
    shutil.copytree(folder.folder, there / "own")
    moved = DatasetFolder(there / "own")
    assert changes(replace(own, path=str(there / "images")), moved) is None
    assert len(reads) == 12
    assert changes(replace(own, path=str(tmp_path / "nowhere")), moved) is None


def test_files_that_are_no_images_change_nothing(own, folder, images, reads):
    (images / "cat/notes.txt").write_text("mine")
    (images / "cat/.DS_Store").write_text("")
    (images / "cat/.hidden.png").write_bytes((images / "cat/00.png").read_bytes())
    assert changes(own, folder) is None
    assert reads == []


def add(path):
    path.parent.mkdir()
    path.write_text("mine")


def empty(folder):
    for entry in list(folder.iterdir()):
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


UNUSABLE = {
    "an empty class": ("bird", lambda images: (images / "bird").mkdir()),
    "a class without images": ("bird", lambda images: add(images / "bird/notes.txt")),
    "a class that is a link to another": ("dog", lambda images: (images / "catalogue").symlink_to(images / "dog")),
    "two empty splits": ("train", lambda images: [(images / split).mkdir() for split in ("train", "val")]),
    "a class emptied": ("cat", lambda images: empty(images / "cat")),
    "all of it gone, as where a disk is not mounted": ("images", empty),
}


@pytest.mark.parametrize("change", UNUSABLE)
def test_folders_of_which_no_preparation_can_be_made_are_refused_and_the_prepared_dataset_stays(
    own, folder, images, change
):
    """Snakemake would delete the prepared dataset before a preparation that cannot but fail."""
    name, make = UNUSABLE[change]
    make(images)
    mark = DatasetFolder(folder.folder.with_name("new"))
    for where in (folder, mark):  # prepared, and not yet
        with pytest.raises(UserError, match=rf"{name}: (no images|holds no class folders).*(add|give)"):
            watched(own, where)
    assert not folder.changed.exists()
    open_prepared(folder.folder)


def test_a_makers_folder_without_any_file_is_refused_and_one_that_is_missing_is_not(spec, tmp_path):
    """As where its disk is not mounted: a preparation would download everything anew, or fail."""
    raw, folder = tmp_path / "raw", DatasetFolder(tmp_path / "data" / "cifar10")
    write_stand_in("cifar10", raw, Amount(classes=10, images=12, side=32))
    cifar = replace(spec, source="cifar10", path=str(raw), size=32, channels=3, validation=0.25, test=0.0)
    prepare("cifar10", cifar, folder.folder)
    empty(raw)
    with pytest.raises(
        UserError, match=r"raw: holds none of the files that .*cifar10 was prepared from; mount its disk"
    ):
        watched(cifar, folder)
    raw.rmdir()
    assert changes(cifar, folder) is None


def test_folders_that_hold_nothing_to_read_change_nothing(own, folder, images, reads):
    for name in ("cat/later", "dog/old/older", ".hidden"):
        (images / name).mkdir()
    assert changes(own, folder) is None
    assert reads == []


def test_links_to_folders_are_followed_and_circles_end(own, images, tmp_path):
    (images / "cat/self").symlink_to(images)
    (images / "cat/gone").symlink_to(tmp_path / "nothing")
    other = tmp_path / "other"
    shutil.copytree(images / "dog/old", other)
    (images / "dog/linked").symlink_to(other)
    names = [file.file for file in originals.originals(own)]
    assert len(names) == len(set(names)) == 16
    assert "dog/linked/01.png" in names


def test_names_may_be_any_bytes(own, images, tmp_path):
    strange = [b"caf\xe9.png", b"new\nline.png", b"a,b.png", b'quo"te.png', "ü😀.png".encode()]
    for name in strange:
        shutil.copy(images / "cat/00.png", os.path.join(os.fsencode(images / "cat"), name))
    prepare("own", own, tmp_path / "data")
    folder = DatasetFolder(tmp_path / "data")
    assert changes(own, folder) is None
    os.remove(os.path.join(os.fsencode(images / "cat"), strange[0]))
    assert changes(own, folder).startswith(r"1 removed (cat/caf\xe9.png)")
    open_prepared(folder.folder)


def test_files_that_change_while_they_are_read_end_the_preparation(own, images):
    def read(spec):
        shutil.copy(images / "cat/00.png", images / "cat" / f"{len(list(images.rglob('*')))}.png")

    with pytest.raises(UserError, match="images: its files change while they are read"):
        read_steadily(own, read)


def test_a_source_that_downloads_its_files_is_read_twice(tmp_path):
    cifar = Place("cifar10", str(tmp_path / "raw"))
    batches, calls = tmp_path / "raw" / "cifar-10-batches-py", []

    def read(spec):
        calls.append(spec)
        if not batches.exists():
            batches.mkdir(parents=True)
            (batches / "data_batch_1").touch()

    _, files = read_steadily(cifar, read)
    assert [file.file for file in files] == ["cifar-10-batches-py/data_batch_1"]
    assert len(calls) == 2


@pytest.mark.parametrize("source", STAND_INS)
def test_every_file_that_a_source_reads_is_watched(source, tmp_path):
    write_stand_in(source, tmp_path, Amount(classes=3, images=2, side=24))
    found = originals.originals(Place(source, str(tmp_path)))
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert written - {MARKER} <= {file.file for file in found}


def newer(folder):
    return folder.changed.stat().st_mtime_ns > folder.card.stat().st_mtime_ns


def test_the_mark_is_newer_than_the_dataset_as_long_as_the_images_differ(own, folder, images, capsys):
    assert watched(own, folder) == [folder.changed]
    assert not newer(folder)
    path = images / "cat/00.png"
    before = path.read_bytes()
    path.write_bytes(before + b"more")
    watched(own, folder)
    assert newer(folder)
    assert f"{images}: 1 altered (cat/00.png) since {folder.folder} was prepared" in capsys.readouterr().err
    noticed = folder.changed.read_text()
    watched(own, folder)
    assert folder.changed.read_text() == noticed
    os.utime(folder.card)  # as `snakemake --touch` does, which makes no image the same
    watched(own, folder)
    assert newer(folder)
    assert folder.changed.read_text() != noticed
    path.write_bytes(before)
    watched(own, folder)
    assert not newer(folder)


def test_the_mark_is_there_before_the_dataset_is(own, tmp_path):
    folder = DatasetFolder(tmp_path / "data" / "own")
    assert watched(own, folder) == [folder.changed]
    assert folder.changed.exists()
    prepare("own", own, folder.folder)
    watched(own, folder)
    assert not newer(folder)


def test_a_dataset_without_files_of_the_user_s_has_no_mark(spec, tmp_path):
    folder = DatasetFolder(tmp_path / "data" / "textures")
    prepare("textures", spec, folder.folder)
    assert watched(spec, folder) == []
    assert not folder.originals.exists()
    assert changes(spec, folder) is None


@pytest.mark.parametrize("damage", ["", "file,bytes,sha256\ncat/00.png,many,x\n", 'file\n"'])
def test_a_damaged_list_counts_as_a_change(own, folder, damage):
    folder.originals.write_text(damage)
    assert changes(own, folder) == f"{folder.originals} is damaged"


def test_a_damaged_record_of_this_machine_is_made_again(own, folder, reads):
    folder.seen.write_text("{")
    assert changes(own, folder) is None
    assert len(reads) == 12
    assert changes(own, folder) is None
    assert len(reads) == 12
