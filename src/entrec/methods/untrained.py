"""The backbone as initialised: what random features are worth."""

from torch import nn

from entrec.methods import registry
from entrec.methods.step import Method


class Untrained(Method):
    """Takes no views and is never stepped."""

    views = 0
    weights = {}

    def __init__(self, backbone: nn.Module, settings: registry.Untrained, classes: int) -> None:
        super().__init__()
        self.backbone = backbone
