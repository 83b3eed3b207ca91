"""What a shell reads of the rules is quoted, and a mistake on Snakemake's or make's command line ends in one line."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from entrec.errors import UserError
from entrec.pipeline import workflow
from entrec.pipeline.workflow import check_command_line, check_owner, record_owner
from entrec.study import load_study

RULES = sorted(Path("workflow/rules").glob("*.smk"))
DEMO = Path("params/demo.yaml")


@pytest.mark.parametrize("file", RULES, ids=lambda file: file.stem)
def test_every_value_in_a_shell_command_is_quoted(file):
    commands = re.findall(r"shell:\n((?:\s+(?:#.*|\".*\")\n)+)", file.read_text())
    for command in commands:
        values = re.findall(r"\{([^{}]+)\}", command)
        assert values
        assert [value for value in values if not value.endswith(":q")] == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["--configfile", "params/dmeo.yaml"],
            r"params/dmeo.yaml: no such file; did you mean params/demo.yaml\?",
        ),
        (["-n", "--configfile=params/dmeo.yaml"], r"did you mean params/demo.yaml\? studies: "),
        (["--configfiles", "params/demo.yaml", "table_1", "-n"], "table_1: no such file; studies: .*stand before"),
        (["--configf", "params"], r"params: cannot be read \(Is a directory\)"),
        (["--configfile", "params/theory.yaml"], "the theory studies, not a study of methods"),
    ],
)
def test_a_configfile_that_is_no_study_is_one_line_before_snakemake_reads_it(monkeypatch, arguments, says):
    monkeypatch.setattr(sys, "argv", ["snakemake", *arguments])
    with pytest.raises(SystemExit, match=says) as caught:
        check_command_line()
    assert str(caught.value).startswith("entrec: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("arguments", [["all"], ["--config", "x=1"], ["all", "--configfile", str(DEMO), "-n", "all"]])
def test_other_command_lines_are_left_to_snakemake(monkeypatch, arguments):
    monkeypatch.setattr(sys, "argv", ["snakemake", *arguments])
    check_command_line()


def test_a_checkout_in_a_folder_with_braces_is_refused(monkeypatch, tmp_path):
    (tmp_path / "{x}").mkdir()
    monkeypatch.chdir(tmp_path / "{x}")
    monkeypatch.setattr(sys, "argv", ["snakemake"])
    with pytest.raises(
        SystemExit, match=r"\{x\}: Snakemake does not run in a folder with braces in its path; rename it"
    ):
        check_command_line()


def test_the_profile_checks_the_command_line():
    assert "check_command_line()" in Path("workflow/profiles/default/config.yaml").read_text()


def test_two_study_files_of_one_name_do_not_share_results(tmp_path, monkeypatch):
    text = DEMO.read_text()
    for folder in ("params", "other", "third"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    study = load_study(Path("other/x.yaml"))
    check_owner(Path("params/x.yaml"), study)
    with pytest.raises(UserError, match=r"^other/x.yaml: results/x belong to params/x.yaml, which has the same name;"):
        check_owner(Path("other/x.yaml"), study)
    Path("params/x.yaml").unlink()
    check_owner(Path("other/x.yaml"), study)
    record_owner("other/x.yaml", study)
    with pytest.raises(UserError, match=r"third/x.yaml: results/x belong to other/x.yaml"):
        check_owner(Path("third/x.yaml"), study)
    Path("other/x.yaml").rename("moved.yaml")  # the owner was moved: the file that is left takes its place
    check_owner(Path("third/x.yaml"), study)


@pytest.mark.parametrize(
    "name", ["all", "my study", "x$(touch Y)", "a.b", "-x", "é", "theory", "templates", "raw", "x" * 101]
)
def test_a_name_that_is_no_name_of_a_study_is_refused_at_once(tmp_path, name):
    path = tmp_path / f"{name}.yaml"
    path.write_text(DEMO.read_text())
    if name == "all":
        assert load_study(path).name == name
        return
    with pytest.raises(
        UserError, match=rf"^{re.escape(str(path))}: .* (cannot be a name|cannot be the name of a study)"
    ):
        load_study(path)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["table_1"], "table_1: no such target; .*snakemake table_1"),
        (["run", "STUDY=nothing"], "STUDY=nothing: no such study; allowed: cifar10 colours demo fashion paper zoo"),
        (["-j2", "plan", "STUDY=my study"], "STUDY=my study: not a name; allowed: letters"),
        (["clean", "STUDY=x;y"], "STUDY=x;y: not a name"),
    ],
)
def test_make_says_in_one_line_what_is_wrong_before_it_builds_anything(command, says):
    # a make that runs the tests would hand its own options down
    own = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    done = subprocess.run(["make", "--old-file=.venv/installed", *command], capture_output=True, text=True, env=own)
    assert done.returncode != 0
    assert done.stdout == ""
    assert re.search(says, done.stderr)
    assert len(done.stderr.splitlines()) == 1


def test_targets_of_other_processes_than_snakemake_s_own_are_not_read():
    job = type("Workflow", (), {"is_main_process": False})
    workflow.check_targets(job)
