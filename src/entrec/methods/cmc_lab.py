"""CMC with the original's two views (Tian, Krishnan & Isola, arXiv:1906.05849): lightness and colour of one image.

L and ab of CIE Lab have an encoder and a projector each; evaluation uses the concatenated features of both, as in the
release at HobbitLong/CMC 21ce9e0. Deviations: the candidates are the batch (the release: a memory bank of negatives
with NCE); the two directions are averaged, not summed; the projector is SimCLR's (the release: one linear layer); views
have more augmentations than a crop and a flip; the channels are normalised by mean and standard deviation of the
training split.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from entrec.collectives import gather
from entrec.information.contrastive import info_nce
from entrec.methods.method import Method, StepOutput
from entrec.methods.registry import CMCSettings
from entrec.networks.backbones import num_features
from entrec.networks.colour_split import ColourSplit
from entrec.networks.heads import mlp, on_sphere
from entrec.settings import Network


class CMCLab(Method):
    """Two encoders of one augmented view, with a projector each, and InfoNCE between their projections."""

    views = 1
    weights = {"info_nce": 1.0}
    backbone: ColourSplit

    def __init__(self, backbone: ColourSplit, settings: CMCSettings) -> None:
        super().__init__()
        self.backbone = backbone
        self.lightness = mlp(num_features(backbone.lightness), settings.projector, last_norm=True)
        self.colour = mlp(num_features(backbone.colour), settings.projector, last_norm=True)
        self.temperature = settings.temperature

    @staticmethod
    def make_backbone(network: Network, *, channels: int, size: int | None = None) -> nn.Module:
        """Return two encoders whose features are concatenated."""
        assert channels == 3
        return ColourSplit(network, size=size)

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        lightness, colour = self.backbone.branches(views[0])
        z1, z2 = gather(on_sphere(self.lightness(lightness))), gather(on_sphere(self.colour(colour)))
        return StepOutput({"info_nce": info_nce(z1, z2, temperature=self.temperature)}, (z1, z2))
