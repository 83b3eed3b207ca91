"""The backbone in chunks has the gradients of the whole batch, and its statistics see each chunk once."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis.strategies import integers
from tests.conftest import build, study_of
from tests.training.steps_of_every_method import BATCH, Share, still
from torch import nn

from entrec.methods import METHODS
from entrec.methods.method import Method, StepOutput
from entrec.networks.feature_maps import feature_maps
from entrec.networks.small_resnet import SmallResNet
from entrec.runs import Run
from entrec.settings import Network
from entrec.training import chunks, distributed
from entrec.training.chunks import joined, number_of_chunks, use_chunks
from entrec.training.distributed import share
from entrec.training.pretrain import build_batches, build_state, total_loss

TRAINED = [name for name in METHODS if name != "untrained"]
PARTS_OF_TIMM = Network(backbone="resnet18", width=4, stem="3x3")


def built(name, network=None):
    """Return a method in double precision, with the study's network or another, and its batches."""
    study = study_of(name)
    if network:
        study = replace(study, network=network, methods={name: study.methods[name]})
    return build(name, study).double(), Share(name)


def first_step(method, source):
    method.before_step(0, source)
    loss = total_loss(method(*source.at(0)), method.weights)
    loss.backward()
    return loss.detach(), {name: p.grad for name, p in method.named_parameters() if p.grad is not None}


def both_ways(name, chunk, network=None):
    found = []
    for chunked in (False, True):
        method, source = built(name, network)
        still(method)
        if chunked:
            use_chunks(method, chunk=chunk, batch_size=BATCH)
        found.append(first_step(method, source))
    return found


def assert_same(one, two):
    torch.testing.assert_close(one[0], two[0], rtol=1e-10, atol=1e-12)
    assert one[1].keys() == two[1].keys()
    for name, gradient in one[1].items():
        torch.testing.assert_close(two[1][name], gradient, rtol=1e-8, atol=1e-10, msg=name)


@pytest.mark.parametrize("name", TRAINED)
def test_loss_and_gradients_are_those_of_the_batch_in_one_piece(name):
    assert_same(*both_ways(name, chunk=8))


@pytest.mark.parametrize("network", [PARTS_OF_TIMM, Network(backbone="small_vit", width=32, stem="2x2")], ids=str)
def test_so_they_are_with_networks_of_timm(network):
    assert_same(*both_ways("simclr", chunk=8, network=network))
    if not network.transformer:
        assert_same(*both_ways("amdim", chunk=8, network=network))


class MaskedResNet(SmallResNet):
    """A backbone with a function of its own: named arguments, a mask for each image, outputs in a dict."""

    def tokens(self, *, images, masks, scale):
        return {"tokens": self.maps(images * masks)[-1].flatten(2), "pooled": (self(scale * images), masks)}


class Unusual(Method):
    """A method without any code for chunks, which calls that function, and a layer of its backbone directly."""

    views, weights = 2, {"loss": 1.0}

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.backbone = MaskedResNet(channels=1, width=4, stem="3x3")
        self.head = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16))

    def forward(self, views, labels):
        masks = (views[1] > 0.5).to(views[1].dtype)
        found = self.backbone.tokens(images=views[0], masks=masks, scale=torch.tensor(2.0))
        pooled, same_masks = found["pooled"]
        assert torch.equal(same_masks, masks)
        shallow = self.head(self.backbone.stem(views[1]).mean(dim=(2, 3)))
        return StepOutput({"loss": (found["tokens"].mean(dim=2) * pooled).sum() + (shallow * pooled).sum()}, None)


def test_a_new_method_takes_chunks_however_it_calls_its_backbone(monkeypatch):
    found, seen = [], []
    for chunked in (False, True):
        method = Unusual().double()
        still(method)
        if chunked:
            monkeypatch.setattr(method.backbone.stem, "forward", noting(method.backbone.stem.forward, seen))
            use_chunks(method, chunk=8, batch_size=BATCH)
        found.append(first_step(method, Share("simclr")))
    assert_same(*found)
    assert max(seen) <= 8


def test_in_single_precision_they_agree_to_a_hundred_thousandth(digits, demo):
    run, found = Run("entrec_cont", 64, 1, 0), []
    for chunk in (None, 10):
        study = replace(demo, training=replace(demo.training, chunk=chunk))
        method = build_state(study, run, digits, device=torch.device("cpu")).learner
        still(method)
        found.append(first_step(method, build_batches(study, run, digits, device=torch.device("cpu"))))
    (loss, gradients), (other_loss, others) = found
    torch.testing.assert_close(other_loss, loss, rtol=1e-5, atol=1e-5)
    for name, gradient in gradients.items():
        torch.testing.assert_close(others[name], gradient, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize("name", TRAINED)
def test_names_of_weights_stay(name):
    method, _ = built(name)
    names = list(method.state_dict())
    use_chunks(method, chunk=8, batch_size=BATCH)
    assert list(method.state_dict()) == names


def test_running_statistics_take_in_each_chunk_once():
    torch.manual_seed(0)
    images = torch.rand(12, 1, 8, 8, dtype=torch.float64)
    method, _ = built("simclr")
    stem, norm = method.backbone.stem, method.backbone.norm
    use_chunks(method, chunk=4, batch_size=12)
    method.backbone(images).sum().backward()
    mean, variance = torch.zeros(8, dtype=torch.float64), torch.ones(8, dtype=torch.float64)
    for chunk in images.split(4):
        seen = stem(chunk).detach().transpose(0, 1).flatten(1)
        mean, variance = 0.9 * mean + 0.1 * seen.mean(dim=1), 0.9 * variance + 0.1 * seen.var(dim=1)
    torch.testing.assert_close(norm.running_mean, mean)
    torch.testing.assert_close(norm.running_var, variance)
    assert norm.num_batches_tracked == 3


def test_a_batch_norm_sees_its_chunk():
    method, _ = built("simclr")
    images = torch.rand(12, 1, 8, 8, dtype=torch.float64)
    by_hand = torch.cat([method.backbone(chunk) for chunk in images.split(4)])
    use_chunks(method, chunk=4, batch_size=12)
    torch.testing.assert_close(method.backbone(images), by_hand)


def test_dropout_drops_the_same_when_a_chunk_is_computed_again():
    def features(chunked):
        torch.manual_seed(1)
        method, _ = built("simclr")
        method.backbone = backbone = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.Dropout(0.5)).double()
        if chunked:
            use_chunks(method, chunk=4, batch_size=12)
        images = torch.rand(12, 1, 8, 8, dtype=torch.float64)
        torch.manual_seed(2)
        parts = [images] if chunked else images.split(4)
        torch.cat([backbone(part) for part in parts]).square().sum().backward()
        return backbone[1].weight.grad

    torch.testing.assert_close(features(True), features(False))


def test_no_activation_of_the_backbone_is_stored():
    def stored(chunk):
        sizes = []
        method, source = built("simclr")
        if chunk:
            use_chunks(method, chunk=chunk, batch_size=BATCH)
        with torch.autograd.graph.saved_tensors_hooks(lambda t: (sizes.append(t.numel()), t)[1], lambda t: t):
            method.backbone(source.at(0)[0][0])
        return sum(sizes)

    assert stored(8) < stored(None) / 20


def test_ema_copies_take_chunks_too(monkeypatch):
    method, source = built("byol")
    seen = []
    for backbone in (method.backbone, method.target[0]):
        monkeypatch.setattr(backbone.stem, "forward", noting(backbone.stem.forward, seen))
    use_chunks(method, chunk=8, batch_size=BATCH)
    first_step(method, source)
    assert max(seen) <= 8


def noting(forward, seen):
    def noted(images):
        seen.append(len(images))
        return forward(images)

    return noted


def test_maps_of_chunks_are_the_maps_of_the_whole():
    for network in (Network(backbone="small_resnet", width=4, stem="3x3"), PARTS_OF_TIMM):
        method, _ = built("amdim", network)
        method.backbone.eval()
        images = torch.rand(10, 1, 8, 8, dtype=torch.float64)
        whole = feature_maps(method.backbone, images)
        use_chunks(method, chunk=3, batch_size=10)
        for one, two in zip(whole, feature_maps(method.backbone, images), strict=True):
            torch.testing.assert_close(two, one)


@given(batch=integers(8, 200), processes=integers(1, 8), times=integers(1, 6), chunk=integers(1, 50))
def test_all_processes_use_as_many_chunks_and_none_is_too_large(batch, processes, times, chunk):
    counts = set()
    for rank in range(processes):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(chunks, "size", lambda: processes)
            patch.setattr(distributed, "size", lambda: processes)
            patch.setattr(distributed, "rank", lambda rank=rank: rank)
            own = share(batch)
            images = times * (own.stop - own.start)
            count = number_of_chunks(images, chunk=chunk, batch_size=batch)
        assert math.ceil(images / count) <= chunk
        counts.add(count)
    assert len(counts) == 1


def test_outputs_of_chunks_are_joined_whatever_they_are_in():
    one, two = torch.zeros(2, 3), torch.ones(1, 3)
    both = torch.cat([one, two])
    assert torch.equal(joined([one, two]), both)
    first, (second,), third = joined([(one, [one], {"a": one}), (two, [two], {"a": two})])
    assert torch.equal(first, both)
    assert torch.equal(second, both)
    assert torch.equal(third["a"], both)


def test_part_of_a_batch_is_split_as_a_whole_one():
    assert [number_of_chunks(images, chunk=4, batch_size=12) for images in (5, 12, 13, 24)] == [3, 3, 6, 6]
