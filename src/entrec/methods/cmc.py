"""CMC (Tian, Krishnan & Isola, arXiv:1906.05849) as the EntRec paper analyses it (its eq. 2).

The loss is InfoNCE across the two branches: the negatives of a projection are the k - 1 others of the opposite
branch. Deviation from the original: both views are augmented images and share one encoder; `cmc_lab` has the original's
views, lightness and colour, with one encoder each.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from entrec.collectives import gather
from entrec.information.contrastive import info_nce
from entrec.methods.method import Method, StepOutput
from entrec.methods.registry import CMCSettings
from entrec.networks.backbones import num_features
from entrec.networks.heads import mlp, on_sphere


class CMC(Method):
    """The backbone and projector, shared by both views: SimCLR's architecture with other negatives."""

    views = 2
    weights = {"info_nce": 1.0}

    def __init__(self, backbone: nn.Module, settings: CMCSettings) -> None:
        super().__init__()
        self.backbone = backbone
        self.projector = mlp(num_features(backbone), settings.projector, last_norm=True)
        self.temperature = settings.temperature

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        z1, z2 = (gather(on_sphere(self.projector(self.backbone(view)))) for view in views)
        return StepOutput({"info_nce": info_nce(z1, z2, temperature=self.temperature)}, (z1, z2))
