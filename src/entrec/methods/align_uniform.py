"""Alignment and uniformity (Wang & Isola, arXiv:2005.10242), section 4.1.

This follows the release at ssnl/align_uniform (align_uniform/__init__.py, examples/stl10/main.py): uniformity is
computed within each view and averaged over the two, and the head ends in a linear layer, not in a batch norm.
Deviation: alignment is always the squared distance, alpha = 2, which is the only power that the release uses. Both
losses are the functions with which the diagnostics measure every method; uniformity is computed tile by tile.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from entrec.collectives import gather
from entrec.information.geometry import alignment, uniformity
from entrec.methods.method import Method, StepOutput
from entrec.methods.registry import AlignUniformSettings
from entrec.networks.backbones import num_features
from entrec.networks.heads import mlp, on_sphere


class AlignUniform(Method):
    """The backbone and a projector onto the sphere; pairs attract each other, and the images of each view repel."""

    views = 2

    def __init__(self, backbone: nn.Module, settings: AlignUniformSettings) -> None:
        super().__init__()
        self.backbone = backbone
        self.projector = mlp(num_features(backbone), settings.projector)
        self.t = settings.t
        # other names than the diagnostics' columns, which use fewer samples and t = 2
        self.weights = {"alignment_term": settings.alignment_weight, "uniformity_term": settings.uniformity_weight}

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        z1, z2 = (gather(on_sphere(self.projector(self.backbone(view)))) for view in views)
        uniform = (uniformity(z1, t=self.t) + uniformity(z2, t=self.t)) / 2
        return StepOutput({"alignment_term": alignment(z1, z2), "uniformity_term": uniform}, (z1, z2))
