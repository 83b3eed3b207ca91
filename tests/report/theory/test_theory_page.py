"""The page of the theory studies, on results that nothing computed."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from entrec.errors import UserError
from entrec.paths import circumstances_of
from entrec.report.provenance import environments
from entrec.report.templates import fragment
from entrec.report.theory.figures import FIGURES, write_theory_figure
from entrec.report.theory.page import files_table, render_theory, render_theory_provenance, theory_provenance
from entrec.report.theory.tables import TABLES, write_theory_table
from entrec.theory.study import Setting

Results = Callable[..., Path]
SECTIONS = ("run", "claims", "latents", "content", "gaussians", "sphere", "rates")


@pytest.fixture
def study_file(quick: Setting, tmp_path: Path) -> Path:
    """The study as a file, with a title that is not to become markup."""
    plain = quick.slice(["title", "description", "quick", "full"])
    path = tmp_path / "theory.yaml"
    path.write_text(yaml.safe_dump({**plain, "title": f"<b>bold</b> {plain['title']}"}, sort_keys=False))
    return path


def test_the_page_needs_no_script_and_no_network_and_is_the_same_in_other_circumstances(
    quick: Setting, study_file: Path, results: Results, tmp_path: Path, edited: Callable[[Path], Any]
) -> None:
    folder, output = results(quick), tmp_path / "reports" / "theory" / "quick"
    for name in TABLES:
        write_theory_table(quick, name, results=folder, output=output / "tables")
    for name in FIGURES:
        write_theory_figure(quick, name, results=folder, output=output / "figures")

    render_theory(study_file, "quick", results=folder, output=output)
    first = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    for path in folder.rglob("*.circumstances.json"):
        with edited(path) as made:
            made |= {"started": "2031-02-03T04:05:06+00:00", "seconds": 77.0, "dirty": True}
    render_theory(study_file, "quick", results=folder, output=output)
    assert {path: path.read_bytes() for path in output.rglob("*") if path.is_file()} == first
    render_theory_provenance(study_file, "quick", results=folder, output=output, fingerprint="another")

    page = (output / "index.html").read_text()
    assert "&lt;b&gt;bold" in page
    assert "<script" not in page
    assert "Traceback" not in page
    assert "from pathlib" not in page
    assert not re.search(r"(?:src|href)=['\"](?:https?:|//)", page)
    assert page.count("<svg ") == len(FIGURES)
    anchors = re.findall(r' id="([^"]+)"', page)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(anchors)
    for link in re.findall(r'href="([^"#]+)"', page):
        assert (output / link).is_file(), link
    order = [page.index(f'id="{name}"') for name in SECTIONS]
    assert order == sorted(order)
    files = len(list(folder.rglob("*.circumstances.json")))
    beside = (output / "provenance.html").read_text()
    assert f"{files} of {files} result files were made by another version of the code" in beside
    order = [beside.index(f'id="{name}"') for name in ("run", "comparison", "provenance", "environments", "files")]
    assert order == sorted(order)
    assert page.count('<span class="status reproduced">reproduced</span>') == 1  # C8, which alone the setting judges
    assert page.count('<span class="status not-run">not run</span>') == 2
    assert page.count('<figure class="table"') == len(TABLES)
    assert "This is no verdict on C6" in page
    assert "2 seeds" in page
    assert page.count("h^(4−d)") >= 3  # in the rule, in the verdict and under the table


def test_the_first_thing_missing_is_named_before_any_kernel_starts(
    quick: Setting, study_file: Path, results: Results, tmp_path: Path
) -> None:
    folder, output = results(quick), tmp_path / "out"
    target = "reports/theory/quick/tables/table_latent_recovery.csv"
    with pytest.raises(UserError, match=f"missing; make it: snakemake {target}"):
        render_theory(study_file, "quick", results=folder, output=output)
    for name in TABLES:
        write_theory_table(quick, name, results=folder, output=output / "tables")
    for name in FIGURES:
        write_theory_figure(quick, name, results=folder, output=output / "figures")
    (folder / "rates" / "plug_in.json").unlink()
    with pytest.raises(UserError, match=r"make it: snakemake results/theory/quick/rates/plug_in\.json"):
        render_theory(study_file, "quick", results=folder, output=output)
    assert not (output / "index.html").exists()


def test_files_made_by_other_code_are_marked_and_the_rest_are_not(
    quick: Setting, results: Results, edited: Callable[[Path], Any]
) -> None:
    folder = results(quick)
    today = theory_provenance(quick, folder, fingerprint="any")["code"].iloc[0]
    with edited(circumstances_of(folder / "sphere" / "d128.json")) as record:
        record |= {"code": "fedcba9876543210", "dirty": True}
    found = theory_provenance(quick, folder, fingerprint=today)
    assert list(found["file"][found["other_code"] == "true"]) == ["sphere/d128.json"]
    assert len(found) == len(list(folder.rglob("*.circumstances.json")))
    html = fragment("provenance", environments(found), files_table(found))
    assert html.count("B†") == 1
    assert "with uncommitted changes" in html
