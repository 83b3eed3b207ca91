"""The command line: what `check` finds before anything trains, and that every error is one line."""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from entrec import __main__
from entrec.artefacts import writable_file, writable_folder
from entrec.commands import study as commands
from entrec.errors import UserError
from entrec.paths import StudyPaths
from entrec.plan.readiness import images_to_train, obstacles, remarks
from entrec.results import read_card
from entrec.study import load_study
from entrec.yaml_reader import read_yaml

DEMO = Path("params/demo.yaml")


def entrec(monkeypatch, *arguments):
    """Run the command line in this process; return what it says on stderr, which is nothing if it succeeds."""
    monkeypatch.setattr(sys, "argv", ["entrec", *arguments])
    with contextlib.redirect_stderr(io.StringIO()) as told, pytest.raises(SystemExit) as caught:
        __main__.main()
    assert caught.value.code == bool(told.getvalue())
    return told.getvalue().removesuffix("\n")


@pytest.fixture
def write(tmp_path):
    """Write the demo with some values changed, as JSON."""

    def write(change):
        study = read_yaml(DEMO)
        change(study)
        path = tmp_path / "changed.yaml"
        path.write_text(json.dumps(study, indent=1))
        return path

    return write


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "simclr-b256-e20-s7",
            " is no run of this study; did you mean simclr-b256-e20-s1? allowed: untrained-b256-e20-s0",
        ),
        (f"{'n' * 300}-b1-e1-s0", " is no run of this study; allowed: untrained-b256-e20-s0"),
        (f"simclr-b{'9' * 5000}-e1-s0", ": not the name of a run; expected METHOD-bBATCH-eEPOCHS-sSEED"),
    ],
)
def test_a_run_that_the_study_does_not_have_is_refused_in_a_short_line(monkeypatch, name, says):
    said = entrec(monkeypatch, "pretrain", "--study", str(DEMO), "--run", name, "--data", "x", "--output", "y")
    assert says in said
    assert len(said) < 400


def test_the_version_is_said_with_the_commit_and_without_torch(tmp_path):
    code = "import sys; sys.argv = ['entrec', '--version']; from entrec.__main__ import main\n"
    code += "try:\n    main()\nfinally:\n    assert not {'torch', 'pandas', 'numpy'} & set(sys.modules)"
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    for environment, known in ((dict(os.environ), True), (os.environ | {"PATH": str(tmp_path)}, False)):
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        commit = "[0-9a-f]{40}( with changes)?|unknown" if known else "unknown"
        assert re.fullmatch(rf"entrec {re.escape(project['version'])}, commit ({commit})\n", done.stdout)


@pytest.mark.parametrize("name", ["x.yml", "x", "x.YAML", "x.json", ".yaml"])
@pytest.mark.parametrize(
    "command", ["check FILE", "pretrain --study FILE --run simclr-b256-e20-s0 --data x --output y"]
)
def test_a_study_file_ends_with_yaml_so_that_no_two_files_are_one_study(monkeypatch, tmp_path, command, name):
    file = tmp_path / name
    file.write_text(DEMO.read_text())
    said = entrec(monkeypatch, *(str(file) if word == "FILE" else word for word in command.split()))
    assert said == f"entrec: {file}: not a study file, whose name ends with .yaml; give one, or rename it"


@pytest.fixture
def three_results(tmp_path, monkeypatch):
    """A folder with results of two studies and of the theory, and with the file of the first."""
    for folder in ("results/demo", "results/other", "results/theory/quick", "params"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "params/demo.yaml").write_text(DEMO.read_text())
    monkeypatch.chdir(tmp_path)


THERE = "study files: params/demo.yaml; results: results/demo, results/other, results/theory/quick"


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("results/nothing", f"results/nothing: no such file or folder; {THERE}"),
        ("results/dmo", f"results/dmo: no such file or folder; {THERE}"),
        ("results/theory/ful", f"results/theory/ful: no such file or folder; {THERE}"),
        ("data/demo/digits", f"data/demo/digits: no such file or folder; {THERE}"),
        ("x" * 300, f"{'x' * 300}: no such file or folder; {THERE}"),
        ("results/other", f"results/other: params/other.yaml is missing, which would say what it should hold; {THERE}"),
        ("results/theory", "results/theory: params/theory.yaml is missing, which would say what it should hold; "),
    ],
)
def test_verify_says_what_there_is_where_its_target_is_not(monkeypatch, three_results, target, says):
    said = entrec(monkeypatch, "verify", target)
    assert said.startswith(f"entrec: {says}")
    assert "\n" not in said


def test_verify_says_that_there_are_no_results_yet(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert entrec(monkeypatch, "verify", "results/demo").endswith("study files: none; results: none yet")


def test_check_says_what_a_study_would_run(monkeypatch, capsys):
    assert entrec(monkeypatch, "check", str(DEMO)) == ""
    assert capsys.readouterr().out == f"{DEMO}: 34 runs of 8 methods on digits\n"
    assert entrec(monkeypatch, "check", "params/theory.yaml") == ""


def test_check_finds_what_the_datasets_are_too_small_for(monkeypatch, write):
    def change(study):
        study["batch_sizes"] = [5000, 64]
        study["evaluation"]["knn"]["neighbours"] = 2000
        study["evaluation"]["transfer"]["batch_size"] = 3000

    said = entrec(monkeypatch, "check", str(write(change))).split("\n")
    assert [re.sub(r"^entrec: .*, line \d+: ", "", line) for line in said] == [
        "batch_sizes.0: 5000 is more than the training images of digits; allowed: up to 1242",
        "evaluation.knn.neighbours: 2000 is more than the training images of digits; allowed: up to 1242",
        "evaluation.transfer.batch_size: 3000 is more than the training images of faces; allowed: up to 116",
        "evaluation.transfer.batch_size: 3000 is more than the training images of textures; allowed: up to 596",
    ]


def test_check_finds_folders_that_are_missing(monkeypatch, write, tmp_path):
    def change(study):
        study["datasets"]["faces"] |= {"source": "folder", "path": str(tmp_path / "nowhere")}

    said = entrec(monkeypatch, "check", str(write(change)))
    assert f"datasets.faces.path: '{tmp_path}/nowhere': no such folder; allowed: a folder of images" in said


def test_check_finds_a_class_without_images(monkeypatch, write, tmp_path):
    def change(study):
        study["datasets"]["faces"] |= {"source": "folder", "path": str(tmp_path / "own")}

    (tmp_path / "own/cat").mkdir(parents=True)
    said = entrec(monkeypatch, "check", str(write(change)))
    assert said.endswith(f"datasets.faces.path: {tmp_path}/own/cat: no images; add some or remove this class")


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/", "'/' holds the folder results, into which this study writes; allowed: a folder of the original files"),
        (".", "'.' holds the folder results"),
        ("..", "'..' holds the folder results"),
        ("data", "'data' holds the folder data/changed/digits"),
        ("data/changed/faces", "'data/changed/faces' is the folder data/changed/faces"),
        ("data/changed/../changed/faces/images", "images' lies in the folder data/changed/faces"),
        ("results/demo", "'results/demo' lies in the folder results"),
        ("reports", "'reports' is the folder reports"),
        ("x" * 256, "… is too long for a path; allowed: up to 4,000 bytes, and 255 between two slashes"),
        ("x/" * 2500, "… is too long for a path"),
    ],
)
def test_a_folder_of_images_that_can_only_be_a_mistake_is_refused(monkeypatch, write, path, says):
    def change(study):
        study["datasets"]["faces"] |= {"source": "folder", "path": path}

    (line,) = entrec(monkeypatch, "check", str(write(change))).split("\n")
    assert "datasets.faces.path: " in line
    assert says in line


def test_the_home_folder_is_no_folder_of_images(monkeypatch, write, tmp_path):
    def change(study):
        study["datasets"]["faces"] |= {"source": "folder", "path": str(tmp_path / "home")}

    monkeypatch.setenv("HOME", str(tmp_path / "home/me"))
    assert f"datasets.faces.path: '{tmp_path}/home' holds the home folder" in entrec(
        monkeypatch, "check", str(write(change))
    )


def test_makers_files_may_lie_beside_what_a_study_writes(write):
    """Their source reads nothing but the folders that it knows."""

    def change(study):
        study["datasets"]["faces"] |= {"source": "cifar10", "path": "data", "test": 0}

    load_study(write(change))


def test_files_of_makers_that_are_missing_are_a_remark(tmp_path, monkeypatch):
    study = load_study(Path("params/cifar10.yaml"))
    monkeypatch.chdir(tmp_path)
    assert list(obstacles(study)) == []
    assert [remark.split(":")[0] for remark in remarks(study)] == ["datasets.cifar10.path"]


def test_images_are_counted_where_a_dataset_is_prepared(demo, digits_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = StudyPaths(demo.name).dataset("digits")
    folder.folder.parent.mkdir(parents=True)
    folder.folder.symlink_to(digits_folder)
    train = read_card(folder).counts.train
    assert images_to_train(demo, "digits") == train
    many = replace(demo, batch_sizes=(train + 1, 64))
    assert [fault.key for fault in obstacles(many)] == ["batch_sizes.0"]
    stale = replace(demo, datasets=demo.datasets | {"digits": replace(demo.datasets["digits"], validation=0.3)})
    assert images_to_train(stale, "digits") < train  # the card is of other splits
    assert read_card(folder).spec == asdict(demo.datasets["digits"])


def test_more_clusters_than_images_are_found(zoo):
    raw = {**zoo.methods["deepcluster"], "prototypes": [64, 5000]}
    study = replace(zoo, methods=zoo.methods | {"deepcluster": raw})
    assert [fault.key for fault in obstacles(study)] == ["methods.deepcluster.prototypes"]


def test_a_place_that_cannot_be_written_is_found_before_anything_runs(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file/x: cannot be written \(Not a directory\)"):
        writable_folder(tmp_path / "file/x")
    with pytest.raises(UserError, match="a folder; this is to be a file"):
        writable_file(tmp_path)
    assert writable_file(tmp_path / "new/file.json") == tmp_path / "new/file.json"
    assert list((tmp_path / "new").iterdir()) == []


STEPS = {
    "evaluate": ["--run", "simclr-b256-e20-s0", "--data", "x", "--encoder", "x"],
    "transfer": ["--run", "simclr-b256-e20-s0", "--dataset", "faces", "--data", "x", "--encoder", "x"],
    "evaluate-and-transfer": ["--run", "simclr-b256-e20-s0", "--data", "x", "--encoder", "x"],
    "pretrain": ["--run", "simclr-b256-e20-s0", "--data", "x"],
    "prepare": ["--dataset", "digits"],
}


@pytest.mark.parametrize("step", STEPS)
def test_every_step_looks_at_its_output_first(monkeypatch, tmp_path, step):
    (tmp_path / "file").touch()
    output = str(tmp_path / "file/output/x")
    said = entrec(monkeypatch, step, "--study", str(DEMO), *STEPS[step], "--output", output)
    assert "cannot be written (Not a directory)" in said


def test_an_unexpected_error_is_one_line_and_debug_shows_its_traceback(monkeypatch):
    def fail(path):
        raise RuntimeError("first\nsecond")

    monkeypatch.setattr(commands, "read_document", fail)
    said = entrec(monkeypatch, "check", str(DEMO))
    assert said == (
        r"entrec: RuntimeError: first\nsecond; this was not expected, and"
        " python -m entrec --debug check params/demo.yaml shows where it happened"
    )
    monkeypatch.setattr(sys, "argv", ["entrec", "check", "--debug", str(DEMO)])
    with pytest.raises(RuntimeError):
        __main__.main()


@pytest.mark.parametrize("argument", [b"params/\xff.yaml", b"params/a\nb.yaml", b"params/\x1b[31m.yaml"])
def test_an_argument_that_no_message_can_hold_is_refused_in_one_line(argument):
    done = subprocess.run([sys.executable, "-m", "entrec", "check", argument], capture_output=True)
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"it has control characters, or bytes that are not UTF-8; rename it" in done.stderr
