"""Local crops, and the images of a batch."""

import pytest
import torch

from entrec.data.inputs import network_inputs
from entrec.data.view_parameters import draw
from entrec.data.views import augment
from entrec.networks import build_backbone
from entrec.networks.backbones import num_features
from entrec.runs import Run
from entrec.settings import Network
from entrec.training.batches import Batches
from entrec.training.pretrain import build_batches

OPTIONS = {"batch_size": 64, "seed": 3, "device": torch.device("cpu"), "channels_last": False}


def test_local_crops_leave_the_views_before_them_as_they_are(zoo, digits):
    without = Batches(digits, zoo.views, **OPTIONS)
    with_local = Batches(digits, zoo.views, local=(zoo.local_views,) * 3, **OPTIONS)
    for step in (0, 40):
        (plain, labels), (crops, same_labels) = without.at(step), with_local.at(step)
        assert torch.equal(labels, same_labels)
        for view, same in zip(plain, crops[:2], strict=True):
            assert torch.equal(view, same)
        assert [crop.shape for crop in crops[2:]] == [(64, 1, zoo.local_views.size, zoo.local_views.size)] * 3
        assert not torch.equal(crops[2], crops[3])


def test_a_local_crop_is_a_view_with_a_number_of_its_own(zoo, digits):
    batches = Batches(digits, zoo.views, local=(zoo.local_views,) * 2, **OPTIONS)
    samples = batches.samples(20)
    pixels, crop = digits.images.read(samples.numpy()).values, zoo.local_views
    epoch = 20 // batches.steps_per_epoch
    for number in (2, 3):
        drawn = draw(crop.view, seed=3, epoch=epoch, samples=samples, index=number, height=8, width=8)
        expected = network_inputs(digits, OPTIONS["device"])(augment(pixels, drawn, crop.size))
        assert torch.equal(batches.at(20)[0][number], expected)


def test_the_samples_of_a_step_are_those_of_its_labels_each_once_an_epoch(zoo, digits):
    batches = Batches(digits, zoo.views[:1], **OPTIONS)
    epoch = [batches.samples(step) for step in range(batches.steps_per_epoch)]
    for step, samples in enumerate(epoch):
        assert torch.equal(batches.at(step)[1], torch.from_numpy(digits.labels[samples.numpy()]))
    everyone = torch.cat(epoch)
    assert len(everyone.unique()) == len(everyone) == 64 * batches.steps_per_epoch
    assert everyone.max() < batches.images
    assert set(everyone.tolist()) <= set(digits.indices("train").tolist())


@pytest.mark.parametrize("method", ["simclr", "dino", "swav", "deepcluster"])
def test_a_method_gets_as_many_local_crops_as_its_settings_say(method, zoo, demo, digits):
    sizes = [
        view.shape[-1] for view in build_batches(zoo, Run(method, 64, 1, 0), digits, device=OPTIONS["device"]).at(0)[0]
    ]
    assert sizes == [8, 8] + [zoo.local_views.size] * zoo.methods[method].get("local_crops", 0)
    if method in demo.methods:
        assert len(build_batches(demo, Run(method, 64, 1, 0), digits, device=OPTIONS["device"]).at(0)[0]) == 2


@pytest.mark.parametrize("channels_last", [False, True])
def test_local_crops_have_the_layout_of_the_views(channels_last, zoo, digits):
    options = {**OPTIONS, "channels_last": channels_last}
    layout = torch.channels_last if channels_last else torch.contiguous_format
    for view in Batches(digits, zoo.views, local=(zoo.local_views,), **options).at(0)[0]:
        assert view.is_contiguous(memory_format=layout)


@pytest.mark.parametrize("size", [3, 5, 8, 13])
@pytest.mark.parametrize("stem", ["3x3", "7x7"])
@pytest.mark.parametrize("backbone", ["small_resnet", "resnet18"])
def test_every_backbone_takes_crops_of_any_size(backbone, stem, size):
    network = build_backbone(Network(backbone=backbone, width=8, stem=stem), channels=1)
    assert network(torch.rand(4, 1, size, size)).shape == (4, num_features(network))
