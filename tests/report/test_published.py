"""Today's results beside the published ones: what is equal to the bit is said so, and what differs is measured."""

import csv
import math
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from entrec.errors import Outdated, UserError
from entrec.paths import StudyPaths
from entrec.pipeline import published, stage
from entrec.pipeline.jobs import TABLES, Jobs
from entrec.pipeline.published import compare, publish
from entrec.pipeline.recording import write_record
from entrec.pipeline.stage import adopt
from entrec.pipeline.table_comparison import compare_tables
from entrec.pipeline.verify import faults
from entrec.report.comparison import Section, comparison_section
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
    assert (found.numbers, found.missing, found.surplus, list(found.differences)) == (0, 2, 1, [])
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
    assert compare(study, places={}).equal
    files = [path for job in Jobs(study) for path in job.outputs if path.is_file()]
    with PATHS.published.artefacts.open(newline="") as file:
        assert [row["path"] for row in csv.DictReader(file)] == [
            str(path) for path in files if path != PATHS.report.provenance_table
        ]
    encoder = PATHS.run("simclr-b256-e20-s0").encoder
    encoder.write_bytes(b"other")
    PATHS.run("simclr-b256-e20-s1").history.unlink()
    found = compare(study, places={})
    assert not found.equal
    assert found.other == [str(encoder)]
    assert str(found).startswith(
        f"{found.files - 2} of {found.files} files are the published ones, to the bit; differ: {encoder}; "
    )


def test_a_changed_number_is_found_in_its_table(study: Study) -> None:
    first = next(csv.DictReader(TABLE_1.read_text().splitlines()))
    TABLE_1.write_text(TABLE_1.read_text().replace(first["value"], "0.125", 1))
    found = {table.name: table for table in compare(study, places={}).tables}
    assert list(found) == list(TABLES)
    (difference,) = found.pop("table_1").differences
    assert (difference.published, difference.ours) == (first["value"], "0.125")
    assert all(table.equal for table in found.values())


def test_a_study_without_published_results_and_a_missing_table_are_said_in_one_line(study: Study) -> None:
    TABLE_1.unlink()
    with pytest.raises(UserError, match=f"^{TABLE_1}: missing; make it: snakemake {TABLE_1} --configfile"):
        compare(study, places={})
    shutil.rmtree(PATHS.published.folder)
    with pytest.raises(
        UserError, match=r"^reports/published/demo/artefacts.csv: missing, so that nothing here can be compared"
    ):
        compare(study, places={})


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        (PATHS.published.artefacts, "path,digest\na,b\n", "its first line does not name the column sha256"),
        (
            PATHS.published.artefacts,
            "path,sha256\na,b\n<<<<<<< HEAD\n",
            "begins with '<<<<<<< HEAD' has not all its cells",
        ),
        (
            PATHS.published.copy_of(TABLE_1),
            "method,value\nsimclr,1.5,2\n",
            "begins with 'simclr' has not all its cells",
        ),
        (TABLE_1, 'method,value\n"simclr,1.5', "not a table of comma-separated values"),
        (TABLE_1, b"method,value\n\xff,1.5", "not a table of comma-separated values"),
    ],
)
def test_a_damaged_table_is_said_in_one_line(study: Study, file: Path, content: str | bytes, says: str) -> None:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=rf"^{file}: .*{says}.*$"):
        compare(study, places={})


def cells(section: Section) -> dict[str, list[str]]:
    """Return the cells of each row of the page's table, by the title of the row."""
    assert section.table
    return {title: [column.cells[key] for column in section.table.columns] for key, title in section.table.rows}


def test_the_page_says_that_everything_is_equal(study: Study) -> None:
    section = comparison_section(study, places={})
    files = compare(study, places={}).files
    assert section.paragraphs[0] == f"{files} of {files} files are equal to the published ones, to the bit."
    assert list(cells(section)) == list(TABLES)
    for numbers, equal, *others in cells(section).values():
        assert numbers == equal
        assert others == ["0", "0", "0", "0", "\N{EN DASH}"]


def test_the_page_names_the_files_that_differ_and_measures_the_numbers(study: Study) -> None:
    encoder, history = PATHS.run("simclr-b256-e20-s0").encoder, PATHS.run("simclr-b256-e20-s1").history
    encoder.write_bytes(b"other")
    history.unlink()
    first, second, *_ = csv.DictReader(TABLE_1.read_text().splitlines())
    assert (first["seed"], second["seed"]) == ("0", "1")
    spread = abs(float(first["value"]) - float(second["value"])) / math.sqrt(2)  # the deviation of two numbers
    TABLE_1.write_text(TABLE_1.read_text().replace(first["value"], "0.125", 1))
    section = comparison_section(study, places={})
    files = compare(study, places={}).files
    assert section.paragraphs[0] == (
        f"{files - 3} of {files} files are equal to the published ones, to the bit."
        f" These differ here: `{encoder}`, `{TABLE_1}`. These are missing here: `{history}`."
    )
    numbers, equal, within, beyond, missing, surplus, largest = cells(section)["table_1"]
    assert (int(equal), within, beyond, missing, surplus) == (int(numbers) - 1, "0", "1", "0", "0")
    assert largest.startswith(
        f"{float(first['value']) - 0.125:.3g}: 0.125 instead of {first['value']} (value of method "
    )
    assert largest.endswith(f", beyond the published spread of {spread:.3g}")


def test_the_page_states_no_size_where_one_of_the_two_numbers_is_not_there(study: Study) -> None:
    first = next(csv.DictReader(TABLE_1.read_text().splitlines()))
    TABLE_1.write_text(TABLE_1.read_text().replace(first["value"], "", 1))
    *_, largest = cells(comparison_section(study, places={}))["table_1"]
    assert largest.startswith(f"none instead of {first['value']} (value of method ")
    assert largest.endswith(")")


def test_the_page_says_that_the_published_study_has_other_parameters(study: Study) -> None:
    TABLE_1.write_text(TABLE_1.read_text().replace(",1,digits,", ",7,digits,", 1))
    said = " ".join(comparison_section(study, places={}).paragraphs)
    assert "The published study has other parameters" in said
    assert "not here: 1. Rows here that are not published: 1." in said


def test_the_page_says_that_nothing_or_not_all_is_published(study: Study) -> None:
    for path in (PATHS.published.copy_of(TABLE_1), PATHS.published.artefacts):
        path.unlink()
        section = comparison_section(study, places={})
        (sentence,) = section.paragraphs
        assert sentence.startswith(f"Nothing is compared: `{path}` is missing")
        assert section.table is None


def made_page(study: Study) -> Iterable[Path]:
    """Write a page of provenance that nothing rendered, with its record, and return its files."""
    job = Jobs(study).provenance()
    PATHS.report.page.write_text("the page of results")
    files = [path for path in job.outputs if path.suffix in (".html", ".csv", ".ipynb")]
    for path in files:
        path.write_text("shown")
    write_record(job, study, files, places={})
    return job.outputs


def test_the_page_depends_on_everything_that_it_compares(study: Study) -> None:
    tables = Jobs(study).tables
    compared = [PATHS.published.artefacts, *map(PATHS.published.copy_of, tables)]
    assert {PATHS.report.page, *tables, *compared} <= set(Jobs(study).provenance().inputs)
    assert not set(compared) & {path for job in (Jobs(study).report(), Jobs(study).all()) for path in job.inputs}
    compared[1].unlink()
    assert compared[1] not in Jobs(study).provenance().inputs


def test_the_page_is_out_of_date_once_other_results_are_published_and_adopting_drops_it(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "run_stage", lambda *_: None)
    files = made_page(study)
    adopt(study, Path("params/demo.yaml"))
    assert all(path.exists() for path in files)
    PATHS.published.artefacts.write_text("path,sha256\n")
    (fault,) = faults(Jobs(study).provenance(), study)
    assert isinstance(fault, Outdated)
    assert f"made with another {PATHS.published.artefacts} than there is now" in str(fault)
    adopt(study, Path("params/demo.yaml"))
    assert not any(path.exists() for path in files)
