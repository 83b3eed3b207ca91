"""DeepCluster v2 (Caron et al., arXiv:2006.09882): spherical k-means, then its clusters as labels.

This follows `main_deepclusterv2.py` of the release at facebookresearch/swav 9a2dc80. Before each epoch, the embeddings
that the last epoch stored of its images are clustered once for every head; the heads use the two global views in turn.
Before the first epoch, a pass over its images computes them. The prototypes are the centroids and have no gradient.
Every crop is trained with the cross-entropy of its image's cluster, averaged over crops and heads; an image that the
last epoch dropped has no cluster and no loss.

Deviations: the first centroids are drawn by a generator that depends on seed, epoch and head only; every process holds
the whole memory and clusters all of it; a batch in which no image has a cluster has a loss of 0 (the release: nan); the
optimiser is the study's (the release: LARC).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from entrec.collectives import gather
from entrec.data import randomness
from entrec.errors import UserError
from entrec.information.precision import full_precision
from entrec.information.products import product
from entrec.methods.method import BatchSource, Method, StepOutput
from entrec.methods.multi_crop import features_of_crops
from entrec.methods.registry import DeepClusterSettings
from entrec.networks.backbones import num_features
from entrec.networks.heads import cosines, mlp, on_sphere

NO_CLUSTER = -100  # the label that torch's cross-entropy ignores
ROWS = 2**16  # rows compared with the centroids at a time: the matrix of all cosines may not fit in memory


class DeepCluster(Method):
    """The backbone, a projector onto the sphere, and a memory of each image's embeddings and clusters.

    `memory` (2, images, d) holds the unit vectors of images seen since the last clustering, which `remembered`
    (images,) marks; `clusters` (heads, images) are those of this epoch; `samples` (k,) are the numbers of the batch's
    images.
    """

    views = 2
    weights = {"cluster_prediction": 1.0}
    prototypes: Tensor
    memory: Tensor
    remembered: Tensor
    clusters: Tensor
    samples: Tensor

    def __init__(self, backbone: nn.Module, settings: DeepClusterSettings) -> None:
        super().__init__()
        self.backbone = backbone
        self.projector = mlp(num_features(backbone), settings.projector)
        self.settings = settings
        self.register_buffer("prototypes", torch.zeros(sum(settings.prototypes), settings.projector[-1]))
        self.register_buffer("samples", torch.zeros(0, dtype=torch.int64), persistent=False)
        self._make_room(0)
        self.register_load_state_dict_pre_hook(_make_room_for)

    def _make_room(self, images: int) -> None:
        heads, like = len(self.settings.prototypes), self.prototypes
        self.register_buffer("memory", like.new_zeros(self.views, images, self.settings.projector[-1]))
        self.register_buffer("remembered", torch.zeros(images, dtype=torch.bool, device=like.device))
        self.register_buffer("clusters", torch.full((heads, images), NO_CLUSTER, device=like.device))

    @torch.no_grad()
    def before_step(self, step: int, source: BatchSource) -> None:
        """Cluster at the start of an epoch, and note the numbers of the images of `step`."""
        epoch, position = divmod(step, source.steps_per_epoch)
        if step == 0:
            self._make_room(source.images)
            for first_epoch_step in range(source.steps_per_epoch):
                views, _ = source.at(first_epoch_step)
                z1, z2 = (self._embed([view])[0] for view in views[: self.views])
                self._remember(source.samples(first_epoch_step), gather(z1), gather(z2))
        if position == 0:
            self._cluster(source.seed, epoch)
        self.samples = source.samples(step).to(self.clusters.device)

    def forward(self, views: Sequence[Tensor], labels: Tensor) -> StepOutput:
        z = self._embed(views)
        z1, z2 = gather(z[0]), gather(z[1])
        targets = self.clusters[:, self.samples]  # (heads, k)
        logits = [cosines(one, self.prototypes) / self.settings.temperature for one in z]
        losses = torch.stack([self._losses(one, targets) for one in logits]).mean(dim=0)
        counted = gather(targets[0] != NO_CLUSTER).sum().clamp(min=1)
        self._remember(self.samples, z1.detach(), z2.detach())
        first = self.settings.prototypes[0]
        shown = (logits[0][:, :first], logits[1][:, :first])
        return StepOutput({"cluster_prediction": gather(losses).sum() / counted}, (z1, z2), logits=shown)

    def _embed(self, crops: Sequence[Tensor]) -> Sequence[Tensor]:
        return on_sphere(self.projector(features_of_crops(self.backbone, crops))).chunk(len(crops))

    def _losses(self, logits: Tensor, targets: Tensor) -> Tensor:
        heads = logits.split(self.settings.prototypes, dim=1)
        return torch.stack([cluster_losses(*pair) for pair in zip(heads, targets, strict=True)]).mean(dim=0)

    def _remember(self, samples: Tensor, z1: Tensor, z2: Tensor) -> None:
        """Store the embeddings of all processes; `samples` (k,) are the numbers of this process's images."""
        gathered = gather(samples.to(self.memory.device))
        self.memory.index_copy_(1, gathered, torch.stack([z1, z2]).to(self.memory.dtype))
        self.remembered.index_fill_(0, gathered, True)

    def _cluster(self, seed: int, epoch: int) -> None:
        """Compute prototypes and clusters from the remembered embeddings, and clear the marks for the coming epoch."""
        samples = self.remembered.nonzero().squeeze(1)
        if max(self.settings.prototypes) > len(samples):
            raise UserError(
                f"prototypes: {max(self.settings.prototypes)} clusters of {len(samples)} images; choose fewer clusters"
            )
        self.clusters.fill_(NO_CLUSTER)
        prototypes = self.prototypes.split(self.settings.prototypes)  # views into the buffer
        for head, centroids in enumerate(prototypes):
            points = self.memory[head % self.views, samples]
            keys = randomness.key(randomness.Purpose.CLUSTER, seed, epoch, head, samples.cpu())
            first = points[keys.argsort()[: len(centroids)].to(points.device)]
            found, nearest = spherical_k_means(points, first, iterations=self.settings.kmeans_iterations)
            centroids.copy_(found)
            self.clusters[head, samples] = nearest
        self.remembered.fill_(False)


def _make_room_for(method: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Give the memory the size that a checkpoint has: it is loaded before the first step tells the number of images."""
    assert isinstance(method, DeepCluster)
    if f"{prefix}remembered" in state:
        method._make_room(len(state[f"{prefix}remembered"]))


@full_precision
def spherical_k_means(points: Tensor, centroids: Tensor, *, iterations: int) -> tuple[Tensor, Tensor]:
    """Return centroids (clusters, d), unit vectors, and the cluster of each of `points` (k, d), unit vectors; (k,).

    Each point belongs to the centroid with the largest cosine. It starts from `centroids`; an empty cluster keeps its
    centroid. The returned clusters are those of the returned centroids.
    """
    for _ in range(iterations):
        nearest = nearest_centroids(points, centroids)
        sums = torch.zeros_like(centroids).index_add_(0, nearest, points)
        empty = nearest.bincount(minlength=len(centroids)) == 0
        centroids = on_sphere(sums.where(~empty[:, None], centroids))
    return centroids, nearest_centroids(points, centroids)


def nearest_centroids(points: Tensor, centroids: Tensor) -> Tensor:
    """Return for each of `points` (k, d) the number of the centroid with the largest inner product; (k,)."""
    return torch.cat([product(rows, centroids.T).argmax(dim=1) for rows in points.split(ROWS)])


@full_precision
def cluster_losses(logits: Tensor, clusters: Tensor) -> Tensor:
    """Return cross-entropies in nats, (k,), of `logits` (k, n) with numbers of `clusters` (k,); 0 without a cluster."""
    return F.cross_entropy(logits, clusters, ignore_index=NO_CLUSTER, reduction="none")
