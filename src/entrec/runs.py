"""A run is one pretraining. Its name consists of the method, the batch size, the epochs and the seed."""

import re
from dataclasses import dataclass

from entrec.errors import UserError, one_line

_NAME = re.compile(r"(?P<method>[a-z0-9_]+)-b(?P<batch_size>\d{1,19})-e(?P<epochs>\d{1,19})-s(?P<seed>\d{1,19})")


@dataclass(frozen=True)
class Run:
    """One pretraining of a study."""

    method: str
    batch_size: int
    epochs: int
    seed: int

    def __str__(self) -> str:
        return f"{self.method}-b{self.batch_size}-e{self.epochs}-s{self.seed}"

    @classmethod
    def parse(cls, name: str) -> "Run":
        """Return the run that a name such as `simclr-b256-e20-s0` stands for; raises `UserError` for another text."""
        match = _NAME.fullmatch(name)
        if match is None:
            raise UserError(f"{one_line(name)}: not the name of a run; expected METHOD-bBATCH-eEPOCHS-sSEED")
        return cls(match["method"], int(match["batch_size"]), int(match["epochs"]), int(match["seed"]))
