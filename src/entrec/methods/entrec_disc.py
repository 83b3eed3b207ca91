"""EntRecDisc: the discrete objective of the EntRec paper (eq. 7).

W_b = softmax(z_b); the entropy is that of the batch-mean softmax, the reconstruction the cross-entropy
between the branches. The projector ends in a batch norm without scale, as SimCLR's does: it standardises
every logit over the batch, which by itself keeps the categories in use. The released file's `discrete`
entropies are not followed: they are not plug-in estimates.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from entrec.collectives import gather
from entrec.information.entropy import plug_in_entropy
from entrec.information.precision import lift
from entrec.information.reconstruction import categorical_reconstruction
from entrec.methods import registry
from entrec.methods.step import Method, Step
from entrec.networks.backbones import num_features
from entrec.networks.heads import perceptron


class EntRecDisc(Method):
    """Backbone and projector; its outputs, over a temperature, are logits."""

    views = 2
    weights = {"entropy_term": -1.0, "reconstruction_term": -1.0}

    def __init__(self, backbone: nn.Module, settings: registry.EntRecDisc, classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.projector = perceptron(num_features(backbone), settings.projector, last_norm=True)
        self.temperature = settings.temperature

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> Step:
        z1, z2 = (gather(lift(self.projector(self.backbone(view)))) for view in views)
        logits = (z1 / self.temperature, z2 / self.temperature)
        return Step(discrete_terms(*logits), (z1, z2), logits=logits)


def discrete_terms(logits1: Tensor, logits2: Tensor) -> dict[str, Tensor]:
    """Entropy and reconstruction in nats, each the mean over the two branches; `logits` (k, categories)."""
    entropy1, entropy2 = (plug_in_entropy(logits.softmax(dim=1)) for logits in (logits1, logits2))
    forward, backward = categorical_reconstruction(logits1, logits2), categorical_reconstruction(logits2, logits1)
    return {"entropy_term": (entropy1 + entropy2) / 2, "reconstruction_term": (forward + backward) / 2}
