"""Views as networks see them, plain and as graphs of torch's compiler."""

import pytest
import torch
from tests.data.conftest import VIEW

from entrec.data import network_views as module
from entrec.data.inputs import NetworkInputs
from entrec.data.network_views import network_views
from entrec.data.view_parameters import draw
from entrec.data.views import augment, for_all
from entrec.errors import UserError

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def parameters(n, *, seed=0):
    return draw(VIEW, seed=seed, epoch=0, samples=torch.arange(n), index=0, height=32, width=32)


def inputs(channels, *, to_lab=False):
    return NetworkInputs(to_lab, torch.rand(channels, 1, 1), torch.rand(channels, 1, 1) + 0.5)


@pytest.fixture
def graphs(monkeypatch):
    """Views that are made as on a GPU, by a compiler that keeps the operations; its list grows with every graph."""
    found, compiler = [], torch.compile

    def count(graph, _):
        found.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", lambda function, options, **rest: compiler(function, backend=count, **rest))
    monkeypatch.setattr(module, "_plain", module._compiled)
    monkeypatch.setattr(module, "way_on", lambda device: for_all)
    module._compiled.cache_clear()
    torch.compiler.reset()
    yield found
    module._compiled.cache_clear()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("channels", [1, 3])
def test_networks_see_normalised_views_in_their_layout(photographs, channels, layout):
    images, p, seen_as = photographs[..., :channels], parameters(48), inputs(channels)
    seen = network_views(images, p, 16, seen_as, layout)
    assert seen.is_contiguous(memory_format=layout)
    assert torch.equal(seen, (augment(images, p, 16) - seen_as.mean) / seen_as.deviation)


def test_cuts_for_each_view_make_the_views_of_whole_images(photographs):
    p, whole = parameters(96), inputs(3)
    cuts = [torch.nn.functional.pad(photographs, (0, 0, 0, pad, 0, 2 * pad)) for pad in (1, 4)]  # larger, as crops vary
    found = network_views(cuts, p, 16, whole, LAYOUTS[0])
    torch.testing.assert_close(found, network_views(photographs, p, 16, whole, LAYOUTS[0]), atol=1e-5, rtol=0)


@pytest.mark.filterwarnings("default")  # the compiler's own
@pytest.mark.parametrize("to_lab", [False, True])
def test_the_compiler_takes_the_views_of_every_step_as_one_graph(photographs, graphs, to_lab, monkeypatch):
    for layout in LAYOUTS:
        for seed in range(3):
            p, seen_as = parameters(96, seed=seed), inputs(3, to_lab=to_lab)
            found = network_views(photographs, p, 32, seen_as, layout)
            with monkeypatch.context() as patched:
                patched.setattr(module, "_plain", lambda function: function)
                expected = network_views(photographs, p, 32, seen_as, layout)
            atol = 1e-3 if to_lab else 2e-5  # 1e-5 of a pixel, in units of a hundred and of a deviation
            torch.testing.assert_close(found, expected, atol=atol, rtol=0)
            assert found.is_contiguous(memory_format=layout)
    assert len(graphs) == len(LAYOUTS)


@pytest.mark.filterwarnings("default")  # the compiler's own
def test_cuts_of_other_sizes_are_no_new_graph(photographs, graphs):
    for pad in range(4):
        cuts = [torch.nn.functional.pad(photographs, (0, 0, 0, pad)) for _ in range(2)]
        network_views(cuts, parameters(96), 32, inputs(3), LAYOUTS[0])
    assert len(graphs) == 1


def test_where_the_compiler_fails_one_line_says_what_it_needs(photographs, monkeypatch):
    from torch._inductor.exc import InductorError

    def failing(*_):
        raise InductorError(RuntimeError("Failed to find C compiler"), None)

    monkeypatch.setattr(torch, "compile", lambda function, **options: failing)
    monkeypatch.setattr(module, "_plain", module._compiled)
    module._compiled.cache_clear()
    with pytest.raises(UserError, match=r"Failed to find C compiler.*needs a C compiler.*TORCH_COMPILE_DISABLE=1"):
        network_views(photographs, parameters(48), 16, inputs(3), LAYOUTS[0])
    module._compiled.cache_clear()
