"""The figures of docs/reliability.md are those that `make test-faults` counted, and its tests are there."""

import re
from pathlib import Path

from tests.faults.conftest import PAGE, published, with_figures
from tests.faults.test_workflow_killed import KILLS


def test_the_figures_are_those_that_were_counted():
    page = PAGE.read_text(encoding="utf-8")
    assert with_figures(page) == page


def test_the_kills_of_snakemake_that_were_tried_and_counted_are_those_of_its_test():
    assert f"it is started {KILLS} times and killed" in " ".join(PAGE.read_text(encoding="utf-8").split())
    assert 0 < int(published()["kills of snakemake"]["cases"]) <= KILLS


def test_every_test_of_faults_is_named_and_is_there():
    named = re.findall(r"\(\.\./tests/faults/(\w+\.py)\)", PAGE.read_text(encoding="utf-8"))
    assert sorted(named) == sorted(path.name for path in Path("tests/faults").glob("test_*.py"))
