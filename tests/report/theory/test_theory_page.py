"""The theory study's figures and its page, on synthetic results."""

import csv
import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from entrec.errors import UserError
from entrec.report.theory.figures import FIGURES, write_theory_figure
from entrec.report.theory.origins import theory_origins, theory_provenance, write_theory_provenance
from entrec.report.theory.page import render_theory
from entrec.report.theory.tables import TABLES, write_theory_table
from entrec.theory.study import TheoryStudy

Results = Callable[..., Path]
PAGES = Path(__file__).parents[3] / "reports"


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def drawn(study: TheoryStudy, name: str, folder: Path, output: Path) -> tuple[str, list[dict[str, str]]]:
    """The SVG of a figure and the rows of its CSV."""
    write_theory_figure(study.setting("quick"), name, results=folder, output=output)
    return (output / f"{name}.svg").read_text(), read_csv(output / f"{name}.csv")


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_narrow_and_takes_its_ink_from_the_page(
    name: str, theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    svg, rows = drawn(theory, name, results(theory), tmp_path)
    assert svg.startswith("<svg ")
    assert "currentColor" in svg
    assert set(re.findall(r' id="(\D*)', svg)) <= {f"{name}-clip"}  # several pictures share one page
    assert set(re.findall(r"url\(#(\D*)", svg)) <= {f"{name}-clip"}
    assert float(re.findall(r'width="(\d+)"', svg)[0]) < 460
    assert len(rows) > 5


def test_log_k_is_drawn_where_it_caps_a_bound_and_nowhere_else(
    theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    svg, rows = drawn(theory, "estimators_gaussian", results(theory), tmp_path)
    assert svg.count(">log 64</text>") == 3  # InfoNCE, EntRec with its self term, EntRec discrete
    assert {row["bound"] for row in rows} >= {"nwj", "smile"}


def test_guides_fall_at_the_stated_exponents_where_slopes_were_fitted(
    theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    _, rows = drawn(theory, "estimators_rates", results(theory), tmp_path)
    guides = {(r["case"], r["quantity"], int(r["samples"])): float(r["guide"] or "nan") for r in rows}
    case = "gaussian_d2_resubstitution"
    assert guides[case, "variance", 256] == pytest.approx(1 / 256, rel=1e-5)
    assert guides[case, "variance", 4096] == pytest.approx(1 / 4096, rel=1e-5)
    assert guides[case, "squared bias", 256] / guides[case, "squared bias", 1024] == pytest.approx(16, rel=1e-5)
    assert math.isnan(guides[case, "variance", 64])  # the fit begins at 256
    assert math.isnan(guides[case, "mean squared error", 256])  # nothing is stated of it in this case
    plug_in = [guides["plug_in", "mean squared error", k] for k in (256, 1024)]
    assert plug_in[0] / plug_in[1] == pytest.approx(4, rel=1e-4)  # its root falls by 2


def test_a_bias_that_is_noise_is_not_drawn(theory: TheoryStudy, results: Results, tmp_path: Path) -> None:
    # leave-one-out: the bias 3 / k is above twice its error 1 / sqrt(400 k) up to k = 900
    _, rows = drawn(theory, "estimators_rates", results(theory), tmp_path)
    own = [r for r in rows if r["case"] == "gaussian_d2_leave_one_out" and r["quantity"] == "squared bias"]
    assert [int(r["samples"]) for r in own] == [64, 256]


@pytest.mark.parametrize(
    ("figure", "file", "key", "at", "values", "reason"),
    [
        ("rates", "rates/plug_in.json", "rows", 1, {"variance": 0.0}, r"variance is 0\.0, expected a positive"),
        ("rates", "rates/plug_in.json", "rows", 1, {"mse": -1.0}, r"rows\.1\.mse is -1\.0, expected a positive"),
        ("rates", "rates/plug_in.json", "rows", 0, {"samples": 0}, r"rows\.0 is of samples 0, expected samples 64"),
        ("gaussian", "gaussian/js-s0.json", "trace", 2, {"step": 31}, r"trace\.2 is of step 31, .* expected step 30"),
        ("gaussian", "gaussian/js-s0.json", "trace", 10, {"truth": 2.0}, r"expected step 110, truth 6"),
        ("sphere", "sphere/d10.json", "rows", 0, {"samples": 0}, r"rows\.0 is of kappa 1, samples 0"),
    ],
)  # fmt: skip
def test_a_figure_of_results_of_another_study_is_refused(
    figure: str,
    file: str,
    key: str,
    at: int,
    values: dict[str, float],
    reason: str,
    theory: TheoryStudy,
    results: Results,
    tmp_path: Path,
) -> None:
    folder = results(theory)
    record = json.loads((folder / file).read_text())
    record[key][at] |= values
    (folder / file).write_text(json.dumps(record))
    with pytest.raises(UserError, match=reason) as caught:
        write_theory_figure(theory.setting("quick"), f"estimators_{figure}", results=folder, output=tmp_path)
    assert f"make it again: snakemake results/theory/quick/{file}" in str(caught.value)


def test_an_unknown_figure_is_refused(theory: TheoryStudy, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="figure_9: no such figure; allowed: latent_recovery,"):
        write_theory_figure(theory.setting("quick"), "figure_9", results=tmp_path, output=tmp_path)


def test_the_page_needs_no_script_and_no_network(
    theory: TheoryStudy, theory_file: Path, results: Results, tmp_path: Path
) -> None:
    theory_file.write_text(theory_file.read_text().replace("title: '", "title: '<b>bold</b> ", 1))
    folder, output = results(theory), tmp_path / "reports" / "theory" / "quick"
    make_parts(theory, folder, output)

    render_theory(theory_file, "quick", results=folder, output=output, pages=PAGES, fingerprint="another")

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
    sections = ("run", "claims", "latents", "content", "gaussians", "sphere", "rates", "provenance")
    order = [page.index(f'id="{name}"') for name in sections]
    assert order == sorted(order)
    files = len(theory_origins(theory.setting("quick"), folder))
    assert f"{files} of {files} files of results were made by other code than today’s" in page
    assert page.count('<span class="status reproduced">reproduced</span>') == 3
    assert page.count('<figure class="table"') == len(TABLES)
    assert "This is no verdict on C6" in page
    assert "2 seeds" in page
    assert page.count("h^(4−d)") >= 3  # in the rule, in the verdict and under the table


def test_the_first_thing_missing_is_named_before_any_kernel_starts(
    theory: TheoryStudy, theory_file: Path, results: Results, tmp_path: Path
) -> None:
    folder, output = results(theory), tmp_path / "out"
    target = "reports/theory/quick/tables/table_latent_recovery.csv"
    with pytest.raises(UserError, match=f"missing; make it: snakemake {target}"):
        render_theory(theory_file, "quick", results=folder, output=output, pages=PAGES, fingerprint="any")
    for path in [f"tables/{name}{kind}" for name in TABLES for kind in (".csv", ".html")] + [
        f"figures/{name}.svg" for name in FIGURES
    ]:
        (output / path).parent.mkdir(parents=True, exist_ok=True)
        (output / path).touch()
    (folder / "rates" / "plug_in.json").unlink()
    with pytest.raises(UserError, match=r"make it: snakemake results/theory/quick/rates/plug_in\.json"):
        render_theory(theory_file, "quick", results=folder, output=output, pages=PAGES, fingerprint="any")
    assert not (output / "index.html").exists()


def test_files_made_by_other_code_are_marked_and_the_rest_are_not(
    theory: TheoryStudy, results: Results, tmp_path: Path
) -> None:
    folder = results(theory)
    path = folder / "sphere" / "d128.json"
    record = json.loads(path.read_text())
    record["provenance"] |= {"code": "fedcba9876543210", "dirty": True}
    path.write_text(json.dumps(record))
    found = theory_origins(theory.setting("quick"), folder)
    today = found[0].environment.code
    html = theory_provenance(found, fingerprint=today)
    assert html.count("B†") == 1
    assert "with uncommitted changes" in html
    assert "†" not in theory_provenance(found, fingerprint=None)
    write_theory_provenance(found, tmp_path / "provenance.csv", fingerprint=today)
    rows = read_csv(tmp_path / "provenance.csv")
    assert [row["file"] for row in rows if row["other_code"] == "true"] == ["sphere/d128.json"]
    assert len(rows) == len(list(folder.rglob("*.json")))


def make_parts(study: TheoryStudy, results: Path, output: Path) -> None:
    """The tables and figures that the page shows."""
    for name in TABLES:
        write_theory_table(study.setting("quick"), name, results=results, output=output / "tables")
    for name in FIGURES:
        write_theory_figure(study.setting("quick"), name, results=results, output=output / "figures")
