"""The page as a whole, on synthetic results of the demo study."""

import csv
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import edited_result
from tests.report.conftest import CODE, frames_of, write_history

from entrec.errors import UserError
from entrec.methods import METHODS
from entrec.paths import RunFolder, circumstances_of
from entrec.pipeline.jobs import TABLES
from entrec.report.notebooks import execute, jupyter_home
from entrec.report.page import computing_time_of, duration
from entrec.report.provenance import environments, read_provenance, write_provenance
from entrec.report.templates import fragment, notebook
from entrec.report.theme import COLOURS, SHAPES
from entrec.report.vision.datasets import sheets
from entrec.report.vision.figures import FIGURES, figures_html, write_figures
from entrec.report.vision.frames import histories
from entrec.report.vision.method_pages import method_sections
from entrec.report.vision.page import render, render_provenance, swept
from entrec.report.vision.palette import legend_of, marks_of
from entrec.report.vision.plan_table import plan_table
from entrec.report.vision.protocol import all_settings
from entrec.report.vision.provenance import find_provenance, runs_table
from entrec.report.vision.tables import write_table
from entrec.results import LeftOut
from entrec.study import Study, load_study

Results = Callable[..., Path]
Prepared = Callable[[Study], Path]


def test_render_makes_one_page_that_needs_no_script_and_no_network(
    demo_file: Path, tmp_path: Path, results: Results, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    text = demo_file.read_text()
    text = re.sub(r"description: >-\n(  .*\n)+", "description: '<script>alert(1)</script> & more'\n", text)
    demo_file.write_text(re.sub(r"notes:.*(\n  .*)*", "notes: {dino: 'slow <img src=x>'}", text))
    study = load_study(demo_file)
    data = prepared(study)
    folder, output = results(study, data=data), tmp_path / "reports" / "demo"
    for table in TABLES:
        write_table(study, table, results=folder, output=output / "tables")
    before = dict(os.environ)

    render(demo_file, results=folder, output=output, data=data)
    render_provenance(demo_file, results=folder, output=output, data=data, fingerprint="another")

    page = (output / "index.html").read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page
    assert "<script" not in page
    assert "slow &lt;img src=x&gt;" in page
    assert not re.search(r"(?:src|href)=['\"](?:https?:|//)", page)
    assert page.count("<svg ") == len(FIGURES)
    anchors = set(re.findall(r' id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors
    for link in re.findall(r'href="([^"#]+)"', page):
        assert (output / link).is_file(), link
    order = [page.index(f'id="{name}"') for name in ("run", "claims", "tables", "figures", "protocol")]
    assert order == sorted(order)
    assert 'href="provenance.html"' in page[: page.index('id="run"')]
    beside = (output / "provenance.html").read_text()
    assert "100 of 100 result files were made by another version of the code" in beside
    order = [
        beside.index(f'id="{name}"') for name in ("run", "comparison", "plan", "provenance", "environments", "runs")
    ]
    assert order == sorted(order)
    assert "<script" not in beside
    for link in re.findall(r'href="([^"#]+)"', beside):
        assert (output / link).is_file(), link
    assert "21 training, 3 validation and 6 test images" in page
    assert "Traceback" not in page
    assert "In [" not in page
    assert "from pathlib" not in page
    executed = json.loads((output / "notebooks" / "results.ipynb").read_text())
    assert any(cell["metadata"].get("tags") == ["injected-parameters"] for cell in executed["cells"])
    changed = {key for key, _ in os.environ.items() ^ before.items()}
    assert changed <= {"TORCHINDUCTOR_CACHE_DIR"}  # torch's own, set where the plan counts on tensors without numbers
    assert list(home.iterdir()) == []  # Jupyter left nothing behind


def test_the_page_is_the_same_file_whatever_the_circumstances_of_its_results(
    demo_file: Path, tmp_path: Path, results: Results, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = load_study(demo_file)
    data, output = prepared(study), tmp_path / "reports" / "demo"
    folder = results(study, data=data)
    for table in TABLES:
        write_table(study, table, results=folder, output=output / "tables")
    render(demo_file, results=folder, output=output, data=data)
    first = files_of(output)
    shutil.rmtree(output / "figures")
    for place, path in enumerate(sorted(folder.rglob("*.circumstances.json"))):
        if place % 3 == 0:
            path.unlink()
            continue
        with edited_result(path) as made:
            made |= {"started": "2031-02-03T04:05:06+00:00", "seconds": 77.0, "dirty": True, "code": "another"}
    monkeypatch.setattr("entrec.report.vision.page.todays_fingerprint", lambda study: "another")
    render(demo_file, results=folder, output=output, data=data)
    assert files_of(output) == first
    assert {"index.html", "index.json", "notebooks/results.ipynb"} <= set(first)


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file below `folder`."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_fault_of_the_results_inside_a_notebook_is_one_line(tmp_path: Path, demo_file: Path) -> None:
    parameters = {"study": str(demo_file), "results": "", "tables": str(tmp_path), "figures": ""}
    output = tmp_path / "executed.ipynb"
    with jupyter_home(), pytest.raises(UserError, match=r"table_1\.csv: missing") as caught:
        execute(notebook("results"), parameters, output)
    assert "\n" not in str(caught.value)
    assert not output.exists()


def test_render_names_the_first_thing_missing_before_any_kernel_starts(
    tmp_path: Path, demo: Study, demo_file: Path, results: Results
) -> None:
    folder, output, data = results(demo), tmp_path / "out", tmp_path / "data"
    with pytest.raises(UserError, match=r"table_1.csv: missing; make it: snakemake reports/demo/tables/table_1.csv"):
        render(demo_file, results=folder, output=output, data=data)
    for table in TABLES:
        write_table(demo, table, results=folder, output=output / "tables")
    (folder / "dino-b64-e20-s0" / "run.json").unlink()
    with pytest.raises(UserError, match=r"dino-b64-e20-s0/run.json: missing"):
        render(demo_file, results=folder, output=output, data=data)
    assert not (output / "index.html").exists()


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        ("", "ends with step 0 of 1"),
        ("epoch\n1\n", "ends with step None of 1"),
        ("step,epoch\n1,2\n", "has no column loss"),
        ("step,epoch,loss\n1,2,low\n", "low"),
        ("step,epoch,loss\n0,2,1\n", "ends with step 0 of 1"),
    ],
)
def test_a_history_that_a_run_left_damaged_is_named(contents: str, reason: str, demo: Study, results: Results) -> None:
    folder = results(demo)
    path = folder / "cmc-b256-e20-s0" / "history.csv"
    write_history(path.parent, contents, steps=1)
    with pytest.raises(UserError, match=reason) as caught:
        histories(demo, folder, demo.runs)
    assert str(path) in str(caught.value)


def test_figures_are_saved_beside_what_they_draw(demo: Study, results: Results, tmp_path: Path) -> None:
    drawn = write_figures(demo, frames_of(demo, results(demo)), tmp_path / "figures")
    assert drawn == list(FIGURES)
    html = figures_html(demo, drawn, tmp_path / "figures")
    for name in FIGURES:
        svg = (tmp_path / "figures" / f"{name}.svg").read_text()
        assert svg.startswith("<svg ")
        assert "currentColor" in svg
        assert ' id="' not in svg  # several pictures share one page
        assert float(re.findall(r'width="(\d+)"', svg)[0]) < 460
        assert (tmp_path / "figures" / f"{name}.csv").read_text().count("\n") > 5
        assert f'id="{name}"' in html
    rows = list(csv.DictReader((tmp_path / "figures" / "accuracy_by_batch_size.csv").read_text().splitlines()))
    swept = next(row for row in rows if row["method"] == "simclr" and row["batch_size"] == "64")
    assert (swept["n"], swept["sd"]) == ("1", "")


def test_what_was_not_swept_or_measured_is_not_drawn(demo: Study, results: Results, tmp_path: Path) -> None:
    methods = {name: demo.methods[name] for name in ("untrained", "supervised")}
    study = replace(demo, batch_sizes=(256,), methods=methods, notes={})
    drawn = write_figures(study, frames_of(study, results(study)), tmp_path)
    assert "training_curves" in drawn
    assert {path.stem for path in tmp_path.glob("*.svg")} == set(drawn)
    assert not {"accuracy_by_batch_size", "information_plane"} & set(drawn)


def test_a_study_without_figures_leaves_an_empty_folder(demo: Study, results: Results, tmp_path: Path) -> None:
    study = replace(demo, methods={"untrained": {}}, notes={})
    assert write_figures(study, frames_of(study, results(study)), tmp_path / "figures") == []
    assert list((tmp_path / "figures").iterdir()) == []


def test_methods_differ_in_colour_and_shape(demo: Study) -> None:
    marks = marks_of(demo.methods)
    trained = [mark for name, mark in marks.items() if name not in ("untrained", "supervised")]
    colours, shapes = zip(*trained, strict=True)
    assert len(set(colours)) == len(set(shapes)) == 6
    assert len(set(COLOURS)) == len(set(SHAPES)) == 8
    assert marks["untrained"] == marks["supervised"]
    assert marks["untrained"][0] not in COLOURS


def test_a_method_whose_colour_is_taken_gets_a_free_one_and_leaves_the_others_theirs(demo: Study) -> None:
    trained = [name for name, entry in METHODS.items() if not entry.baseline]
    alike = trained[trained.index("entrec_cont") + len(COLOURS)]
    marks = marks_of([alike, *demo.methods])
    assert {name: marks[name] for name in demo.methods} == marks_of(demo.methods)
    assert marks[alike] == (COLOURS[-1], SHAPES[-1])


def test_no_two_of_all_methods_share_colour_and_shape() -> None:
    trained = [name for name, entry in METHODS.items() if not entry.baseline]
    assert len(set(marks_of(trained).values())) == len(trained) > 2 * len(COLOURS)


def test_a_legend_of_long_titles_has_fewer_columns_and_wider_gaps() -> None:
    assert legend_of(["SimCLR", "EntRecCont"]) == (3, 14)
    assert legend_of(["SimCLR", "Spectral contrastive", "EntRecCont"]) == (2, 34)
    assert legend_of([]) == (3, 14)


def test_files_made_by_other_code_are_marked_and_the_rest_are_not(
    demo: Study, results: Results, tmp_path: Path
) -> None:
    folder = results(demo)
    path = folder / "simclr-b64-e20-s0" / "evaluation.json"
    with edited_result(circumstances_of(path)) as record:
        record |= {"code": "fedcba9876543210", "dirty": True}
    found = find_provenance(demo, folder, fingerprint=CODE)
    write_provenance(found, tmp_path / "provenance.csv")
    for frame in (found, read_provenance(tmp_path / "provenance.csv")):
        html = fragment("provenance", environments(frame), runs_table(frame))
        assert html.count("A, B†") == 1
        assert html.count("†") == 2
        assert "with uncommitted changes" in html
    rows = list(csv.DictReader((tmp_path / "provenance.csv").read_text().splitlines()))
    assert len(rows) == 34 * 2 + 16 * 2
    assert [row["run"] for row in rows if row["other_code"] == "true"] == ["simclr-b64-e20-s0"]
    assert rows[0]["commit"] == "89abcdef" * 5


def test_a_result_without_circumstances_is_shown_as_not_recorded_here(demo: Study, results: Results) -> None:
    folder = results(demo)
    run = RunFolder(folder / "simclr-b64-e20-s0")
    for path in (run.description, run.evaluation):
        circumstances_of(path).unlink()
    found = find_provenance(demo, folder, fingerprint=CODE)
    assert "not recorded here" in fragment("provenance", environments(found), runs_table(found))
    assert list(found["run"][found["code"].isna()]) == ["simclr-b64-e20-s0"] * 2
    assert not (found["other_code"] == "true").any()
    own = runs_table(found)
    texts = [column.cells[key] for column in own.columns for key, run in own.rows if run == "simclr-b64-e20-s0"]
    assert texts == ["0", "381", "–", "–", "–", "–", "–", "0.0001", texts[-2], "B"]


def test_a_study_without_any_circumstances_has_no_computing_time(demo: Study, results: Results) -> None:
    folder = results(demo)
    for path in folder.rglob("*.circumstances.json"):
        path.unlink()
    found = find_provenance(demo, folder, fingerprint=CODE)
    assert computing_time_of(found) == "not recorded here"
    plan_table(demo, found, folder)


def test_datasets_are_counted_and_their_pictures_are_inside_the_page(demo: Study, prepared: Prepared) -> None:
    sheet = sheets(demo, prepared(demo))[0]
    assert (sheet.card.name, sheet.role) == ("digits", "pretraining")
    assert sheet.card.counts.model_dump() == {"train": 21, "validation": 3, "test": 6}
    assert sheet.picture.startswith("data:image/png;base64,")


def test_the_page_says_which_files_of_a_dataset_were_left_out_and_which_images_converted(
    demo: Study, prepared: Prepared
) -> None:
    card = sheets(demo, prepared(demo))[0].card
    assert not fragment("differences", card)
    changed = {
        "left_out": {"hidden": LeftOut(count=3, first=("a/.x",)), "no regular file": LeftOut(count=1, first=("p",))},
        "conversions": {"16 bits to 8": 12, "turned upright": 2},
        "skipped": ("b/y.png: image file is truncated",),
    }
    assert str(fragment("differences", card.model_copy(update=changed))).strip() == (
        "Images that needed a conversion: 16 bits to 8 (12), turned upright (2)."
        " Files left out: hidden (3), no regular file (1). Images that cannot be read: 1."
    )


def test_a_missing_dataset_is_named(demo: Study, prepared: Prepared) -> None:
    folder = prepared(demo)
    (folder / "faces" / "labels.npy").unlink()
    with pytest.raises(UserError, match=r"faces/labels.npy: missing; delete the folder and make it again: rerun"):
        sheets(demo, folder)
    shutil.rmtree(folder / "faces")
    with pytest.raises(UserError, match=r"faces/card.json: missing; make it: snakemake data/demo/faces/card.json"):
        sheets(demo, folder)


def test_altered_labels_and_another_studys_dataset_are_not_shown(demo: Study, prepared: Prepared) -> None:
    folder = prepared(demo)
    larger = replace(demo, datasets={**demo.datasets, "faces": replace(demo.datasets["faces"], size=32)})
    with pytest.raises(UserError, match=r"faces: prepared from .*'size': 16.*'size': 32"):
        sheets(larger, folder)
    labels = np.load(folder / "faces" / "labels.npy")
    np.save(folder / "faces" / "labels.npy", labels[::-1])
    with pytest.raises(UserError, match=r"faces/labels.npy: truncated or altered since its preparation"):
        sheets(demo, folder)


def test_every_setting_of_every_method_is_shown(demo: Study) -> None:
    sections = {section.name: dict(section.settings) for section in method_sections(demo)}
    assert list(sections) == list(demo.methods)
    assert sections["simclr"]["optimiser.lr"] == f"{demo.methods['simclr']['optimiser']['lr']:g}"
    html = fragment("settings", "methods.simclr", sections["simclr"].items())
    for key, value in sections["simclr"].items():
        assert f'<tr><th scope="row">{key}</th><td>{value}</td></tr>' in html.replace("<wbr>", "")


def test_a_docstring_becomes_paragraphs_with_code_and_no_markup_of_its_own() -> None:
    html = fragment("prose", ["a < b", "`x<y>` & c"])
    assert html == "<p>a &lt; b</p>\n<p><code>x&lt;y&gt;</code> &amp; c</p>\n"


def test_only_the_solver_that_is_used_has_its_settings_shown(demo: Study) -> None:
    def shown(solver: str) -> dict[str, str]:
        linear = replace(demo.evaluation.linear, solver=solver, lr=0.375)
        study = replace(demo, evaluation=replace(demo.evaluation, linear=linear))
        return dict(all_settings(study)["Linear classifier"])

    assert shown("sgd")["lr"] == "0.375"
    assert list(shown("lbfgs")) == ["solver", "l2"]


def test_what_is_swept_is_named_without_the_headline_setting(demo: Study) -> None:
    assert swept(demo) == "batch sizes 128, 64; 10 epochs; seed 0"
    assert swept(replace(demo, batch_sizes=(256, 64), epochs=(20,))) == "batch size 64; seed 0"
    assert swept(replace(demo, batch_sizes=(64,), epochs=(20,))) == "nothing"


def test_a_line_of_the_page_does_not_break_within_a_mean_and_its_deviation() -> None:
    assert (
        fragment("code", "κ = 10: 94.4 ± 0.3")
        == "κ\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}10: 94.4\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}0.3"
    )


def test_durations_read_as_people_say_them() -> None:
    assert [duration(s) for s in (41.6, 200, 7500)] == ["42 s", "3 min 20 s", "2 h 5 min"]
