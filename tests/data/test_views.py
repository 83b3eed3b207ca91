"""Views equal torchvision's functional operations on real images, whatever batch they are made in."""

from dataclasses import replace

import pytest
import torch
from tests.data.conftest import views_of
from torch import Tensor
from torchvision.transforms.v2 import functional as F  # takes seconds to import; so be it in tests

from entrec.data import colour
from entrec.data.images import Stack
from entrec.data.resampling import blur_size
from entrec.data.view_parameters import Colour, ViewParameters, draw, stacked
from entrec.data.views import Choice, altered, augment, cropped, for_all, for_chosen, to_float

COLOURS = {
    Colour.BRIGHTNESS: (colour.adjust_brightness, F.adjust_brightness, (0.0, 2.0)),
    Colour.CONTRAST: (colour.adjust_contrast, F.adjust_contrast, (0.0, 2.0)),
    Colour.SATURATION: (colour.adjust_saturation, F.adjust_saturation, (0.0, 2.0)),
    Colour.HUE: (colour.adjust_hue, F.adjust_hue, (-0.5, 0.5)),
}


def parameters(view, images: Tensor, *, seed: int = 0) -> ViewParameters:
    n, height, width, _ = images.shape
    return draw(view, seed=seed, epoch=0, samples=torch.arange(n), index=0, height=height, width=width)


def views(images: Tensor, view, **address) -> Tensor:
    """Views of 32 pixels: the first ones of the first images, unless their address says otherwise."""
    first = {"seed": 0, "epoch": 0, "samples": torch.arange(len(images)), "index": 0}
    return views_of(Stack(images), view, size=32, **(first | address))


def only_crops(view):
    return replace(view, flip=0.0, jitter=0.0, greyscale=0.0, blur=0.0, solarise=0.0)


def torchvision_view(image: Tensor, p: ViewParameters, i: int, size: int) -> Tensor:
    """One image (c, h, w) through torchvision's operations one after the other."""
    box = [int(side[i]) for side in (p.top, p.left, p.height, p.width)]
    x = F.resized_crop(image, *box, size=[size, size], antialias=True)
    x = F.horizontal_flip(x) if p.flip[i] else x
    for kind in p.order[i].tolist() if p.jitter[i] else []:
        x = COLOURS[kind][1](x, p.factors[i, kind].item())
    x = F.rgb_to_grayscale(x, num_output_channels=x.shape[0]) if p.greyscale[i] else x
    x = F.gaussian_blur(x, blur_size(size), p.sigma[i].item()) if p.blur[i] else x
    return F.solarize(x, p.threshold[i].item()) if p.solarise[i] else x


def assert_as_torchvision(images: Tensor, p: ViewParameters, size: int) -> None:
    expected = torch.stack([torchvision_view(x, p, i, size) for i, x in enumerate(to_float(images))])
    torch.testing.assert_close(augment(images, p, size), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [8, 32, 57])
def test_crops_equal_torchvisions_antialiased_ones(photographs, simclr, size, channels):
    images = photographs[..., :channels]
    assert_as_torchvision(images, parameters(only_crops(simclr), images, seed=size), size)


def test_oblong_images_are_cropped_as_torchvision_does(photographs, simclr):
    images = photographs[:, 5:25]
    assert_as_torchvision(images, parameters(only_crops(simclr), images), 16)


def test_flips_equal_torchvisions(photographs, simclr):
    view = replace(only_crops(simclr), flip=0.5)
    assert_as_torchvision(photographs, parameters(view, photographs), 32)


GREY_KINDS = [(1, kind) for kind in Colour if kind is not Colour.HUE]  # grey has no hue


@pytest.mark.parametrize(("channels", "kind"), GREY_KINDS + [(3, kind) for kind in Colour])
def test_colour_operations_equal_torchvisions(photographs, channels, kind):
    ours, theirs, (low, high) = COLOURS[kind]
    images = to_float(photographs[..., :channels])
    images[0], images[1, :, :16] = 0.5, 0  # grey pixels have no hue
    factors = torch.linspace(low, high, len(images))
    expected = torch.stack([theirs(image, factor.item()) for image, factor in zip(images, factors, strict=True)])
    torch.testing.assert_close(ours(images, factors), expected, atol=1e-5, rtol=0)


def test_luma_equals_torchvisions_greyscale(photographs):
    images = to_float(photographs)
    torch.testing.assert_close(colour.luma(images), F.rgb_to_grayscale(images), atol=1e-6, rtol=0)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 1.0])
def test_solarise_equals_torchvisions(photographs, threshold):
    images = to_float(photographs)
    thresholds = torch.full((len(images),), threshold)
    assert torch.equal(colour.solarise(images, thresholds), F.solarize(images, threshold))


@pytest.mark.parametrize("size", [8, 32, 96])
def test_blur_equals_torchvisions(photographs, simclr, size):
    view = replace(only_crops(simclr), blur=1.0)
    assert_as_torchvision(photographs[:12], parameters(view, photographs[:12]), size)


@pytest.mark.parametrize(("size", "taps"), [(8, 3), (32, 3), (96, 9), (224, 23)])
def test_the_blur_spans_a_tenth_of_the_image(size, taps):
    assert blur_size(size) == taps


def test_a_blur_of_no_width_changes_nothing(photographs, simclr):
    view = replace(only_crops(simclr), blur_sigma=(0.0, 0.0))
    assert torch.equal(views(photographs, view), views(photographs, replace(view, blur=1.0)))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_whole_views_equal_torchvisions_operations_in_turn(photographs, simclr, seed, channels):
    images = photographs[..., :channels]
    assert_as_torchvision(images, parameters(simclr, images, seed=seed), 32)


def test_a_view_of_nothing_but_the_whole_image_is_the_image(photographs, simclr):
    view = replace(only_crops(simclr), crop_scale=(1.0, 1.0), crop_ratio=(1.0, 1.0))
    torch.testing.assert_close(views(photographs, view), to_float(photographs), atol=1e-6, rtol=0)


@pytest.mark.parametrize("chosen", [[7], [7, 3], [40, 7, 0, 21]])
def test_a_samples_view_does_not_depend_on_its_batch(photographs, simclr, chosen):
    together = views(photographs, simclr, epoch=3, index=1)[chosen]
    alone = views(photographs[chosen], simclr, epoch=3, index=1, samples=torch.tensor(chosen))
    torch.testing.assert_close(alone, together, atol=1e-6, rtol=0)


def test_views_do_not_depend_on_the_number_of_threads(photographs, simclr):
    before, made = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            made.append(views(photographs, simclr))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*made)


@pytest.mark.parametrize("change", [{"seed": 1}, {"epoch": 1}, {"index": 1}, {"samples": torch.arange(48) + 48}])
def test_another_address_gives_another_view_and_the_same_one_the_same(photographs, simclr, change):
    first, other = views(photographs, simclr), views(photographs, simclr, **change)
    assert torch.equal(first, views(photographs, simclr))
    assert ((first - other).abs().amax(dim=(1, 2, 3)) > 0.01).all()


def test_views_stay_in_range_and_in_float32_under_autocast(photographs, simclr):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        view = views(photographs, simclr)
    assert view.dtype == torch.float32
    assert view.shape == (48, 3, 32, 32)
    assert view.min() >= -1e-6
    assert view.max() <= 1 + 1e-6
    assert torch.equal(view, views(photographs, simclr))


def test_the_images_are_left_as_they_were(photographs, simclr):
    before = photographs.clone()
    views(photographs, simclr)
    assert torch.equal(photographs, before)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_computing_every_image_makes_the_views_that_computing_the_chosen_ones_makes(
    photographs, simclr, seed, channels
):
    images = photographs[..., :channels]
    p = parameters(simclr, images, seed=seed)
    of_chosen, of_all = (altered(cropped(images, p, 32), p, way) for way in (for_chosen, for_all))
    torch.testing.assert_close(of_all, of_chosen, atol=1e-5, rtol=0)


@pytest.mark.parametrize("way", [for_chosen, for_all])
def test_an_operation_leaves_the_images_that_it_is_not_for(way):
    x, none = torch.rand(6, 3, 4, 4), torch.zeros(6, dtype=torch.bool)
    mask = torch.arange(6) % 2 == 0
    changed = way(
        x.clone(), [Choice(mask, colour.solarise, x.new_zeros(6)), Choice(none, colour.adjust_hue, x[:, 0, 0, 0])]
    )
    assert torch.equal(changed, torch.where(mask[:, None, None, None], 1 - x, x))


def test_several_views_of_images_are_those_made_one_by_one(photographs, simclr):
    alone = [parameters(simclr, photographs, seed=seed) for seed in range(3)]
    together = augment(photographs, stacked(alone, 0).map(lambda t: t.flatten(0, 1)), 16)
    for view, p in zip(together.chunk(3), alone, strict=True):
        torch.testing.assert_close(view, augment(photographs, p, 16), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["flip", "jitter", "greyscale", "blur", "solarise", *(kind.word for kind in Colour)])
def test_an_operation_without_a_chance_may_be_left_out(photographs, simclr, name):
    p = parameters(replace(simclr, **{name: 0.0}), photographs)
    gone = {kind.word for kind in Colour} if name == "jitter" else {name}
    everything = parameters(simclr, photographs).possible
    assert p.possible == everything - gone
    assert torch.equal(augment(photographs, p, 16), augment(photographs, replace(p, possible=everything), 16))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_makes_the_views_that_a_cpu_makes(photographs, simclr):
    for where in ("cpu", "cuda"):
        p = draw(simclr, seed=0, epoch=0, samples=torch.arange(48, device=where), index=0, height=32, width=32)
        there = augment(photographs.cuda(), p.map(Tensor.cuda), 32)
        torch.testing.assert_close(there.cpu(), views(photographs, simclr), atol=1e-5, rtol=0)
