"""The backbone as initialised: what random features are worth."""

from torch import nn

from entrec.methods.method import Method
from entrec.methods.registry import UntrainedSettings


class Untrained(Method):
    """Takes no views and is never stepped."""

    views = 0
    weights = {}

    def __init__(self, backbone: nn.Module, settings: UntrainedSettings) -> None:
        super().__init__()
        self.backbone = backbone
