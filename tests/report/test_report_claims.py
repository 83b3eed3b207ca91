"""Claims: the rules on numbers chosen by hand, and what may never be said."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.report.conftest import frames_of, write_history

from entrec.report.claims import Verdict
from entrec.report.templates import fragment
from entrec.report.vision.claims import judge
from entrec.report.vision.figures import TITLES
from entrec.report.vision.published import published_rows
from entrec.runs import Run
from entrec.study import Study

Results = Callable[..., Path]


def verdicts(study: Study, folder: Path) -> dict[str, Verdict]:
    return {verdict.name: verdict for verdict in judge(study, frames_of(study, folder))}


def as_printed(run: Run, study: Study) -> float:
    """The paper's own tables as fractions: the baselines, which it has not, far away from everything."""
    printed = [row for table in ("table_1", "table_2") for row in published_rows(study, table)]
    own = [row for row in printed if row["method"] == run.method]
    if not own:
        return 0.2
    here = (run.batch_size, run.epochs)
    change = sum(row["delta"] for row in own if "delta" in row and (row["batch_size"], row["epochs"]) == here)
    return (own[0]["value"] + change) / 100


def test_claims_about_imagenet_are_never_reproduced_by_another_study(demo: Study, results: Results) -> None:
    found = verdicts(demo, results(demo))
    for name in ("C4", "C5", "C6", "C7"):
        assert found[name].status == "not run"
        assert "Only the study `paper`" in found[name].sentence
        assert found[name].here.startswith("On digits the rule ")


def test_the_papers_own_numbers_reproduce_its_claims(paper: Study, results: Results) -> None:
    found = verdicts(paper, results(paper, lambda run: as_printed(run, paper)))
    assert {name: found[name].status for name in ("C4", "C5", "C6", "C7")} == dict.fromkeys(
        ("C4", "C5", "C6", "C7"), "reproduced"
    )
    assert "EntRecCont reaches 69.7" in found["C4"].sentence
    assert found["C6"].here == ""


@pytest.mark.parametrize(
    ("claim", "worse"),
    [
        ("C4", lambda run: -0.02),
        ("C6", lambda run: -0.02 if run.batch_size < 4096 else 0.0),
        ("C7", lambda run: -0.12 if run.epochs == 100 else 0.0),
    ],
)
def test_an_entrec_that_does_worse_is_not_reproduced(
    claim: str, worse: Callable[[Run], float], paper: Study, results: Results
) -> None:
    def accuracy(run: Run) -> float:
        return as_printed(run, paper) + (worse(run) if run.method == "entrec_cont" else 0.0)

    assert verdicts(paper, results(paper, accuracy))[claim].status == "not reproduced"


def test_the_margin_is_two_pooled_deviations_but_at_least_half_a_point(paper: Study, results: Results) -> None:
    def wide(run: Run) -> float:  # every method's two seeds are 2 points apart: sd 1.41
        return as_printed(run, paper) + 0.02 * run.seed

    assert "margin 2.8 points" in verdicts(paper, results(paper, wide))["C4"].sentence
    assert "margin 0.5 points" in verdicts(paper, results(paper, lambda run: as_printed(run, paper)))["C4"].sentence


def test_dino_must_lose_least_with_fewer_epochs(paper: Study, results: Results) -> None:
    def accuracy(run: Run) -> float:
        return as_printed(run, paper) - (0.05 if run.method == "dino" and run.epochs == 100 else 0.0)

    assert verdicts(paper, results(paper, accuracy))["C7"].status == "not reproduced"


def test_claims_of_the_theory_are_not_run(demo: Study, results: Results) -> None:
    found = verdicts(demo, results(demo))
    assert {found[name].status for name in ("C2", "C3", "C8")} == {"not run"}


def test_a_claim_of_the_theory_names_the_command_that_judges_it(demo: Study, results: Results) -> None:
    found = verdicts(demo, results(demo))
    for name in ("C2", "C3", "C8"):
        assert found[name].sentence.endswith("The theory studies decide it: `snakemake theory`.")


def test_the_split_is_reproduced_where_it_is_measured_and_its_sum_rises(demo: Study, results: Results) -> None:
    assert verdicts(demo, results(demo))["C1"].status == "reproduced"


def test_the_split_is_not_run_where_a_method_was_not_measured(demo: Study, results: Results) -> None:
    folder = results(demo)
    path = folder / "byol-b256-e20-s1" / "history.csv"
    write_history(path.parent, path.read_text().splitlines()[0] + "\n", steps=0)
    verdict = verdicts(demo, folder)["C1"]
    assert verdict.status == "not run"
    assert "byol-b256-e20-s1" in verdict.sentence


@pytest.mark.parametrize("bounds", [("3.0", "1.0"), ("1.0", "9.0")], ids=["it falls", "it is no sum"])
def test_the_split_is_not_reproduced_where_the_bound_falls_or_is_no_sum(
    bounds: tuple[str, str], demo: Study, results: Results
) -> None:
    folder = results(demo)
    for seed in (0, 1):
        rows = [
            f"{step},{step},0,1,{entropy},0,{bound}"
            for step, entropy, bound in zip((10, 20), ("3.0", "1.0"), bounds, strict=True)
        ]
        header = "step,epoch,lr,loss,entropy,reconstruction,bound"
        write_history(folder / f"dino-b256-e20-s{seed}", "\n".join([header, *rows]) + "\n", steps=20)
    assert verdicts(demo, folder)["C1"].status == "not reproduced"


def test_a_rule_without_its_methods_cannot_be_applied(demo: Study, results: Results) -> None:
    study = replace(demo, notes={}, methods={name: demo.methods[name] for name in ("untrained", "simclr", "byol")})
    found = verdicts(study, results(study))
    for name in ("C4", "C5", "C6", "C7"):
        assert "On digits the rule cannot be applied" in found[name].here


def test_every_claim_shows_its_rule(demo: Study, results: Results) -> None:
    found = judge(demo, frames_of(demo, results(demo)))
    html = fragment("claims", found, TITLES)
    assert [verdict.name for verdict in found] == [f"C{i}" for i in range(1, 9)]
    assert html.count('<p class="rule">Rule: ') == 8
    assert "The theory studies decide it: <code>snakemake theory</code>." in html
    links = re.findall(r'<a href="#([^"]+)">([^<]+)</a>', html)
    assert ("information_over_training", "Entropy, reconstruction and bound over training") in links
    assert all(title == TITLES[name] for name, title in links)
    assert "2 pooled standard deviations in the headline setting, at least 0.5 points" in html
