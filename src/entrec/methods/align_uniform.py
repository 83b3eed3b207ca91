"""Alignment and uniformity (Wang & Isola, arXiv:2005.10242), section 4.1.

Follows the release at ssnl/align_uniform (align_uniform/__init__.py, examples/stl10/main.py): uniformity is taken
within each view and averaged over the two, and the head ends in a linear layer, not in a batch norm.
Deviation: alignment is the squared distance, alpha = 2, the only power the release uses. Both losses are the
functions that the diagnostics measure every method with; uniformity is computed by tiles.
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
    """Backbone and projector onto the sphere: pairs drawn together, each view spread out."""

    views = 2

    def __init__(self, backbone: nn.Module, settings: AlignUniformSettings) -> None:
        super().__init__()
        self.backbone = backbone
        self.projector = mlp(num_features(backbone), settings.projector)
        self.t = settings.t
        # named apart from the diagnostics' columns, which are of fewer samples and of t = 2
        self.weights = {"alignment_term": settings.alignment_weight, "uniformity_term": settings.uniformity_weight}

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        z1, z2 = (gather(on_sphere(self.projector(self.backbone(view)))) for view in views)
        spread = (uniformity(z1, t=self.t) + uniformity(z2, t=self.t)) / 2
        return StepOutput({"alignment_term": alignment(z1, z2), "uniformity_term": spread}, (z1, z2))
