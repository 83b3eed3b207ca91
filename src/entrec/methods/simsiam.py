"""SimSiam (Chen & He, arXiv:2011.10566), eq. 2 and Algorithm 1.

This follows simsiam/builder.py of the release at facebookresearch/simsiam: the projector ends in a batch norm without
scale and shift, the predictor is a bottleneck whose output has neither batch norm nor ReLU, and the targets get no
gradient. Deviations: the predictor's learning rate decays like all others (the release's --fix-pred-lr keeps it
constant, which gains 0.4 points in the paper's Table 1), and biases and batch norms have no weight decay.
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from entrec.collectives import gather
from entrec.information.checks import check_pairs
from entrec.information.precision import full_precision
from entrec.methods.method import Method, StepOutput
from entrec.methods.registry import SimSiamSettings
from entrec.networks.backbones import num_features
from entrec.networks.heads import mlp, on_sphere


class SimSiam(Method):
    """The backbone and projector, shared by both views, and a predictor of one view's projection from the other's."""

    views = 2
    weights = {"negative_cosine": 1.0}

    def __init__(self, backbone: nn.Module, settings: SimSiamSettings) -> None:
        super().__init__()
        self.backbone = backbone
        self.projector = mlp(num_features(backbone), settings.projector, last_norm=True)
        width = settings.projector[-1]
        self.predictor = mlp(width, (settings.bottleneck, width))

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        z1, z2 = (self.projector(self.backbone(view)) for view in views)
        losses = negative_cosines(self.predictor(z1), z2) + negative_cosines(self.predictor(z2), z1)
        terms = {"negative_cosine": gather(losses).mean() / 2}
        return StepOutput(terms, (gather(on_sphere(z1)), gather(on_sphere(z2))))


@full_precision
def negative_cosines(predictions: Tensor, targets: Tensor) -> Tensor:
    """Return -cos of each row of `predictions` and `targets` (k, d), of any length; (k,). The targets get no gradient.

    Raises `InvalidEmbeddings` for different shapes.
    """
    check_pairs(predictions, targets)
    return -F.cosine_similarity(predictions, targets.detach(), dim=1)
