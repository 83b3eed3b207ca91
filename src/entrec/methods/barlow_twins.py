"""Barlow Twins (Zbontar, Jing, Misra, LeCun & Deny, arXiv:2103.03230), eqs. 1 and 2.

Follows main.py of the release at facebookresearch/barlowtwins: each coordinate is standardised over the batch
of all processes by the biased variance, as its last batch norm does. Here that is part of the loss, in
float32 at least, and not of the projector, so no running statistics are kept. Deviation: biases and batch norms
have the learning rate of the weights (the release gives them 0.0048 / 0.2 of it).
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from entrec.collectives import gather
from entrec.information.checks import check_pairs, check_sample
from entrec.information.geometry import off_diagonal_energy
from entrec.information.precision import full_precision, lift
from entrec.methods.method import Method, StepOutput
from entrec.methods.registry import BarlowTwinsSettings
from entrec.networks.backbones import num_features
from entrec.networks.heads import mlp


class BarlowTwins(Method):
    """Backbone and projector; the cross-correlation of the two views should be the identity."""

    views = 2

    def __init__(self, backbone: nn.Module, settings: BarlowTwinsSettings) -> None:
        super().__init__()
        self.backbone = backbone
        # standardising would take a last bias out again
        self.projector = mlp(num_features(backbone), settings.projector, last_bias=False)
        self.weights = {"invariance": 1.0, "redundancy": settings.redundancy_weight}

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        z1, z2 = (gather(lift(self.projector(self.backbone(view)))) for view in views)
        correlation = cross_correlation(z1, z2)
        invariance = (correlation.diagonal() - 1).square().sum()
        return StepOutput({"invariance": invariance, "redundancy": off_diagonal_energy(correlation)}, (z1, z2))


@full_precision
def cross_correlation(z1: Tensor, z2: Tensor) -> Tensor:
    """Pearson's correlations over the batch of the coordinates of `z1` with those of `z2`, both (k, d); (d, d).

    Batch norm's epsilon of 1e-5 under the root makes a constant coordinate uncorrelated with everything.
    """
    check_pairs(z1, z2)
    check_sample(z1)
    standard1, standard2 = (F.batch_norm(z, None, None, training=True) for z in (z1, z2))
    return standard1.T @ standard2 / len(z1)
