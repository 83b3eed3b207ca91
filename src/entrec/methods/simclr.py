"""SimCLR (Chen, Kornblith, Norouzi & Hinton, arXiv:2002.05709).

The loss is eq. 1 of that paper; it is eq. 3 of the EntRec paper with corrected signs and numerator.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from entrec.collectives import gather
from entrec.information.contrastive import nt_xent
from entrec.methods.method import Method, StepOutput
from entrec.methods.registry import SimCLRSettings
from entrec.networks.backbones import num_features
from entrec.networks.heads import mlp, on_sphere


class SimCLR(Method):
    """The backbone and a projector that ends in a batch norm, as in the release, with NT-Xent."""

    views = 2
    weights = {"nt_xent": 1.0}

    def __init__(self, backbone: nn.Module, settings: SimCLRSettings) -> None:
        super().__init__()
        self.backbone = backbone
        self.projector = mlp(num_features(backbone), settings.projector, last_norm=True)
        self.temperature = settings.temperature

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        z1, z2 = (gather(on_sphere(self.projector(self.backbone(view)))) for view in views)
        return StepOutput({"nt_xent": nt_xent(z1, z2, temperature=self.temperature)}, (z1, z2))
