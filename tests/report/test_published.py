"""Today's results beside the published ones: what is equal to the bit is said so, and what differs is measured."""

import csv
import math
import shutil

import pytest

from entrec.errors import UserError
from entrec.paths import StudyPaths
from entrec.pipeline import published
from entrec.pipeline.jobs import TABLES, Jobs
from entrec.pipeline.published import compare, publish
from entrec.pipeline.table_comparison import compare_tables
from entrec.study import Study

PATHS = StudyPaths("demo")
TABLE_1 = PATHS.report.table("table_1")[0]


def rows(*values: str, method: str = "simclr") -> list[dict[str, str]]:
    return [{"method": method, "seed": str(seed), "value": value} for seed, value in enumerate(values)]


def test_equal_tables_are_equal_in_every_digit() -> None:
    found = compare_tables("table_1", rows("90.5", "91.25"), rows("90.5", "91.25"))
    assert found.equal
    assert str(found) == "table_1: all 2 numbers are the published ones, in every digit"


def test_the_last_digit_counts() -> None:
    (difference,) = compare_tables("table_1", rows("90.5", "91.25"), rows("90.5", "91.24")).differences
    assert (difference.published, difference.ours, difference.place) == ("91.25", "91.24", "value of seed 1")
    assert difference.size == pytest.approx(0.01)


@pytest.mark.parametrize("ours, within", [("92.0", True), ("92.5", False), ("", False)])
def test_the_published_spread_is_the_standard_deviation_over_seeds(ours: str, within: bool) -> None:
    theirs = rows("90.0", "92.0", "91.0")  # of which the standard deviation is 1
    (difference,) = compare_tables("table_1", theirs, rows("90.0", "92.0", ours)).differences
    assert difference.spread == pytest.approx(1)
    assert difference.within_spread == within


def test_a_single_seed_has_no_spread() -> None:
    (difference,) = compare_tables("table_1", rows("90.0"), rows("90.1")).differences
    assert difference.spread is None
    assert not difference.within_spread


def test_rows_of_other_experiments_are_not_compared_with_each_other() -> None:
    found = compare_tables("table_1", rows("90.5", "91.5"), rows("90.5", method="byol"))
    assert (found.missing, found.surplus, list(found.differences)) == (2, 1, [])
    assert not found.equal
    assert "published rows that are not here: 2; rows that are not published: 1" in str(found)


def test_repeated_rows_are_compared_in_their_order() -> None:
    theirs = [{"source": "ours", "value": "1.5"}, {"source": "ours", "value": "2.5"}]
    assert compare_tables("t", theirs, theirs).equal
    assert len(compare_tables("t", theirs, theirs[::-1]).differences) == 2


def test_a_number_that_only_one_table_has_is_infinitely_far_from_none() -> None:
    (difference,) = compare_tables("t", rows("1.5", "2.5"), rows("1.5", "")).differences
    assert difference.size == math.inf


def test_nothing_is_published_of_results_that_are_not_complete(made: Study) -> None:
    with pytest.raises(UserError, match=r"missing: \d+\nreports/demo/index.html: missing; make it: snakemake"):
        publish(made)
    assert not PATHS.published.folder.exists()


@pytest.fixture
def study(made: Study, monkeypatch: pytest.MonkeyPatch) -> Study:
    """The study of `made`, published but for its page, which takes long to make."""
    monkeypatch.setattr(published, "verify", lambda study: [])
    PATHS.report.provenance_table.write_text("run\n")
    publish(made)
    return made


def test_results_are_the_published_ones_until_they_change(study: Study) -> None:
    assert compare(study).equal
    files = [path for job in Jobs(study) for path in job.outputs if path.is_file()]
    with PATHS.published.artefacts.open(newline="") as file:
        assert [row["path"] for row in csv.DictReader(file)] == [
            str(path) for path in files if path != PATHS.report.provenance_table
        ]
    encoder = PATHS.run("simclr-b256-e20-s0").encoder
    encoder.write_bytes(b"other")
    PATHS.run("simclr-b256-e20-s1").history.unlink()
    found = compare(study)
    assert not found.equal
    assert found.other == [str(encoder)]
    assert str(found).startswith(
        f"{found.files - 2} of {found.files} files are the published ones, to the bit; differ: {encoder}; "
    )


def test_a_changed_number_is_found_in_its_table(study: Study) -> None:
    first = next(csv.DictReader(TABLE_1.read_text().splitlines()))
    TABLE_1.write_text(TABLE_1.read_text().replace(first["value"], "0.125", 1))
    found = {table.name: table for table in compare(study).tables}
    assert list(found) == list(TABLES)
    (difference,) = found.pop("table_1").differences
    assert (difference.published, difference.ours) == (first["value"], "0.125")
    assert all(table.equal for table in found.values())


def test_a_study_without_published_results_and_a_missing_table_are_said_in_one_line(study: Study) -> None:
    TABLE_1.unlink()
    with pytest.raises(UserError, match=f"^{TABLE_1}: missing; make it: snakemake {TABLE_1} --configfile"):
        compare(study)
    shutil.rmtree(PATHS.published.folder)
    with pytest.raises(
        UserError, match=r"^reports/published/demo/artefacts.csv: missing, so that nothing here can be compared"
    ):
        compare(study)
