"""BYOL + ER: BYOL's networks trained with EntRec's bound (Rodríguez-Gálvez et al., arXiv:2307.10907).

The reconstruction term is BYOL's loss up to constants: the von Mises-Fisher log density of the target's projection
around the prediction. The entropy of the target's projections has no gradient; we use the entropy of the online
network's projections instead, of which the target is the running average. The authors released no training code: we do
not know of which projections they take the entropy, nor their concentrations.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from entrec.collectives import gather
from entrec.information.entrec import continuous_entropy
from entrec.information.kernels import VMFKernel
from entrec.information.reconstruction import vmf_reconstruction
from entrec.methods.ema import ema_copy, momentum_at, update_ema_copy
from entrec.methods.method import Method, StepOutput
from entrec.methods.registry import BYOLERSettings
from entrec.networks.backbones import num_features
from entrec.networks.heads import mlp, on_sphere


class BYOLER(Method):
    """The networks of BYOL; the entropy is that of the online projections."""

    views = 2
    weights = {"entropy_term": -1.0, "reconstruction_term": -1.0}

    def __init__(self, backbone: nn.Module, settings: BYOLERSettings) -> None:
        super().__init__()
        self.backbone = backbone
        self.projector = mlp(num_features(backbone), settings.projector)
        self.predictor = mlp(settings.projector[-1], settings.predictor)
        self.target = ema_copy(nn.Sequential(self.backbone, self.projector))
        self.settings = settings

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        raw = [self.projector(self.backbone(view)) for view in views]
        z1, z2 = (gather(on_sphere(z)) for z in raw)
        p1, p2 = (gather(on_sphere(self.predictor(z))) for z in raw)
        with torch.no_grad():
            t1, t2 = (gather(on_sphere(self.target(view))) for view in views)
        settings = self.settings
        kernel = VMFKernel(settings.kernel_kappa)
        there, back = (vmf_reconstruction(p, t, kappa=settings.kappa) for p, t in ((p1, t2), (p2, t1)))
        terms = {
            "entropy_term": continuous_entropy(z1, z2, kernel=kernel, leave_one_out=settings.leave_one_out),
            "reconstruction_term": (there + back) / 2,
        }
        return StepOutput(terms, (z1, z2))

    def after_step(self, progress: float) -> None:
        """Update the target; its momentum rises to 1 with `progress`."""
        online = nn.Sequential(self.backbone, self.projector)
        update_ema_copy(self.target, online, momentum=momentum_at(self.settings.momentum, progress))
