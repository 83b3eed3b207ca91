"""pyproject.toml states every dependency, and the lock file follows it."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads(Path("pyproject.toml").read_text())["project"]
WANTED = [Requirement(text) for text in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]]
LOCK = Path("requirements.lock").read_text()


def test_the_lock_has_every_dependency_at_a_version_that_is_allowed():
    locked = dict(re.findall(r"^([a-z0-9._-]+)==([^ ]+)", LOCK, flags=re.MULTILINE))
    for requirement in WANTED:
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), requirement


def test_every_locked_file_has_a_hash_and_none_an_address():
    blocks = re.split(r"\n(?=[a-z0-9])", LOCK.strip())
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in LOCK


def test_continuous_integration_runs_the_first_commands_of_the_table():
    run = re.findall(r"^make .*", Path(".ci/run").read_text(), flags=re.MULTILINE)
    page = Path("CONTRIBUTING.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(make [a-z-]+)` \|", page, flags=re.MULTILINE)[: len(run)] == run
    assert len(run) == 4
    assert "`bash .ci/run` runs the first four." in page


def test_the_fast_tests_include_those_of_faults():
    """The tests of faults try a few cases unless ENTREC_FAULTS says otherwise."""
    (marks,) = re.findall(r'^\tpytest -m "(not .*)"$', Path("Makefile").read_text(), flags=re.MULTILINE)
    assert "faults" not in marks
