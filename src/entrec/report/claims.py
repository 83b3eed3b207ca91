"""The paper's eight claims, and how a page shows what its numbers say about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from markupsafe import Markup

from entrec.report.templates import fragment
from entrec.settings import settings
from entrec.strict import validated
from entrec.yaml_reader import read_yaml

Status = Literal["reproduced", "not reproduced", "not run"]


@settings
class Stated:
    """A claim as `claims.yaml` states it: whether it is about ImageNet, and how the theory studies decide it."""

    text: str
    imagenet: bool = False
    theory: str = ""


@lru_cache
def stated_claims() -> dict[str, Stated]:
    """Return the claims C1 to C8 as `claims.yaml` states them."""
    raw = read_yaml(Path(__file__).with_name("claims.yaml"))
    return {name: validated(Stated, claim) for name, claim in raw.items()}


@dataclass(frozen=True)
class Claim:
    """A claim, the rule that decides it, and the anchors on the page of the numbers that the rule looks at."""

    name: str
    rule: str
    evidence: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What the paper claims."""
        return stated_claims()[self.name].text


@dataclass(frozen=True)
class Verdict:
    """A claim with its status, one sentence of numbers, and what this study shows where it cannot decide.

    Backticks mark code in the sentences.
    """

    claim: Claim
    status: Status
    sentence: str
    here: str = ""


def claims_html(verdicts: Sequence[Verdict], titles: Mapping[str, str]) -> Markup:
    """Return the verdicts as a table; `titles` are those of the tables and figures that are evidence, by anchor."""
    return fragment("claims", verdicts, titles)
