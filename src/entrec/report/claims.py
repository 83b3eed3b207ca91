"""The paper's eight claims, and what this study's numbers say about each.

C4 to C7 are claims about ImageNet: only a study of the paper's own scale can reproduce them. Any other
study may show how the same rule comes out for its own data, and says so in a second sentence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from entrec.report.markup import joined
from entrec.report.vision import judgements
from entrec.report.vision.collect import Frames
from entrec.report.vision.judgements import Outcome
from entrec.report.vision.published import of_paper_scale
from entrec.study import Study

Status = Literal["reproduced", "not reproduced", "not run"]


@dataclass(frozen=True)
class Claim:
    """One claim, the rule it is judged by and where its numbers are.

    `judge` is None where a study of methods has no experiment on it; `elsewhere` is then the command that has.
    """

    name: str
    text: str
    rule: str
    evidence: tuple[str, ...] = ()
    judge: Callable[[Study, Frames], Outcome] | None = None
    needs_imagenet: bool = False
    elsewhere: str = ""


@dataclass(frozen=True)
class Verdict:
    """A claim with its status, one sentence of numbers, and what this study shows where it cannot decide."""

    claim: Claim
    status: Status
    sentence: str
    here: str = ""


CLAIMS = (
    Claim(
        "C1",
        "Multi-view methods maximise a lower bound on I(Z1;Z2) that splits into entropy and reconstruction.",
        judgements.split_rule(),
        ("table_information", "information_over_training"),
        judgements.split,
    ),
    Claim(
        "C2",
        "Maximising the bound recovers the true latents up to an affine map.",
        "judged in a study of synthetic latents (R² and MCC on sphere and box).",
        elsewhere="snakemake theory",
    ),
    Claim(
        "C3",
        "Maximising the bound isolates content from style.",
        "judged in a study of synthetic latents (R² of content and style in four settings of dependence).",
        elsewhere="snakemake theory",
    ),
    Claim(
        "C4",
        "EntRec is on par with other methods in linear evaluation on ImageNet.",
        judgements.parity_rule(),
        ("table_1",),
        judgements.linear_parity,
        needs_imagenet=True,
    ),
    Claim(
        "C5",
        "EntRec is on par with other methods when fine-tuned on ten transfer sets.",
        judgements.parity_rule("average over the transfer sets"),
        ("table_transfer",),
        judgements.transfer_parity,
        needs_imagenet=True,
    ),
    Claim(
        "C6",
        "EntRec is more robust to the batch size than other methods.",
        judgements.batch_size_rule(),
        ("table_1",),
        judgements.batch_size_robustness,
        needs_imagenet=True,
    ),
    Claim(
        "C7",
        "Trained for fewer epochs, EntRec behaves like the others; DINO loses least.",
        judgements.fewer_epochs_rule(),
        ("table_2",),
        judgements.fewer_epochs,
        needs_imagenet=True,
    ),
    Claim(
        "C8",
        "The entropy estimators converge at the stated rates.",
        "judged in a study of estimators against closed forms.",
        elsewhere="snakemake theory",
    ),
)


def judge(study: Study, frames: Frames) -> list[Verdict]:
    """A verdict on every claim; never `reproduced` for a claim about ImageNet outside the paper's scale."""
    return [_verdict(claim, study, frames) for claim in CLAIMS]


def _verdict(claim: Claim, study: Study, frames: Frames) -> Verdict:
    if claim.judge is None:
        return Verdict(claim, "not run", _elsewhere(claim))
    outcome = claim.judge(study, frames)
    if claim.needs_imagenet and not of_paper_scale(study):
        sentence = f"Not run at the paper's scale: this is the study {study.name}; that of ImageNet is paper."
        word = {True: "holds", False: "does not hold", None: "cannot be applied"}[outcome.holds]
        return Verdict(claim, "not run", sentence, f"On {study.dataset} the rule {word}: {outcome.sentence}")
    status: Status = {True: "reproduced", False: "not reproduced", None: "not run"}[outcome.holds]  # type: ignore[assignment]
    return Verdict(claim, status, outcome.sentence)


def _elsewhere(claim: Claim) -> str:
    return f"This study has no experiment on it; the theory study has: {claim.elsewhere}."


def claims_fragment(verdicts: list[Verdict]) -> Markup:
    """The claims as a table that folds into cards on a narrow screen."""
    return Markup(
        '<table class="claims">\n<thead><tr><th scope="col">Claim</th><th scope="col">Status</th>'
        '<th scope="col">What the numbers say</th></tr></thead>\n<tbody>\n{}\n</tbody></table>'
    ).format(joined(_row(verdict) for verdict in verdicts))


def _row(verdict: Verdict) -> Markup:
    claim = verdict.claim
    here = Markup('<p class="here">{}</p>').format(verdict.here) if verdict.here else ""
    links = Markup(", ").join(
        Markup('<a href="#{}">{}</a>').format(name, name.replace("_", " ")) for name in claim.evidence
    )
    link = Markup(" See {}.").format(links) if links else ""
    return Markup(
        '<tr><th scope="row"><b>{}</b> {}</th><td><span class="status {}">{}</span></td>'
        '<td><p>{}{}</p>{}<p class="rule">Rule: {}</p></td></tr>'
    ).format(
        claim.name,
        claim.text,
        verdict.status.replace(" ", "-"),
        verdict.status,
        verdict.sentence,
        link,
        here,
        claim.rule,
    )
