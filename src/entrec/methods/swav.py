"""SwAV (Caron et al., arXiv:2006.09882): swapped prediction (eqs. 1 and 2) of balanced cluster codes (eqs. 3 to 5).

This follows `main_swav.py` of the release at facebookresearch/swav 5e073db. Sinkhorn's iterations compute the codes of
the two global views over the batch of all processes and, once it is full, a queue of earlier embeddings. Every crop
predicts the codes of each other global view. The prototypes are unit vectors, which are normalised after each step and
have no gradient at first.

Deviations: the queue starts and the prototypes are trained from shares of the training on (the release: an epoch, a
number of steps); frozen prototypes have a gradient of zero instead of none, and the normalisation undoes what weight
decay does to their length; the queue may have any length, and every process holds all of it; the optimiser is the
study's (the release: LARC).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from entrec.collectives import gather
from entrec.information.portable import log_sum_exp
from entrec.information.precision import full_precision
from entrec.methods.method import Method, StepOutput
from entrec.methods.multi_crop import features_of_crops, swapped_cross_entropies
from entrec.methods.registry import SwAVSettings
from entrec.networks.backbones import num_features
from entrec.networks.heads import cosines, mlp, on_sphere


class SwAV(Method):
    """The backbone, a projector onto the sphere, prototypes on it, and a queue of embeddings for each global view."""

    views = 2
    weights = {"swapped_prediction": 1.0}
    progress: Tensor
    queue: Tensor
    queued: Tensor

    def __init__(self, backbone: nn.Module, settings: SwAVSettings) -> None:
        super().__init__()
        self.backbone = backbone
        self.projector = mlp(num_features(backbone), settings.projector)
        linear = nn.Linear(settings.projector[-1], settings.prototypes, bias=False)  # used for its initial weights only
        self.prototypes = nn.Parameter(on_sphere(linear.weight.detach()))
        self.settings = settings
        self.register_buffer("progress", torch.zeros(()))
        self.register_buffer("queue", torch.zeros(self.views, settings.queue, settings.projector[-1]))
        self.register_buffer("queued", torch.zeros((), dtype=torch.int64))

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        frozen = self.progress < self.settings.freeze_prototypes
        prototypes = torch.where(frozen, self.prototypes.detach(), self.prototypes)
        z = on_sphere(self.projector(features_of_crops(self.backbone, views))).chunk(len(views))
        scores = [cosines(one, prototypes) for one in z]
        z1, z2 = gather(z[0]), gather(z[1])
        with torch.no_grad():
            codes = [self._codes(scores[i], i, gathered) for i, gathered in enumerate((z1, z2))]
            self._remember(z1, z2)
        logits = [score / self.settings.temperature for score in scores]
        losses = swapped_cross_entropies(logits, codes)
        return StepOutput({"swapped_prediction": gather(losses).mean()}, (z1, z2), logits=(logits[0], logits[1]))

    def after_step(self, progress: float) -> None:
        """Normalise the prototypes."""
        with torch.no_grad():
            self.prototypes.copy_(on_sphere(self.prototypes))
        self.progress.fill_(progress)

    def _codes(self, scores: Tensor, view: int, gathered: Tensor) -> Tensor:
        """Return the codes of this process's `scores` of a view, balanced over all embeddings and the queue."""
        samples = torch.cat([gathered, self.queue[view]])
        in_use = (self.queued >= self.settings.queue).expand(self.settings.queue)  # all of the queue, or none of it
        counted = torch.cat([in_use.new_ones(len(gathered)), in_use])
        biases = sinkhorn_biases(
            cosines(samples, self.prototypes),
            counted,
            epsilon=self.settings.epsilon,
            iterations=self.settings.sinkhorn_iterations,
        )
        return codes(scores, biases, epsilon=self.settings.epsilon)

    def _remember(self, z1: Tensor, z2: Tensor) -> None:
        """Put the batch into the queue, and drop the oldest embeddings from it."""
        filling = self.progress >= self.settings.queue_from
        pushed = torch.cat([torch.stack([z1, z2]), self.queue], dim=1)[:, : self.settings.queue]
        self.queue.copy_(torch.where(filling, pushed, self.queue))
        self.queued.add_(filling * len(z1)).clamp_(max=self.settings.queue)


@full_precision
def sinkhorn_biases(scores: Tensor, counted: Tensor, *, epsilon: float, iterations: int) -> Tensor:
    """Return what Sinkhorn's iterations add to the scores / epsilon of each prototype, (prototypes,), to balance them.

    Rows of `scores` (k, prototypes) that are not `counted` (k,) have no weight. It stays in log space, because the
    release's exp(score / epsilon) overflows in half precision.
    """
    log_weights = torch.where(counted, 0.0, -torch.inf).to(scores.dtype)[:, None]
    scaled = scores / epsilon
    biases, scales = torch.zeros_like(scaled[0]), torch.zeros_like(scaled[:, :1])
    for _ in range(iterations):
        biases = -log_sum_exp(scaled + scales + log_weights, 0)  # every prototype has the same total
        scales = -log_sum_exp(scaled + biases, 1, keepdim=True)  # every sample has a total of 1
    return biases


@full_precision
def codes(scores: Tensor, biases: Tensor, *, epsilon: float) -> Tensor:
    """Return soft assignments (k, prototypes) whose rows sum to 1: the last of Sinkhorn's normalisations (eq. 5)."""
    return (scores / epsilon + biases).softmax(dim=1)
