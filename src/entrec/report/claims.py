"""The paper's eight claims, and how a page shows what its numbers say about them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from entrec.settings import settings
from entrec.strict import validated
from entrec.yaml_reader import read_yaml

Status = Literal["reproduced", "not reproduced", "inconclusive", "not run"]


@settings
class Stated:
    """A claim as `claims.yaml` states it, and how the theory studies decide it, if they do."""

    text: str
    theory: str = ""


_CLAIMS = Path(__file__).with_name("claims.yaml")
STATED = {name: validated(Stated, claim) for name, claim in read_yaml(_CLAIMS).items()}  # by C1 to C8


@dataclass(frozen=True)
class Verdict:
    """A claim with the rule that decides it, its status, and one sentence of numbers.

    `inconclusive` is what was run and leaves the claim open. `evidence` are the anchors on the page of the numbers that
    the rule looks at. `scale` says of which images the status speaks, where they are not those of the claim. Backticks
    mark code in the sentences.
    """

    name: str
    rule: str
    evidence: tuple[str, ...]
    status: Status
    sentence: str
    scale: str = ""

    @property
    def text(self) -> str:
        """What the paper claims."""
        return STATED[self.name].text
