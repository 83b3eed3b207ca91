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
