"""A temporary clone with a shrunken demo, driven as a user would drive it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from entrec.yaml_reader import read_yaml

ROOT = Path(__file__).parents[2]
UP_TO_DATE = "Data and pipelines are up to date."  # as DVC says it
METHODS = ("untrained", "simclr", "entrec_cont")


class Clone:
    """A checkout, and the commands that a user types in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said = ""  # by Snakemake when it ran the study
        tools = Path(sys.executable).parent
        self.environment = os.environ | {
            "PYTHONPATH": str(folder / "src"),
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "OMP_NUM_THREADS": "1",
            "XDG_CACHE_HOME": str(folder / ".cache"),
        }

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def succeed(self, *command: str) -> str:
        done = self.run(*command)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"
        return done.stdout

    def fail(self, *command: str) -> str:
        done = self.run(*command)
        assert done.returncode != 0, f"{' '.join(command)} succeeded\n{done.stdout}"
        return done.stdout

    def commit(self, message: str) -> None:
        self.succeed("git", "add", "-A")
        self.succeed("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", message)

    def planned(self, *targets: str) -> dict[str, set[str]]:
        """Return what a dry run would do: the descriptions of the jobs, by rule."""
        text = self.succeed("snakemake", "-n", "--quiet", "reason", "host", "--", *targets)
        jobs: dict[str, set[str]] = {}
        for rule, what in re.findall(r"^Job \d+: (\w+) (.+)$", text, flags=re.MULTILINE):
            jobs.setdefault(rule, set()).add(what)
        return jobs

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


def ended(said: str) -> list[str]:
    """Return what Snakemake said of each job that ended: its description, and what it concluded."""
    return re.findall(r"^ *\d+ of \d+, .+ left: (.+)$", said, flags=re.MULTILINE)


def shrink(path: Path) -> None:
    """Cut the study down to three methods, one seed and two epochs."""
    study = read_yaml(path)
    study["methods"] = {name: study["methods"][name] for name in METHODS}
    study["notes"] = {}
    study["seeds"] = {"main": [0], "sweep": [0]}
    study["batch_sizes"], study["epochs"] = [256, 128], [2, 1]
    study["training"]["warmup_epochs"] = 1
    study["datasets"].pop("textures")
    transfer = {"datasets": ["faces"], "epochs": 1, "lr": [1e-3], "weight_decay": [0]}
    study["evaluation"]["transfer"].update(transfer)
    path.write_text(yaml.safe_dump(study, sort_keys=False))


def shrink_theory(path: Path) -> None:
    """Cut the quick setting of the theory studies down to a few steps, pairs and cases."""
    study = read_yaml(path)
    estimators = study["quick"]["estimators"]
    estimators["gaussian"].update(
        dimension=3, batch_size=8, information=[1, 2], steps=10, trace_block=5, evaluation_batches=2,
        hidden=[8], embedding=4,
    )  # fmt: skip
    estimators["sphere"].update(kappa={3: [5]}, samples=[8, 16], repeats=[2, 2], neighbours_up_to=8)
    cases = estimators["rates"]["cases"]
    kept = {
        name: {**cases[name], "fit_from": 16}
        for name in ("gaussian_d2_resubstitution", "sphere_d3_resubstitution", "plug_in")
    }
    estimators["rates"].update(samples=[16, 32, 64, 128], repeats=[8, 8, 8, 8], cases=kept)
    for part, rows in (("latent_recovery", ("sphere_vmf10", "box_laplace")), ("content_isolation", ("causal",))):
        own = study["quick"][part]
        own["network"].update(draws=50, hidden=[8])
        own["training"].update(batch_size=16, steps=4, trace_every=2, trace_points=160)
        own.update(points=160, seeds=[0], rows={row: own["rows"][row] for row in rows})
        own["rows"][rows[0]].pop("steps", None)
    study["quick"]["latent_recovery"].update(sweep={"row": "sphere_vmf10", "batch_sizes": [8, 16], "seeds": [0]})
    path.write_text(yaml.safe_dump(study, sort_keys=False))


@pytest.fixture(scope="session")
def checkout() -> type[Clone]:
    """Return the class `Clone`, for tests that make a checkout of their own."""
    return Clone


@pytest.fixture(scope="session")
def clone(tmp_path_factory) -> Clone:
    """Return a copy of the working tree with shrunken studies, which are committed."""
    made = Clone(copy_of_the_tree(tmp_path_factory.mktemp("clone")))
    shrink(made.folder / "params/demo.yaml")
    shrink_theory(made.folder / "params/theory.yaml")
    made.succeed("python", "-m", "entrec", "dvc", "--study", "params/demo.yaml", "--output", "dvc.yaml")
    made.commit("shrink")
    return made


def copy_of_the_tree(folder: Path) -> Path:
    """Copy all files of the working tree that git does not ignore to `folder`, a new repository, and return it."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="session")
def whole(tmp_path_factory) -> Clone:
    """Return a copy of the working tree as it is, which is committed."""
    made = Clone(copy_of_the_tree(tmp_path_factory.mktemp("whole")))
    made.commit("everything")
    return made


@pytest.fixture(scope="session")
def finished(clone) -> Clone:
    """Return the clone after `snakemake all`, whose output it keeps, and `dvc commit`."""
    clone.said = clone.succeed("snakemake", "all")
    clone.succeed("dvc", "commit", "--quiet", "--force")
    return clone
