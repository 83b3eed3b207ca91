"""Barlow Twins (Zbontar, Jing, Misra, LeCun & Deny, arXiv:2103.03230), eqs. 1 and 2.

This follows main.py of the release at facebookresearch/barlowtwins: each coordinate is standardised over the batch
of all processes with the biased variance, as the release's last batch norm does. Here that is part of the loss, in
float32 or float64, and not of the projector, so there are no running statistics. Deviation: biases and batch norms
have the learning rate of the weights (the release: 0.0048 / 0.2 of it).
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from entrec.collectives import gather
from entrec.information.checks import check_pairs, check_sample
from entrec.information.geometry import off_diagonal_energy
from entrec.information.precision import full_precision, lift
from entrec.information.products import product
from entrec.methods.method import Method, StepOutput
from entrec.methods.registry import BarlowTwinsSettings
from entrec.networks.backbones import num_features
from entrec.networks.heads import mlp


class BarlowTwins(Method):
    """The backbone and a projector; the loss draws the cross-correlation of the two views to the identity matrix."""

    views = 2

    def __init__(self, backbone: nn.Module, settings: BarlowTwinsSettings) -> None:
        super().__init__()
        self.backbone = backbone
        # standardisation removes a last bias
        self.projector = mlp(num_features(backbone), settings.projector, last_bias=False)
        self.weights = {"invariance": 1.0, "redundancy": settings.redundancy_weight}

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        z1, z2 = (gather(lift(self.projector(self.backbone(view)))) for view in views)
        correlation = cross_correlation(z1, z2)
        invariance = (correlation.diagonal() - 1).square().sum()
        return StepOutput({"invariance": invariance, "redundancy": off_diagonal_energy(correlation)}, (z1, z2))


@full_precision
def cross_correlation(z1: Tensor, z2: Tensor) -> Tensor:
    """Return Pearson's correlations over the batch of the coordinates of `z1` (k, d) with those of `z2` (k, d); (d, d).

    Because of batch norm's epsilon of 1e-5 under the root, a constant coordinate has correlation 0 with all others.
    Raises `InvalidEmbeddings` for fewer than two rows or different shapes.
    """
    check_pairs(z1, z2)
    check_sample(z1)
    standard1, standard2 = (F.batch_norm(z, None, None, training=True) for z in (z1, z2))
    return product(standard1.T, standard2) / len(z1)
