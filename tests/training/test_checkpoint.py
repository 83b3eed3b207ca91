"""Checkpoints are written whole, the previous one remains, and those that do not fit are refused."""

import hashlib

import pytest
import torch

from entrec.errors import UserError
from entrec.runs import Run
from entrec.training import checkpoint
from entrec.training.pretrain import build_state

CPU = torch.device("cpu")


@pytest.fixture
def state(demo, digits):
    return build_state(demo, Run("simclr", 256, 20, 0), digits, device=CPU)


def test_the_one_before_the_last_remains(state, tmp_path):
    for step in (1, 2, 3):
        state.step = step
        checkpoint.save(state, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["last.pt", "previous.pt"]
    assert torch.load(tmp_path / "previous.pt", weights_only=True)["step"] == 2


def test_a_stop_between_the_two_moves_loses_nothing(state, tmp_path):
    state.step = 7
    checkpoint.save(state, tmp_path)
    (tmp_path / "last.pt").rename(tmp_path / "previous.pt")
    state.step = 0
    checkpoint.restore(state, tmp_path)
    assert state.step == 7


def damage(path, place=1000):
    """Flip the lowest bit of one byte."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_a_run_continues_from_the_previous_checkpoint_where_the_last_is_damaged_and_says_so(state, tmp_path, capsys):
    for step in (1, 2):
        state.step = step
        checkpoint.save(state, tmp_path)
    size = (tmp_path / "last.pt").stat().st_size
    for place in range(0, size, size // 50):  # of weights, of their names, of the archive and of the digest
        damage(tmp_path / "last.pt", place)
        state.step = 0
        checkpoint.restore(state, tmp_path)
        assert state.step == 1
        assert capsys.readouterr().err == f"{tmp_path}/last.pt: damaged; the run continues from previous.pt instead\n"
        damage(tmp_path / "last.pt", place)
    checkpoint.restore(state, tmp_path)
    assert state.step == 2


def test_a_checkpoint_that_is_damaged_does_not_replace_the_one_before_it(state, tmp_path):
    for step in (1, 2):
        state.step = step
        checkpoint.save(state, tmp_path)
    damage(tmp_path / "last.pt")
    checkpoint.restore(state, tmp_path)
    for step, previous in ((2, 1), (3, 2)):
        state.step = step
        checkpoint.save(state, tmp_path)
        steps = [torch.load(tmp_path / name, weights_only=True)["step"] for name in ("last.pt", "previous.pt")]
        assert steps == [step, previous]


def test_truncated_checkpoints_are_named_and_left_alone(state, tmp_path):
    for _ in range(2):
        checkpoint.save(state, tmp_path)
    for name in ("last.pt", "previous.pt"):
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:1000])
    with pytest.raises(UserError, match=r"last.pt and previous.pt damaged, .*; delete the folder to start afresh"):
        checkpoint.restore(state, tmp_path)
    assert (tmp_path / "last.pt").stat().st_size == 1000


def test_a_pickle_that_would_run_code_is_not_loaded(state, tmp_path):
    import pickle

    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "evil"), "w"))

    content = pickle.dumps({"belongs_to": Evil()})
    (tmp_path / "last.pt").write_bytes(content + hashlib.sha256(content).hexdigest().encode())
    with pytest.raises(UserError, match="not a checkpoint of this version"):
        checkpoint.restore(state, tmp_path)
    assert not (tmp_path / "evil").exists()


def test_a_run_resumed_by_other_code_says_so(state, demo, digits, tmp_path):
    state.fingerprints = ["older"]
    checkpoint.save(state, tmp_path)
    resumed = build_state(demo, Run("simclr", 256, 20, 0), digits, device=CPU)
    today = list(resumed.fingerprints)
    checkpoint.restore(resumed, tmp_path)
    assert resumed.fingerprints == ["older", *today]


def test_a_checkpoint_with_other_tensors_is_named(state, tmp_path):
    checkpoint.save(state, tmp_path)
    state.learner.projector = torch.nn.Identity()
    with pytest.raises(UserError, match="other tensors than today's code"):
        checkpoint.restore(state, tmp_path)


def test_a_checkpoint_of_another_run_or_other_parameters_is_refused(state, demo, digits, tmp_path):
    checkpoint.save(state, tmp_path)
    other = build_state(demo, Run("simclr", 256, 20, 1), digits, device=CPU)
    with pytest.raises(UserError, match="belongs to another run or to other parameters"):
        checkpoint.restore(other, tmp_path)
