"""EntRec in R^d: the continuous objective of the EntRec paper (eq. 4) with a Gaussian kernel and a Gaussian density.

The paper derives alignment and uniformity from its objective with a Gaussian kernel. On the sphere that kernel equals
the von Mises-Fisher kernel with kappa = 1 / bandwidth^2, up to a constant, so here the projections stay in R^d. Their
scale is fixed: the projector ends in a batch norm without scale and shift, as SimCLR's does.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from entrec.collectives import gather
from entrec.information.entrec import continuous_entropy
from entrec.information.kernels import GaussianKernel
from entrec.information.precision import lift
from entrec.information.reconstruction import gaussian_reconstruction
from entrec.methods.method import Method, StepOutput
from entrec.methods.registry import EntRecGaussianSettings
from entrec.networks.backbones import num_features
from entrec.networks.heads import mlp


class EntRecGaussian(Method):
    """The backbone and a projector, with entropy and reconstruction of its outputs, which are not normalised."""

    views = 2
    weights = {"entropy_term": -1.0, "reconstruction_term": -1.0}

    def __init__(self, backbone: nn.Module, settings: EntRecGaussianSettings) -> None:
        super().__init__()
        self.backbone = backbone
        self.projector = mlp(num_features(backbone), settings.projector, last_norm=True)
        self.settings = settings

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        z1, z2 = (gather(lift(self.projector(self.backbone(view)))) for view in views)
        kernel = GaussianKernel(self.settings.bandwidth)
        terms = {
            "entropy_term": continuous_entropy(z1, z2, kernel=kernel, leave_one_out=self.settings.leave_one_out),
            "reconstruction_term": gaussian_reconstruction(z1, z2, sigma=self.settings.sigma),
        }
        return StepOutput(terms, (z1, z2))
