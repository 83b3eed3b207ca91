"""BYOL (Grill et al., arXiv:2006.07733).

The loss is symmetrised as in the paper: each branch predicts the target of the other one. The target network
uses batch statistics of its own, as in the release at google-deepmind/deepmind-research/byol.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from entrec.collectives import gather
from entrec.information.precision import full_precision
from entrec.methods.ema import ema_copy, momentum_at, update_ema_copy
from entrec.methods.method import Method, StepOutput
from entrec.methods.registry import BYOLSettings
from entrec.networks.backbones import num_features
from entrec.networks.heads import mlp, on_sphere


class BYOL(Method):
    """The online backbone, projector and predictor, and a target, which is an EMA copy of the first two."""

    views = 2
    weights = {"regression": 1.0}

    def __init__(self, backbone: nn.Module, settings: BYOLSettings) -> None:
        super().__init__()
        self.backbone = backbone
        self.projector = mlp(num_features(backbone), settings.projector)
        self.predictor = mlp(settings.projector[-1], settings.predictor)
        self.target = ema_copy(nn.Sequential(self.backbone, self.projector))
        self.momentum = settings.momentum

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        z1, z2 = (self.projector(self.backbone(view)) for view in views)
        with torch.no_grad():
            t1, t2 = (self.target(view) for view in views)
        losses = regression_losses(self.predictor(z1), t2) + regression_losses(self.predictor(z2), t1)
        return StepOutput({"regression": gather(losses).mean()}, (gather(on_sphere(z1)), gather(on_sphere(z2))))

    def after_step(self, progress: float) -> None:
        """Update the target; its momentum rises to 1 with `progress`."""
        online = nn.Sequential(self.backbone, self.projector)
        update_ema_copy(self.target, online, momentum=momentum_at(self.momentum, progress))


@full_precision
def regression_losses(predictions: Tensor, targets: Tensor) -> Tensor:
    """Return 2 - 2 cos of each row, (k,) (eq. 2 of the paper); `predictions` and `targets` (k, d) have any length."""
    return 2 - 2 * F.cosine_similarity(predictions, targets, dim=1)
