"""VICReg (Bardes, Ponce & LeCun, arXiv:2105.04906), eqs. 1 to 6.

This follows main_vicreg.py of the release at facebookresearch/vicreg 4e12602: the variance term is the mean over the
two views, the covariance term is their sum (the paper's eq. 6 and solo-learn sum both), and the invariance term
is the mean over coordinates and samples (eq. 5: over samples only). Deviation: layers before a batch norm
have no bias.
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from entrec.collectives import gather
from entrec.information.checks import check_pairs, check_sample
from entrec.information.geometry import off_diagonal_energy
from entrec.information.portable import sqrt
from entrec.information.precision import full_precision, lift
from entrec.information.products import product
from entrec.methods.method import Method, StepOutput
from entrec.methods.registry import VICRegSettings
from entrec.networks.backbones import num_features
from entrec.networks.heads import mlp


class VICReg(Method):
    """The backbone and a projector (the paper's expander), whose outputs are neither normalised nor standardised."""

    views = 2

    def __init__(self, backbone: nn.Module, settings: VICRegSettings) -> None:
        super().__init__()
        self.backbone = backbone
        # no term depends on a last bias
        self.projector = mlp(num_features(backbone), settings.projector, last_bias=False)
        self.epsilon = settings.epsilon
        self.weights = {
            "invariance": settings.invariance_weight,
            "variance": settings.variance_weight,
            "covariance": settings.covariance_weight,
        }

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        z1, z2 = (gather(lift(self.projector(self.backbone(view)))) for view in views)
        return StepOutput(vicreg_terms(z1, z2, epsilon=self.epsilon), (z1, z2))


@full_precision
def vicreg_terms(z1: Tensor, z2: Tensor, *, epsilon: float) -> dict[str, Tensor]:
    """Return the three terms, unweighted scalars, of `z1`, `z2` (k, d); `epsilon` is added to variances under the root.

    Raises `InvalidEmbeddings` for fewer than two rows or different shapes.
    """
    check_pairs(z1, z2)
    check_sample(z1)
    return {
        "invariance": F.mse_loss(z1, z2),
        "variance": (variance_hinge(z1, epsilon=epsilon) + variance_hinge(z2, epsilon=epsilon)) / 2,
        "covariance": covariance_energy(z1) + covariance_energy(z2),
    }


def variance_hinge(z: Tensor, *, epsilon: float) -> Tensor:
    """Return by how much standard deviations of coordinates of `z` (k, d) are below 1, on average (eqs. 1 and 2)."""
    return F.relu(1 - sqrt(z.var(dim=0) + epsilon)).mean()


def covariance_energy(z: Tensor) -> Tensor:
    """Return the sum of the squared covariances of different coordinates of `z` (k, d), divided by d (eqs. 3 and 4)."""
    k, d = z.shape
    centred = z - z.mean(dim=0)
    return off_diagonal_energy(product(centred.T, centred) / (k - 1)) / d
