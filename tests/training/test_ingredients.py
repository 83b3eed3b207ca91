"""What the views of a step are made of, however many steps are drawn for at once and wherever images are kept."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from tests.data.conftest import VIEW

from entrec.data.images import EncodedImages
from entrec.data.inputs import network_inputs
from entrec.data.network_views import network_views
from entrec.data.view_parameters import draw
from entrec.training import ingredients
from entrec.training.batches import Batches
from entrec.training.ingredients import KEPT, Steps, groups, may_be_kept, source_of

CPU, GPU = torch.device("cpu"), torch.device("cuda")
VIEWS = [(VIEW, 8), (replace(VIEW, blur=0.0, solarise_threshold=0.2), 8), (VIEW, 5), (VIEW, 5), (VIEW, 5)]


def encoded(image, number):
    """A grey image as a PNG in colour, wider and higher by a number of pixels of its own."""
    framed = np.pad(image.repeat(3, axis=2), ((number % 3, 0), (0, number % 5), (0, 0)), "edge")
    buffer = io.BytesIO()
    Image.fromarray(framed).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def loose(digits):
    """The digits as encoded images in colour, of fifteen sizes."""
    files = [encoded(image, number) for number, image in enumerate(digits.images.array)]
    return replace(digits, images=EncodedImages(files), channels=3, mean=(0.5,) * 3, std=(0.3,) * 3)


@pytest.fixture(params=["digits", "loose"])
def data(request):
    """Images of one size, and of all sizes."""
    return request.getfixturevalue(request.param)


def steps_of(data, batch_size=100):
    return Steps(data.indices("train"), batch_size=batch_size, seed=3)


def test_neighbours_of_one_size_are_a_group_on_a_gpu_and_alone_on_a_cpu():
    sizes = [[len(g.views), g.first, g.size] for g in groups(VIEWS, GPU)]
    assert sizes == [[2, 0, 8], [3, 2, 5]]
    assert [[len(g.views), g.first, g.size] for g in groups(VIEWS, CPU)] == [
        [1, number, size] for number, (_, size) in enumerate(VIEWS)
    ]


def test_a_group_has_the_views_that_are_made_one_by_one(data):
    steps, made = steps_of(data), []
    for where in (CPU, GPU):
        together = groups(VIEWS, where)
        source = source_of(data, steps, together, CPU)
        views = []
        for group, shown in zip(together, source.at(5).shown, strict=True):
            of_group = network_views(*shown, group.size, network_inputs(data, CPU), torch.contiguous_format)
            views += of_group.chunk(len(group.views))
        made.append(views)
    assert [len(views) for views in made] == [len(VIEWS)] * 2
    for alone, together in zip(*made, strict=True):
        torch.testing.assert_close(together, alone, atol=1e-5 / min(data.std), rtol=0)


@pytest.mark.parametrize("together", [1, 250, 10_000])
def test_what_is_drawn_for_many_steps_at_once_is_what_is_drawn_for_each(digits, monkeypatch, together):
    monkeypatch.setitem(ingredients.DRAWN_TOGETHER, "cpu", together)
    steps = steps_of(digits)
    source = source_of(digits, steps, groups(VIEWS, CPU), CPU)
    for step in (*range(2 * steps.per_epoch), 1):
        samples, made = steps.samples(step), source.at(step)
        assert torch.equal(made.labels, torch.from_numpy(digits.labels[samples.numpy()]))
        for index, ((view, _), (pixels, parameters)) in enumerate(zip(VIEWS, made.shown, strict=True)):
            where = {"epoch": step // steps.per_epoch, "samples": samples, "index": index}
            alone = draw(view, seed=3, height=8, width=8, **where)
            assert torch.equal(pixels, torch.from_numpy(digits.images.array[samples.numpy()]))
            assert parameters.possible == alone.possible
            assert all(torch.equal(parameters.tensors()[name], tensor) for name, tensor in alone.tensors().items())


def test_a_group_takes_what_any_of_its_views_may_need(digits):
    (both, _) = source_of(digits, steps_of(digits), groups(VIEWS, GPU), CPU).at(0).shown
    assert "blur" in both.parameters.possible
    assert both.parameters.threshold.unique(sorted=True).tolist() == pytest.approx([0.2, 0.5])
    assert not both.parameters.blur.chunk(2)[1].any()


def test_ingredients_are_rebuilt_from_their_tensors(loose):
    made = source_of(loose, steps_of(loose), groups(VIEWS, GPU), CPU).at(2)
    again = made.holding([tensor.clone() for tensor in made.tensors()])
    assert all(torch.equal(*pair) for pair in zip(again.tensors(), made.tensors(), strict=True))
    assert [len(shown.pixels) for shown in again.shown] == [2, 3]
    assert [shown.parameters.possible for shown in again.shown] == [shown.parameters.possible for shown in made.shown]


@pytest.mark.parametrize(("free", "kept"), [(1000, True), (999, False)])
def test_images_stay_on_a_gpu_whose_free_memory_is_a_few_times_their_size(monkeypatch, free, kept):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 10 * free))
    assert may_be_kept(int(KEPT * 1000), GPU) == kept


def test_an_incomplete_last_batch_is_dropped(digits):
    batches = Batches(
        digits, (VIEW,), batch_size=len(digits.indices("train")) - 1, seed=0, device=CPU, channels_last=False
    )
    assert batches.steps_per_epoch == 1
    assert len(batches.samples(0)) == len(batches.at(3)[1]) == len(digits.indices("train")) - 1
