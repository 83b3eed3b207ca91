"""When the checks read values from the device, and when they do not."""

import pytest
import torch

from entrec.information.checks import (
    InvalidEmbeddings,
    check_concentration,
    check_finite,
    unit_vectors,
    without_device_sync,
)


def test_without_device_sync_values_are_not_checked_but_shapes_are():
    wrong = torch.full((3, 2), torch.nan)
    with without_device_sync():
        check_finite(wrong)
        unit_vectors(wrong)
        check_concentration(torch.tensor(-1.0))
        with pytest.raises(InvalidEmbeddings, match="at least one embedding"):
            unit_vectors(wrong[0])
        with pytest.raises(ValueError, match="kappa=-1"):
            check_concentration(-1.0)


def test_afterwards_values_are_checked_again_even_after_an_error():
    with pytest.raises(InvalidEmbeddings), without_device_sync(), without_device_sync():
        unit_vectors(torch.zeros(2))
    with pytest.raises(InvalidEmbeddings, match="need finite numbers, got a value of nan"):
        check_finite(torch.full((3, 2), torch.nan))


@pytest.mark.filterwarnings("default")  # the compiler's own
def test_the_switch_is_no_part_of_a_compiled_graph():
    graphs = []

    def count(graph, _):
        graphs.append(graph)
        return graph.forward

    compiled = torch.compile(unit_vectors, fullgraph=True, backend=count)
    z = torch.eye(3)
    compiled(z)
    with without_device_sync():
        compiled(z)
    assert len(graphs) == 1
