"""Results that were damaged, swapped or typed in are found, by `entrec verify` and by whoever reads them."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import edited_result

from entrec.__main__ import main
from entrec.errors import Missing, Outdated, UserError
from entrec.paths import DatasetFolder, RunFolder, circumstances_of
from entrec.pipeline.jobs import Jobs
from entrec.pipeline.recording import require_whole
from entrec.pipeline.verify import faults, told, verify
from entrec.report.vision.reading import require_same_data
from entrec.report.vision.tables import write_table
from entrec.runs import Run
from entrec.study import Study

RUN, OTHER = Run("simclr", 256, 20, 0), Run("simclr", 256, 20, 1)
RESULTS, TABLE = Path("results/demo"), Path("reports/demo/tables")
FOLDER, OTHER_FOLDER = RunFolder(RESULTS / str(RUN)), RunFolder(RESULTS / str(OTHER))


@pytest.fixture
def study(made: Study) -> Study:
    """The study whose results are damaged here."""
    return made


def found(study: Study) -> list[str]:
    """What is wrong with the study, but for the page, which is missing."""
    return [str(fault) for fault in verify(study) if not isinstance(fault, Missing)]


def files() -> Iterator[Path]:
    """Every file of the study."""
    for folder in ("data", "results", "reports/demo"):
        yield from (path for path in sorted(Path(folder).rglob("*")) if path.is_file())


def flip(path: Path, place: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)


def test_nothing_is_wrong_with_results_as_they_were_written_and_what_is_missing_are_the_pages(study: Study) -> None:
    missing = verify(study)
    assert all(isinstance(fault, Missing) for fault in missing)
    pages = [path for job in (Jobs(study).report(), Jobs(study).provenance()) for path in job.outputs]
    assert [str(fault).split(":")[0] for fault in missing] == [str(path) for path in pages]
    assert "snakemake reports/demo/index.html --configfile params/demo.yaml" in str(missing[0])


def test_a_flipped_bit_of_any_file_is_found_and_the_file_named(study: Study) -> None:
    every = list(files())
    assert len({path.suffix for path in every}) == 6  # npy, json, safetensors, csv, tex, html
    runs = {str(RUN), "table_1", "table_methods", "digits"}
    for path in (path for path in every if runs & {*path.parts, path.stem}):
        flip(path, path.stat().st_size // 2)
        assert any(str(path) in fault for fault in found(study)), path
        flip(path, path.stat().st_size // 2)
    assert found(study) == []


@pytest.mark.parametrize("bit", [0, 5])  # another digit or letter; a capital letter
def test_every_bit_of_a_result_is_covered_or_changes_no_value(study: Study, bit: int) -> None:
    job = Jobs(study).evaluate(RUN)
    values = json.loads(FOLDER.evaluation.read_bytes())
    for place in range(FOLDER.evaluation.stat().st_size):
        flip(FOLDER.evaluation, place, bit)
        if not faults(job, study):
            assert json.loads(FOLDER.evaluation.read_bytes()) == values
        flip(FOLDER.evaluation, place, bit)


@pytest.mark.parametrize("name", ["encoder", "history", "evaluation", "description"])
def test_a_file_of_another_run_is_found_and_no_table_made_of_it(name: str, study: Study) -> None:
    own, other = getattr(FOLDER, name), getattr(OTHER_FOLDER, name)
    kept = own.read_bytes()
    own.write_bytes(other.read_bytes())
    assert any(fault.startswith(f"{own}: damaged (") for fault in found(study))
    if name != "encoder":  # which the tables do not read
        with pytest.raises(UserError, match=f"^{own}: damaged "):
            write_table(study, "table_methods", results=RESULTS, output=TABLE)
    own.write_bytes(kept)
    assert found(study) == []


def test_an_evaluation_of_another_encoder_or_of_other_data_is_not_that_of_the_run(study: Study) -> None:
    for key, fault in (("encoder", "another encoder"), ("checksum", "other data")):
        kept = FOLDER.evaluation.read_bytes()
        with edited_result(FOLDER.evaluation) as values:
            (values if key == "encoder" else values["made_from"]["dataset"])[key] = "0" * 64
        expected = f"{FOLDER.evaluation}: damaged (made from {fault} than {FOLDER.description} names); delete it and"
        with pytest.raises(UserError) as caught:
            write_table(study, "table_1", results=RESULTS, output=TABLE)
        assert str(caught.value).startswith(expected)
        assert [line for line in found(study) if line.startswith(expected)]
        FOLDER.evaluation.write_bytes(kept)


def test_results_of_other_data_than_the_card_describes_are_found(study: Study) -> None:
    card = DatasetFolder(Path("data/demo/digits")).card
    with edited_result(card) as values:
        values["mean"] = [0.25]  # a card that was written anew, with another mean
    fault = f"{FOLDER.description}: damaged (made from other data than {card} describes)"
    assert any(line.startswith(fault) for line in found(study))
    with pytest.raises(UserError, match=f"made from other data than {card} describes"):
        require_same_data(study, RESULTS, Path("data/demo"))


def test_a_mean_typed_into_a_card_is_found(study: Study) -> None:
    card = DatasetFolder(Path("data/demo/digits")).card
    card.write_text(card.read_text().replace('"mean": [\n    0.', '"mean": [\n    1.'))
    assert any(line.startswith(f"{card}: damaged (its digest is not that of its contents") for line in found(study))


def test_a_table_is_out_of_date_after_a_result_that_it_shows(study: Study) -> None:
    job = Jobs(study).table("table_1")
    with edited_result(circumstances_of(FOLDER.evaluation)) as values:
        values["seconds"] = 99.0  # the same scores, computed again
    assert faults(job, study) == []
    with edited_result(FOLDER.evaluation) as values:
        values["linear"]["test"] = 0.5
    (fault,) = faults(job, study)
    expected = f"{TABLE}/table_1.json: damaged (made from another {FOLDER.evaluation} than there is now)"
    assert str(fault).startswith(expected)
    with pytest.raises(UserError, match="made from another"):
        require_whole(job, study, places={})


def test_circumstances_may_be_missing_but_not_those_of_another_result(study: Study) -> None:
    own, other = (circumstances_of(folder.evaluation) for folder in (FOLDER, OTHER_FOLDER))
    kept = own.read_bytes()
    own.unlink()
    assert found(study) == []
    shutil.copy(other, own)
    assert found(study) == [f"{own}: the circumstances of another result than {FOLDER.evaluation} is now; delete it"]
    own.write_bytes(kept)


def test_a_record_of_another_table_vouches_for_no_file_of_this_one(study: Study) -> None:
    shutil.copy(TABLE / "table_2.json", TABLE / "table_1.json")
    for file in ("table_1.csv", "table_1.tex", "table_1.html"):
        assert any(f"table_1.json: damaged (has no digest of {TABLE / file})" in fault for fault in found(study))


@pytest.mark.parametrize("path", [FOLDER.description, FOLDER.evaluation, Path("data/demo/digits/card.json")])
def test_brackets_within_thousands_of_brackets_are_one_line(study: Study, path: Path) -> None:
    path.write_text("[" * 100_000)
    faults = found(study)
    assert any(str(path) in fault for fault in faults)
    assert all("\n" not in fault for fault in faults)


def test_settings_that_changed_are_told_with_their_keys_and_are_no_damage(study: Study) -> None:
    linear = replace(study.evaluation.linear, epochs=77)
    changed = replace(study, evaluation=replace(study.evaluation, linear=linear))
    said = [fault for fault in verify(changed) if not isinstance(fault, Missing)]
    assert len(said) == len(study.runs)
    assert all(isinstance(fault, Outdated) for fault in said)
    assert f"{FOLDER.evaluation}: the study has since changed evaluation.linear; delete it and make it again" in told(
        said
    )
    with pytest.raises(Outdated, match=r"the study has since changed evaluation\.linear"):
        write_table(changed, "table_1", results=RESULTS, output=TABLE)


def test_what_is_missing_is_told_apart_from_what_is_damaged(study: Study) -> None:
    os.remove(OTHER_FOLDER.evaluation)
    flip(FOLDER.encoder, 0)
    damaged, *_, last = told(verify(study)).split("missing: ")
    assert f"{FOLDER.encoder}: damaged" in damaged
    assert f"{OTHER_FOLDER.evaluation}: missing; make it: snakemake" in last


def test_the_command_gives_code_1_for_damage_and_on_demand_for_other_settings(
    study: Study, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def code(*options: str) -> int:
        monkeypatch.setattr(sys, "argv", ["entrec", "verify", "results/demo", *options])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    Path("params").mkdir()
    Path("params/demo.yaml").touch()
    monkeypatch.setattr("entrec.pipeline.verify.load_study", lambda path: study)
    assert code() == code("--current") == 0
    assert "missing: 8" in capsys.readouterr().out
    linear = replace(study.evaluation.linear, epochs=77)
    changed = replace(study, evaluation=replace(study.evaluation, linear=linear))
    monkeypatch.setattr("entrec.pipeline.verify.load_study", lambda path: changed)
    assert (code(), code("--current")) == (0, 1)
    flip(FOLDER.history, 0)
    assert code() == 1
    assert f"{FOLDER.history}: damaged (not the file that {FOLDER.description} names)" in capsys.readouterr().out
