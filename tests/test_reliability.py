"""The figures of docs/reliability.md are those that `make test-faults` counted, and its tests are there."""

import re
from pathlib import Path

from tests.faults.conftest import PAGE, with_figures


def test_the_figures_are_those_that_were_counted():
    page = PAGE.read_text(encoding="utf-8")
    assert with_figures(page) == page


def test_every_test_of_faults_is_named_and_is_there():
    named = re.findall(r"\(\.\./tests/faults/(\w+\.py)\)", PAGE.read_text(encoding="utf-8"))
    assert sorted(named) == sorted(path.name for path in Path("tests/faults").glob("test_*.py"))
