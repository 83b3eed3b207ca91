"""EntRecDisc: the discrete objective of the EntRec paper (eq. 7).

W_b = softmax(z_b). The entropy is that of the mean softmax over the batch; the reconstruction is the cross-entropy
between the branches. The projector ends in a batch norm without scale and shift, as SimCLR's does: it standardises
every logit over the batch, which alone keeps all categories in use.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from entrec.collectives import gather
from entrec.information.entrec import discrete_entropy, discrete_reconstruction
from entrec.information.precision import lift
from entrec.methods.method import Method, StepOutput
from entrec.methods.registry import EntRecDiscSettings
from entrec.networks.backbones import num_features
from entrec.networks.heads import mlp


class EntRecDisc(Method):
    """The backbone and a projector, whose outputs divided by a temperature are logits."""

    views = 2
    weights = {"entropy_term": -1.0, "reconstruction_term": -1.0}

    def __init__(self, backbone: nn.Module, settings: EntRecDiscSettings) -> None:
        super().__init__()
        self.backbone = backbone
        self.projector = mlp(num_features(backbone), settings.projector, last_norm=True)
        self.temperature = settings.temperature

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        z1, z2 = (gather(lift(self.projector(self.backbone(view)))) for view in views)
        logits = (z1 / self.temperature, z2 / self.temperature)
        terms = {
            "entropy_term": discrete_entropy(*logits),
            "reconstruction_term": discrete_reconstruction(*logits),
        }
        return StepOutput(terms, (z1, z2), logits=logits)
