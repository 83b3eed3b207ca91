"""The backbone as initialised: the lower reference, random features."""

from torch import nn

from entrec.methods.method import Method
from entrec.methods.registry import UntrainedSettings


class Untrained(Method):
    """The backbone; it takes no views and is not trained."""

    views = 0
    weights = {}

    def __init__(self, backbone: nn.Module, settings: UntrainedSettings) -> None:
        super().__init__()
        self.backbone = backbone
