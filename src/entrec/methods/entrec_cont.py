"""EntRecCont: the continuous objective of the EntRec paper (eq. 4).

Both terms are exact in nats. The release at apple/ml-entropy-reconstruction f523f11 has the same
gradient (its wrong constant cancels), and keeps the i = j term; here that is a setting.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from entrec.collectives import gather
from entrec.information.entropy import kernel_entropy, leave_one_out_entropy
from entrec.information.kernels import VMFKernel
from entrec.information.reconstruction import vmf_reconstruction
from entrec.methods import registry
from entrec.methods.step import Method, Step
from entrec.networks.backbones import num_features
from entrec.networks.heads import on_sphere, perceptron


class EntRecCont(Method):
    """Backbone, projector onto the sphere, vMF kernel entropy and vMF reconstruction."""

    views = 2
    weights = {"entropy_term": -1.0, "reconstruction_term": -1.0}

    def __init__(self, backbone: nn.Module, settings: registry.EntRecCont, classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.projector = perceptron(num_features(backbone), settings.projector, last_norm=True)
        self.settings = settings

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> Step:
        z1, z2 = (gather(on_sphere(self.projector(self.backbone(view)))) for view in views)
        estimate = leave_one_out_entropy if self.settings.leave_one_out else kernel_entropy
        kernel = VMFKernel(self.settings.kernel_kappa)
        entropy1, entropy2 = (estimate(z, kernel=kernel) for z in (z1, z2))
        terms = {
            "entropy_term": (entropy1 + entropy2) / 2,
            "reconstruction_term": vmf_reconstruction(z1, z2, kappa=self.settings.kappa),
        }
        return Step(terms, (z1, z2))
