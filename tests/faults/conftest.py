"""A tiny study with its undisturbed results, and children that run its steps until something ends them."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from tests.workflow.conftest import shrink_theory

from entrec.artefacts import write_csv
from entrec.yaml_reader import read_yaml

ROOT = Path(__file__).parents[2]
FIGURES, PAGE = ROOT / "reports/published/faults/figures.csv", ROOT / "docs/reliability.md"
FULL = os.environ.get("ENTREC_FAULTS") == "full"  # set by `make test-faults`
LIMIT = 120  # seconds that no step of the tiny study may take on a busy machine
HTML = "<img src=x onerror=alert(1)>"  # a class and a title
RUN, SETTING = "byol-b4-e3-s0", "quick"
LATENT_RUN, CONTENT_RUN = "sphere_vmf10-info_nce-b16-s0", "causal-info_nce-s0"


def count(full: int, few: int) -> int:
    """Return how many cases of a kind to try: `full` under `make test-faults`, otherwise `few`."""
    return full if FULL else few


@dataclass
class Ended:
    """How a child ended: the negative number of the signal or its exit code, what it printed, and what it used."""

    code: int
    seconds: float
    timed_out: bool
    said: str
    accesses: int
    samples: list[list[int]] = field(default_factory=list)

    @property
    def killed(self) -> bool:
        """Whether SIGKILL ended it."""
        return self.code == -9

    def refusals(self) -> list[str]:
        """Return the lines with which `entrec` refused its work; anything else fails the test."""
        assert not self.timed_out, f"it hangs:\n{self.said}"
        assert self.code == 1, f"code {self.code}:\n{self.said}"
        lines = [line for line in self.said.splitlines() if not is_progress(line)]
        assert lines, self.said
        for line in lines:
            assert line.startswith("entrec: "), self.said
            assert "this was not expected" not in line  # which stands for a traceback
        return lines

    def in_one_line(self) -> str:
        """Return the one line with which `entrec` refused its work."""
        (line,) = self.refusals()
        return line


def is_progress(line: str) -> bool:
    """Whether a line reports progress (`entrec.progress`)."""
    return " done in " in line and line.endswith(" s")


class Children:
    """Starts children of the zygote, one after another."""

    def __init__(self) -> None:
        environment = os.environ | {
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
            "OMP_NUM_THREADS": "1",
            "ENTREC_DEVICE": "cpu",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.process = subprocess.Popen(
            [*own_mounts(), sys.executable, "-m", "tests.faults.zygote"],
            cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.pid = self._read()["pid"]

    def run(self, *arguments: object, folder: Path, call: str | None = "entrec.__main__:main", **options: Any) -> Ended:
        """Run one child in `folder`; the options are those of `zygote.serve`."""
        request = {"after": None, "at_access": None, "limit": LIMIT, "environment": {}, "largest_file": None}
        request |= {"call": call, "arguments": list(map(str, arguments)), "folder": str(folder), "sampled": False}
        assert self.process.stdin
        self.process.stdin.write(json.dumps(request | options) + "\n")
        self.process.stdin.flush()
        return Ended(**self._read())

    def seen(self, path: Path) -> Path:
        """Return the path by which this process reaches what the children see at `path`, on mounts of their own."""
        return Path(f"/proc/{self.pid}/root{path}")

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def end(self) -> None:
        """End the zygote, and with it what it has mounted."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def own_mounts() -> list[str]:
    """Return the command that gives a process mounts of its own, as far as this machine allows it."""
    for options in ([], ["--map-root-user"]):
        command = ["unshare", "--mount", *options]
        if shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return command
    return []


@dataclass(frozen=True)
class Step:
    """One step of the workflow: a command that writes everything below one folder, which `{out}` stands for."""

    name: str
    command: str

    def arguments(self, out: Path) -> list[str]:
        """Return the command with `out` as the folder."""
        return [word.format(out=out) for word in self.command.split()]


OF_STUDY = "--study params/tiny.yaml"
OF_RUN = f"{OF_STUDY} --run {RUN}"
OF_THEORY = f"--study params/theory.yaml --setting {SETTING}"
ENCODER = f"--encoder results/tiny/{RUN}/encoder.safetensors"
STEPS = [
    Step("prepare an array", f"prepare {OF_STUDY} --dataset small --output {{out}}/small"),
    Step("prepare encoded images", f"prepare {OF_STUDY} --dataset photos --output {{out}}/photos"),
    Step("pretrain", f"pretrain {OF_RUN} --data data/tiny/small --output {{out}}"),
    Step("evaluate", f"evaluate {OF_RUN} --data data/tiny/small {ENCODER} --output {{out}}/evaluation.json"),
    Step("transfer", f"transfer {OF_RUN} --dataset photos --data data/tiny/photos {ENCODER} --output {{out}}/to.json"),
    Step("table", f"table {OF_STUDY} --results results/tiny --name table_1 --output {{out}}"),
    Step("theory gaussian", f"theory gaussian {OF_THEORY} --bound info_nce --seed 0 --output {{out}}/g.json"),
    Step("theory sphere", f"theory sphere {OF_THEORY} --dimension 3 --output {{out}}/s.json"),
    Step("theory rates", f"theory rates {OF_THEORY} --case plug_in --output {{out}}/r.json"),
    Step("latent recovery", f"theory latent-recovery {OF_THEORY} --run {LATENT_RUN} --output {{out}}"),
    Step("content isolation", f"theory content-isolation {OF_THEORY} --run {CONTENT_RUN} --output {{out}}"),
]


def write_images(folder: Path, *, side: int, each: int) -> None:
    """Write `each` images for each of three classes, all of them different."""
    pixels = np.random.default_rng(side)
    for label, name in enumerate(("ant", "bee", HTML)):
        (folder / name).mkdir(parents=True)
        for number in range(each):
            image = pixels.integers(80 * label, 80 * label + 80, size=(side, side + 1, 3), dtype=np.uint8)
            Image.fromarray(image).save(folder / name / f"{number}.png")


def tiny_study() -> dict[str, Any]:
    """Return the demo cut down to images of 8x8, the smallest network and a checkpoint after every step."""
    study = read_yaml(ROOT / "params/demo.yaml")
    own = {"source": "folder", "size": 8, "channels": 3, "validation": 0.25, "test": 0.25, "metric": "top1"}
    study["title"], study["dataset"] = HTML, "small"
    study["datasets"] = {
        "small": {**own, "path": "images/small"},
        "photos": {**own, "path": "images/photos", "short_side": 12},
    }
    study["seeds"] = {"main": [0], "sweep": [0]}
    study["batch_sizes"], study["epochs"] = [4], [3]
    study["network"]["width"] = 2
    study["training"].update(warmup_epochs=1, checkpoint_seconds=0, log_every=1)
    study["diagnostics"].update(every=2, samples=4)
    study["evaluation"]["linear"].update(l2=[1e-3, 1e-1])
    study["evaluation"]["knn"].update(neighbours=3)
    study["evaluation"]["transfer"].update(datasets=["photos"], epochs=2, batch_size=4, lr=[1e-2], weight_decay=[0])
    study["methods"] = {
        "untrained": {},
        "byol": {**study["methods"]["byol"], "projector": [8, 4], "predictor": [8, 4]},
    }
    study["notes"] = {}
    return study


class World:
    """A folder as the root of a repository: the tiny study, its images, prepared data and results."""

    def __init__(self, folder: Path, children: Children) -> None:
        self.folder, self.children = folder, children
        (folder / "params").mkdir()
        (folder / "reports").mkdir()
        for name in ("templates", "notebooks"):
            (folder / "reports" / name).symlink_to(ROOT / "reports" / name)
        (folder / "params/tiny.yaml").write_text(yaml.safe_dump(tiny_study(), sort_keys=False))
        shutil.copy(ROOT / "params/theory.yaml", folder / "params")
        shrink_theory(folder / "params/theory.yaml")
        write_images(folder / "images/small", side=9, each=8)
        write_images(folder / "images/photos", side=14, each=8)
        for dataset in ("small", "photos"):
            self.succeed(f"prepare {OF_STUDY} --dataset {dataset} --output data/tiny/{dataset}")
        for run in (RUN, "untrained-b4-e3-s0"):
            of_run = f"{OF_STUDY} --run {run}"
            encoder = f"--encoder results/tiny/{run}/encoder.safetensors"
            results = f"results/tiny/{run}"
            self.succeed(f"pretrain {of_run} --data data/tiny/small --output {results}")
            self.succeed(f"evaluate {of_run} --data data/tiny/small {encoder} --output {results}/evaluation.json")
            self.succeed(
                f"transfer {of_run} --dataset photos --data data/tiny/photos {encoder}"
                f" --output {results}/transfer/photos.json"
            )

    def run(self, command: str, **options: Any) -> Ended:
        """Run a command of `entrec` in this folder."""
        return self.children.run(*command.split(), folder=self.folder, **options)

    def succeed(self, command: str) -> Ended:
        """Run a command that must succeed."""
        ended = self.run(command)
        assert ended.code == 0, f"{command}\n{ended.said}"
        return ended


@pytest.fixture(scope="session")
def children() -> Iterator[Children]:
    """Return what starts children."""
    started = Children()
    yield started
    started.end()


@pytest.fixture(scope="session")
def world(children, tmp_path_factory) -> World:
    """Return the tiny study with its undisturbed results."""
    return World(tmp_path_factory.mktemp("world"), children)


@pytest.fixture(scope="session")
def undisturbed(world):
    """Return a function that says what a step leaves when nothing disturbs it: its files, time and file accesses."""
    known: dict[str, tuple[dict[str, Any], Ended]] = {}

    def of(step: Step) -> tuple[dict[str, Any], Ended]:
        if step.name not in known:
            out = world.folder / "undisturbed" / step.name.replace(" ", "_")
            out.mkdir(parents=True)
            ended = world.children.run(*step.arguments(out), folder=world.folder)
            assert ended.code == 0, ended.said
            known[step.name] = settled(out), ended
        return known[step.name]

    return of


def settled(folder: Path) -> dict[str, Any]:
    """Return the content of every file below `folder`; of circumstances only the result that they are of."""
    return {str(path.relative_to(folder)): content_of(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def content_of(path: Path) -> Any:
    """Return the bytes of a file; of circumstances only the digest of the result that they are of."""
    if path.name.endswith(".circumstances.json"):
        values = json.loads(path.read_text())
        return values["result"] if isinstance(values, dict) else values
    return path.read_bytes()


def with_older(folder: Path, files: dict[str, Any]) -> dict[str, Any]:
    """Empty `folder` and leave files of an older result there, which have the names of `files`; returns them."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text('"an older result"')
    return settled(folder)


def assert_whole(out: Path, files: dict[str, Any], older: dict[str, Any], about: object) -> None:
    """Assert that each file is the older or the new one, whole; hidden files and checkpoints are for the step alone."""
    for name, content in settled(out).items():
        hidden = any(part.startswith(".") or part == "resume" for part in name.split("/"))
        assert hidden or content in (files[name], older.get(name)), (about, name)


@pytest.fixture(scope="session")
def figures() -> Iterator[dict[str, dict[str, Any]]]:
    """Return the counts of this run by kind of fault, for the tests to fill; the full counts are published."""
    counted: dict[str, dict[str, Any]] = {}
    yield counted
    if FULL and counted:
        publish(counted)


def publish(counted: dict[str, dict[str, Any]]) -> None:
    """Replace the figures of these kinds, and keep those of kinds that were not tried in this run.

    The page quotes the figures, so that its table is written anew.
    """
    old = published() if FIGURES.exists() else {}
    rows = old | {kind: {"kind": kind, **values} for kind, values in counted.items()}
    write_csv(FIGURES, [rows[kind] for kind in sorted(rows)])
    PAGE.write_text(with_figures(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def with_figures(page: str) -> str:
    """Return the text of the page with the published figures as the table that begins with `| kind |`."""
    with FIGURES.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    lines = [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)]
    before, _, rest = page.partition("| kind |")
    return before + "\n".join(lines) + "\n\n" + rest.partition("\n\n")[2]


def published() -> dict[str, dict[str, str]]:
    """Return the published figures by kind of fault."""
    with FIGURES.open(encoding="utf-8", newline="") as file:
        return {row["kind"]: row for row in csv.DictReader(file)}
