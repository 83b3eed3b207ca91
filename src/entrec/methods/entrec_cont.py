"""EntRecCont: the continuous objective of the EntRec paper (eq. 4).

The release at apple/ml-entropy-reconstruction f523f11 includes the i = j term; here that is a setting. The paper does
not describe its heads: we use SimCLR's networks, so that the later paper's "SimCLR + ER" (arXiv:2307.10907) is this
method with SimCLR's numbers.

The paper fixes both concentrations. Here they can be trained, with a fixed ratio: with resubstitution and a kernel at
least as narrow as the density, the objective has a maximum at a finite concentration. If only the density's
concentration were trained, it would grow without limit, because aligned pairs favour an ever narrower density and the
entropy of a fixed kernel does not oppose it. If only the kernel's were trained, it would go to zero, where the entropy
no longer depends on the sample. With leave-one-out there is no such maximum.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from entrec.collectives import gather, share_gradient
from entrec.information.entrec import continuous_entropy
from entrec.information.kernels import VMFKernel
from entrec.information.reconstruction import vmf_reconstruction
from entrec.methods.method import Method, StepOutput
from entrec.methods.registry import EntRecContSettings
from entrec.networks.backbones import num_features
from entrec.networks.heads import mlp, on_sphere


class EntRecCont(Method):
    """The backbone and a projector onto the sphere, with vMF kernel entropy and vMF reconstruction."""

    views = 2
    weights = {"entropy_term": -1.0, "reconstruction_term": -1.0}
    log_kappa: nn.Parameter | None

    def __init__(self, backbone: nn.Module, settings: EntRecContSettings) -> None:
        super().__init__()
        self.backbone = backbone
        self.projector = mlp(num_features(backbone), settings.projector, last_norm=True)
        self.settings = settings
        log_kappa = nn.Parameter(torch.tensor(math.log(settings.kappa))) if settings.learn_kappa else None
        self.register_parameter("log_kappa", log_kappa)

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        z1, z2 = (gather(on_sphere(self.projector(self.backbone(view)))) for view in views)
        kappa, kernel_kappa = self.concentrations()
        kernel = VMFKernel(kernel_kappa)
        terms = {
            "entropy_term": continuous_entropy(z1, z2, kernel=kernel, leave_one_out=self.settings.leave_one_out),
            "reconstruction_term": vmf_reconstruction(z1, z2, kappa=kappa),
        }
        return StepOutput(terms, (z1, z2))

    def concentrations(self) -> tuple[float, float] | tuple[Tensor, Tensor]:
        """Return the concentrations of the reconstruction density and of the kernel."""
        settings = self.settings
        if self.log_kappa is None:
            return settings.kappa, settings.kernel_kappa
        kappa = share_gradient(self.log_kappa.exp())
        return kappa, kappa * (settings.kernel_kappa / settings.kappa)
