"""What a study's numbers say about each of the paper's claims.

C4 to C7 are claims about ImageNet, which only a study of the paper's own scale can decide. Any other study shows in a
second sentence how the same rule comes out on its own data.
"""

from functools import partial

from entrec.report.claims import STATED, Status, Verdict
from entrec.report.vision.decision_rules import DECISIONS
from entrec.report.vision.frames import Frames
from entrec.report.vision.published import of_paper_scale
from entrec.study import Study

STATUS: dict[bool | None, Status] = {True: "reproduced", False: "not reproduced", None: "not run"}
ON_OTHER_IMAGES = {True: "holds", False: "does not hold", None: "cannot be applied"}


def judge(study: Study, frames: Frames) -> list[Verdict]:
    """Return a verdict on every claim; a claim about ImageNet is never `reproduced` outside the paper's scale."""
    return [_decided(name, study, frames) if name in DECISIONS else _of_theory(name) for name in STATED]


def _decided(name: str, study: Study, frames: Frames) -> Verdict:
    decision = DECISIONS[name]
    outcome = decision.decide(study, frames)
    verdict = partial(Verdict, name, decision.rule, decision.evidence)
    if STATED[name].imagenet and not of_paper_scale(study):
        sentence = (
            f"Only the study `paper`, at the paper's own scale, decides this claim; this is the study `{study.name}`."
        )
        here = f"On {study.dataset} the rule {ON_OTHER_IMAGES[outcome.holds]}: {outcome.sentence}"
        return verdict("not run", sentence, here)
    return verdict(STATUS[outcome.holds], outcome.sentence[0].upper() + outcome.sentence[1:])


def _of_theory(name: str) -> Verdict:
    sentence = "This study has no experiment on this claim. The theory studies decide it: `snakemake theory`."
    return Verdict(name, STATED[name].theory, (), "not run", sentence)
