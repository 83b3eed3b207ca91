"""Damaged results of the theory are found, by `entrec verify` and by whoever reads them."""

from pathlib import Path

import pytest
from tests.report.conftest import ROOT
from tests.report.theory.conftest import write_theory_results

from entrec.errors import Missing, Outdated, UserError
from entrec.paths import TheoryPaths
from entrec.pipeline.verify import verify
from entrec.report.theory.figures import write_theory_figure
from entrec.report.theory.tables import theory_rows, write_theory_table
from entrec.theory.study import Setting

PATHS = TheoryPaths("quick")
TABLE, FIGURE = "table_estimators_rates", "estimators_rates"
RUN = PATHS.results.latent_recovery("narrow-info_nce-b512-s0")


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: Setting) -> Setting:
    """The setting, with all its results, one table and one figure in the working folder."""
    monkeypatch.chdir(tmp_path)
    Path("reports").mkdir()
    for name in ("templates", "notebooks"):
        Path("reports", name).symlink_to(ROOT / "reports" / name)
    write_theory_results(quick, PATHS.results.folder)
    write_theory_table(quick, TABLE, results=PATHS.results.folder, output=PATHS.report.tables)
    write_theory_figure(quick, FIGURE, results=PATHS.results.folder, output=PATHS.report.figures)
    return quick


def found(setting: Setting) -> list[str]:
    """What is wrong, but for what is missing, and for the settings, which these results do not hold."""
    return [str(fault) for fault in verify(setting) if not isinstance(fault, Missing | Outdated)]


def test_an_altered_byte_of_a_result_an_encoder_a_table_or_a_figure_is_found(setting: Setting) -> None:
    assert found(setting) == []
    table, figure = PATHS.report.table(TABLE), PATHS.report.figure(FIGURE)
    for path in (*RUN.trained, PATHS.results.rates("plug_in"), *table, *figure, table[0].with_suffix(".json")):
        content = path.read_bytes()
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
        assert any(fault.startswith(f"{path}: damaged") for fault in found(setting)), path
        path.write_bytes(content)


def test_an_encoder_of_another_run_is_found(setting: Setting) -> None:
    other = PATHS.results.latent_recovery("narrow-info_nce-b512-s1")
    RUN.encoder.write_bytes(other.encoder.read_bytes())
    (fault,) = found(setting)
    assert fault.startswith(f"{RUN.encoder}: damaged (not the file that {RUN.result} names); delete it and make it")


def test_a_table_that_was_cut_is_one_line(setting: Setting) -> None:
    csv = PATHS.report.table(TABLE)[0]
    csv.write_text(csv.read_text()[:-30])
    with pytest.raises(UserError, match=rf"^{csv}: damaged .* make it again: snakemake {csv}$"):
        theory_rows(setting, TABLE, PATHS.report.tables)


def test_settings_that_changed_since_are_told_with_their_keys(setting: Setting) -> None:
    assert any(isinstance(fault, Outdated) and "quick.latent_recovery" in str(fault) for fault in verify(setting))
