"""MoCo v3 (Chen, Xie & He, arXiv:2104.02057), Algorithm 1.

This follows moco/builder.py of the release at facebookresearch/moco-v3 with its heads for ResNets: the projector ends
in a batch norm without scale and shift; the predictor does not, and its output has no bias (for ViTs the release has
the batch norm after both). Queries are contrasted with all keys of the batch; there is no queue. The loss is multiplied
by 2 temperature. Deviation: the momentum encoder is updated after a step instead of before the keys of the next step;
the only difference is that its momentum is that of one step earlier. The cross-entropy is computed tile by tile,
without the matrix of logits.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from entrec.collectives import gather
from entrec.information.contrastive import one_way_info_nce
from entrec.methods.ema import ema_copy, momentum_at, update_ema_copy
from entrec.methods.method import Method, StepOutput
from entrec.methods.registry import MoCoV3Settings
from entrec.networks.backbones import num_features
from entrec.networks.heads import mlp, on_sphere


class MoCoV3(Method):
    """A backbone, projector and predictor, which make queries, and an EMA copy of the first two, which makes keys."""

    views = 2
    weights = {"contrastive": 1.0}

    def __init__(self, backbone: nn.Module, settings: MoCoV3Settings) -> None:
        super().__init__()
        self.backbone = backbone
        self.projector = mlp(num_features(backbone), settings.projector, last_norm=True)
        self.predictor = mlp(settings.projector[-1], settings.predictor, last_bias=False)
        self.momentum_encoder = ema_copy(nn.Sequential(self.backbone, self.projector))
        self.settings = settings

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        z1, z2 = (self.projector(self.backbone(view)) for view in views)
        q1, q2 = (gather(on_sphere(self.predictor(z))) for z in (z1, z2))
        with torch.no_grad():
            k1, k2 = (gather(on_sphere(self.momentum_encoder(view))) for view in views)
        temperature = self.settings.temperature
        loss = momentum_contrast(q1, k2, temperature=temperature) + momentum_contrast(q2, k1, temperature=temperature)
        return StepOutput({"contrastive": loss}, (gather(on_sphere(z1)), gather(on_sphere(z2))))

    def after_step(self, progress: float) -> None:
        """Update the momentum encoder; its momentum rises to 1 with `progress`."""
        online = nn.Sequential(self.backbone, self.projector)
        update_ema_copy(self.momentum_encoder, online, momentum=momentum_at(self.settings.momentum, progress))


def momentum_contrast(queries: Tensor, keys: Tensor, *, temperature: float) -> Tensor:
    """Return 2 temperature times the mean cross-entropy in nats of each query's own key among all keys; a scalar.

    Row i of `queries` (k, d) belongs to row i of `keys` (k, d), all unit vectors; the keys get no gradient. The factor
    makes the size of the gradients independent of the temperature. Raises errors as `one_way_info_nce` does.
    """
    return 2 * temperature * one_way_info_nce(queries, keys.detach(), temperature=temperature)
