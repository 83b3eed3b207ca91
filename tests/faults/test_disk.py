"""A disk that is full or read-only costs one line: older results stay as they were, and a rerun gives the same bits."""

import random

import pytest
from tests.faults.conftest import STEPS, assert_whole, count, own_mounts, settled, with_older

pytestmark = pytest.mark.faults
NO_ROOM, NO_INODES, LARGEST_FILE = count(8, 1), count(4, 1), count(4, 1)  # cases for each step
MOUNTS = pytest.mark.skipif(not own_mounts(), reason="a process cannot have mounts of its own here")
SOME = STEPS[:: count(1, 6)]


class Disk:
    """A small disk that only the children see; `seen` is its folder as this process sees it."""

    def __init__(self, world):
        self.children, self.folder = world.children, world.folder / "disk"
        self.seen = self.folder
        self.folder.mkdir(exist_ok=True)

    def __enter__(self):
        self.call("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", self.folder)
        self.seen = self.children.seen(self.folder)
        return self

    def __exit__(self, *fault):
        self.call("umount", self.folder)

    def become(self, options):
        """Give the disk other options: a size, a number of inodes, `ro` or `rw`."""
        self.call("mount", "-o", f"remount,{options}", self.folder)

    def call(self, *command):
        ended = self.children.run(*command, call=None, folder=self.folder.parent)
        assert ended.code == 0, ended.said

    def used(self):
        """The kilobytes and the files that are on the disk."""
        files = list(self.seen.rglob("*"))
        return sum(-(-path.stat().st_size // 4096) * 4 for path in files if path.is_file()), len(files)


def try_step(world, step, out, seen, undisturbed, *, repair=lambda: None, before=lambda: None, **options):
    """Run a step on a disk with a fault, then without; returns whether the fault was met."""
    files, _ = undisturbed(step)
    older = with_older(seen, files)
    before()
    ended = world.children.run(*step.arguments(out), folder=world.folder, **options)
    if ended.code != 0:
        assert "cannot be written" in ended.in_one_line(), ended.said
        assert_whole(seen, files, older, (step.name, ended.said))
    repair()
    again = world.children.run(*step.arguments(out), folder=world.folder)
    assert again.code == 0, (step.name, again.said)
    assert settled(seen) == files, step.name
    return ended.code != 0


@MOUNTS
@pytest.mark.parametrize("kind", ["bytes", "inodes"])
def test_a_full_disk_is_one_line_and_loses_nothing(world, undisturbed, figures, kind):
    choice, met = random.Random(f"full of {kind}"), 0
    for step in SOME:
        files, _ = undisturbed(step)
        for number in range({"bytes": NO_ROOM, "inodes": NO_INODES}[kind]):
            with Disk(world) as disk:

                def fill(disk=disk, number=number, files=files):
                    kilobytes, inodes = disk.used()
                    need = choice.randint(0, kilobytes + 4 * len(files)) if number else 0
                    options = {"bytes": f"size={kilobytes + need}k", "inodes": f"size=64m,nr_inodes={inodes + 3}"}
                    disk.become(options[kind])

                met += try_step(
                    world, step, disk.folder / "out", disk.seen / "out", undisturbed,
                    before=fill, repair=lambda disk=disk: disk.become("size=64m,nr_inodes=100000"),
                )  # fmt: skip
    figures[f"disk without {kind}"] = {"cases": met, "steps": len(SOME)}


@MOUNTS
def test_a_read_only_disk_is_one_line_and_loses_nothing(world, undisturbed, figures):
    for step in SOME:
        with Disk(world) as disk:
            assert try_step(
                world, step, disk.folder / "out", disk.seen / "out", undisturbed,
                before=lambda disk=disk: disk.become("ro"), repair=lambda disk=disk: disk.become("rw"),
            )  # fmt: skip
    figures["read-only disk"] = {"cases": len(SOME), "steps": len(SOME)}


def test_a_file_that_may_not_grow_is_one_line_and_loses_nothing(world, undisturbed, figures):
    choice, met, out = random.Random("largest file"), 0, world.folder / "limited"
    for step in SOME:
        files, _ = undisturbed(step)
        largest = max(len(str(content)) for content in files.values())
        for number in range(LARGEST_FILE):
            size = choice.randint(1, largest) if number else 0
            met += try_step(world, step, out, out, undisturbed, largest_file=size)
    figures["file that may not grow"] = {"cases": met, "steps": len(SOME)}
