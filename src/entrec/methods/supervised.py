"""Supervised pretraining: the upper reference, trained on labels with the same network and the same epochs."""

from collections.abc import Sequence
from typing import Self

from torch import Tensor, nn
from torch.nn import functional as F

from entrec.collectives import gather
from entrec.information.products import Linear
from entrec.methods.method import Method, StepOutput
from entrec.methods.registry import SupervisedSettings
from entrec.networks.backbones import num_features


class Supervised(Method):
    """The backbone and a linear classifier, with label smoothing (Szegedy et al., arXiv:1512.00567), on one view."""

    views = 1
    weights = {"cross_entropy": 1.0}

    def __init__(self, backbone: nn.Module, settings: SupervisedSettings, *, classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = Linear(num_features(backbone), classes)
        self.label_smoothing = settings.label_smoothing

    @classmethod
    def build(cls, backbone: nn.Module, settings: SupervisedSettings, *, classes: int) -> Self:
        """Return the method with a linear classifier into `classes`."""
        return cls(backbone, settings, classes=classes)

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        logits = self.classifier(self.backbone(views[0]))
        losses = F.cross_entropy(logits, labels, label_smoothing=self.label_smoothing, reduction="none")
        return StepOutput({"cross_entropy": gather(losses).mean()}, None)
