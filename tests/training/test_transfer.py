"""Many tensors in one block of bytes."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from entrec.training.transfer import ALIGNMENT, pack, unpack

KINDS = [torch.uint8, torch.bool, torch.int64, torch.float32, torch.float64]
SHAPES = st.lists(st.integers(0, 5), max_size=4)


@given(st.lists(st.tuples(st.sampled_from(KINDS), SHAPES), max_size=8), st.integers(0, 2**31))
def test_what_is_packed_is_unpacked(kinds, seed):
    generator = torch.Generator().manual_seed(seed)
    tensors = [torch.randint(200, shape, generator=generator).to(kind) for kind, shape in kinds]
    packed = pack(tensors, pinned=False)
    found = unpack(packed)
    assert [(t.dtype, t.shape) for t in found] == [(t.dtype, t.shape) for t in tensors]
    assert all(torch.equal(*pair) for pair in zip(found, tensors, strict=True))
    assert all(t.untyped_storage().data_ptr() == packed.block.untyped_storage().data_ptr() for t in found)
    assert all(t.storage_offset() * t.itemsize % ALIGNMENT == 0 for t in found)


def test_tensors_of_any_layout_are_packed():
    x = torch.arange(24).view(2, 3, 4)
    for tensor in (x.permute(2, 0, 1), x[:, 1], x.expand(5, 2, 3, 4)):
        assert torch.equal(unpack(pack([tensor], pinned=False))[0], tensor)
