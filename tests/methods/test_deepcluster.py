"""DeepCluster v2: spherical k-means, the memory of the last epoch, the loss on all crops and heads."""

import copy

import pytest
import torch
from tests.methods.builders import ZOO, build, unit
from torch.nn import functional as F

from entrec.errors import UserError
from entrec.methods import deepcluster as module
from entrec.methods.deepcluster import NO_CLUSTER, cluster_losses, nearest_centroids, spherical_k_means
from entrec.methods.multi_crop import features_of_crops

PROTOTYPES = (6, 10, 6)
BATCH, PER_EPOCH, IMAGES = 16, 3, 60


class Digits:
    """Three batches in an epoch, with 48 of 60 images: each epoch drops 12, different ones each time."""

    steps_per_epoch, images, seed = PER_EPOCH, IMAGES, 0

    def __init__(self, local=2):
        self.sizes = [8, 8] + [ZOO.local_views.size] * local
        self.noise = torch.rand(IMAGES, 1, 8, 8, generator=torch.Generator().manual_seed(0))

    def samples(self, step):
        epoch, position = divmod(step, PER_EPOCH)
        order = torch.randperm(IMAGES, generator=torch.Generator().manual_seed(epoch))
        return order[position * BATCH :][:BATCH]

    def at(self, step):
        images = self.noise[self.samples(step)]
        views = [images[:, :, -size:, -size:] * (1 + 0.1 * i) for i, size in enumerate(self.sizes)]
        return views, torch.zeros(BATCH, dtype=torch.int64)


def build_deepcluster(prototypes=PROTOTYPES):
    return build("deepcluster", prototypes=prototypes)


def step(method, source, number):
    method.before_step(number, source)
    outcome = method(*source.at(number))
    method.after_step(0.0)
    return outcome


def test_k_means_finds_clusters_that_are_far_apart():
    centres = torch.eye(8)[:5]
    points = F.normalize(centres.repeat_interleave(20, dim=0) + 0.05 * unit(100, d=8).float(), dim=1)
    shuffled = torch.randperm(100, generator=torch.Generator().manual_seed(1))
    found, nearest = spherical_k_means(
        points[shuffled], points[::20] + 0.3 * unit(5, d=8, seed=2).float(), iterations=10
    )
    assert (found @ centres.T).argmax(dim=1).tolist() == list(range(5))
    assert torch.equal(nearest, shuffled // 20)


def test_k_means_never_lowers_the_mean_cosine_and_its_centroids_are_normalised_means():
    points, first = unit(200, d=8).float(), unit(12, d=8, seed=1).float()
    cosines = []
    for iterations in range(6):
        centroids, nearest = spherical_k_means(points, first, iterations=iterations)
        cosines.append((points * centroids[nearest]).sum(dim=1).mean().item())
    assert cosines == sorted(cosines)
    centroids, nearest = spherical_k_means(points, first, iterations=50)  # by now a fixed point
    for k, centroid in enumerate(centroids):
        torch.testing.assert_close(centroid, F.normalize(points[nearest == k].sum(dim=0), dim=0))


def test_an_empty_cluster_keeps_its_centroid():
    points = F.normalize(torch.eye(4)[:2].repeat(5, 1) + 0.01, dim=1)
    lost = -torch.eye(4)[3]
    centroids, nearest = spherical_k_means(points, torch.stack([points[0], points[1], lost]), iterations=10)
    assert torch.equal(centroids[2], lost)
    assert set(nearest.tolist()) == {0, 1}


def test_clusters_found_a_part_at_a_time_are_the_same(monkeypatch):
    points, centroids = unit(100, d=8).float(), unit(7, d=8, seed=1).float()
    whole = nearest_centroids(points, centroids)
    monkeypatch.setattr(module, "ROWS", 9)
    assert torch.equal(nearest_centroids(points, centroids), whole)


def test_the_loss_is_the_cross_entropy_over_all_crops_of_the_mean_head():
    method, source = build_deepcluster(), Digits()
    step(method, source, 0)
    twin = copy.deepcopy(method)
    crops, labels = source.at(1)
    method.before_step(1, source)
    ours = method(crops, labels).terms["cluster_prediction"]
    z = F.normalize(twin.projector(features_of_crops(twin.backbone, crops)), dim=1)
    heads = (z @ twin.prototypes.T / method.settings.temperature).split(PROTOTYPES, dim=1)
    targets = twin.clusters[:, source.samples(1)].repeat(1, len(crops))
    expected = sum(F.cross_entropy(h, t, ignore_index=NO_CLUSTER) for h, t in zip(heads, targets, strict=True)) / 3
    torch.testing.assert_close(ours, expected)
    ours.backward()
    expected.backward()
    for (name, parameter), reference in zip(method.named_parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, reference.grad, rtol=1e-4, atol=1e-6, msg=name)
    assert "prototypes" not in dict(method.named_parameters())


def test_an_epoch_is_trained_on_the_clusters_of_what_the_last_one_left():
    method, source = build_deepcluster(), Digits()
    seen = []
    for number in range(PER_EPOCH):
        seen.append(torch.stack(step(method, source, number).embeddings))
    samples = torch.cat([source.samples(number) for number in range(PER_EPOCH)])
    torch.testing.assert_close(method.memory[:, samples], torch.cat(seen, dim=1))
    memory = method.memory.clone()
    method.before_step(PER_EPOCH, source)
    parts, ordered = method.prototypes.split(PROTOTYPES), samples.sort().values
    for head, centroids in enumerate(parts):
        points = memory[head % 2, ordered]
        assert torch.equal(method.clusters[head, ordered], (points @ centroids.T).argmax(dim=1))
        torch.testing.assert_close(centroids.norm(dim=1), torch.ones(len(centroids)))
    dropped = sorted(set(range(IMAGES)) - set(samples.tolist()))
    assert (method.clusters[:, dropped] == NO_CLUSTER).all()
    assert (method.clusters[:, samples] != NO_CLUSTER).all()
    assert not method.remembered.any()


def test_clusters_stay_within_an_epoch_and_are_found_anew_in_the_next():
    method, source = build_deepcluster(), Digits()
    clusters, prototypes = [], []
    for number in range(2 * PER_EPOCH):
        step(method, source, number)
        clusters.append(method.clusters.clone())
        prototypes.append(method.prototypes.clone())
    for number in range(1, PER_EPOCH):
        assert torch.equal(clusters[number], clusters[0])
        assert torch.equal(prototypes[number], prototypes[0])
    assert not torch.equal(prototypes[PER_EPOCH], prototypes[0])


def test_before_the_first_epoch_its_images_are_embedded_without_training():
    method, source = build_deepcluster(), Digits()
    weights = copy.deepcopy(dict(method.named_parameters()))
    method.before_step(0, source)
    epoch = torch.cat([source.samples(number) for number in range(PER_EPOCH)])
    torch.testing.assert_close(method.memory[:, epoch].norm(dim=2), torch.ones(2, 48))
    assert (method.clusters[:, epoch] != NO_CLUSTER).all()
    assert all(torch.equal(parameter, weights[name]) for name, parameter in method.named_parameters())


def test_images_without_a_cluster_have_no_loss_and_no_gradient():
    logits = torch.randn(4, 6, generator=torch.Generator().manual_seed(0), requires_grad=True)
    targets = torch.tensor([1, NO_CLUSTER, 5, NO_CLUSTER])
    losses = cluster_losses(logits, targets)
    assert losses[1] == losses[3] == 0
    losses.sum().backward()
    assert logits.grad[1].abs().sum() == logits.grad[3].abs().sum() == 0
    method, source = build_deepcluster(), Digits()
    method.before_step(0, source)
    method.clusters.fill_(NO_CLUSTER)
    assert method(*source.at(0)).terms["cluster_prediction"].item() == 0


def test_the_draw_of_centroids_depends_on_the_seed_the_epoch_and_the_head():
    first, again, other = build_deepcluster(), build_deepcluster(), build_deepcluster()
    source, reseeded = Digits(), Digits()
    reseeded.seed = 1
    for method, its in ((first, source), (again, source), (other, reseeded)):
        method.before_step(0, its)
    assert torch.equal(first.prototypes, again.prototypes)
    assert not torch.equal(first.prototypes, other.prototypes)
    one, _, three = first.prototypes.split(PROTOTYPES)  # of the same view, as many
    assert not torch.equal(one, three)


def test_a_checkpoint_brings_the_memory_to_a_method_that_has_none():
    method, source = build_deepcluster(), Digits()
    step(method, source, 0)
    fresh = build_deepcluster()
    fresh.load_state_dict(copy.deepcopy(method.state_dict()))
    for a_method in (method, fresh):
        a_method.before_step(1, source)
    first, second = (m(*source.at(1)).terms["cluster_prediction"] for m in (method, fresh))
    assert torch.equal(first, second)


def test_more_clusters_than_images_are_refused():
    with pytest.raises(UserError, match=r"prototypes: 49 clusters of 48 images; choose fewer"):
        build_deepcluster(prototypes=(6, 49)).before_step(0, Digits())
