"""Checkpoints are written whole, the previous one remains, and those that do not fit are refused."""

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


def test_a_truncated_checkpoint_is_named_and_left_alone(state, tmp_path):
    checkpoint.save(state, tmp_path)
    last = tmp_path / "last.pt"
    last.write_bytes(last.read_bytes()[:1000])
    with pytest.raises(
        UserError, match=r"last.pt: damaged, or not a checkpoint .*delete it to resume from previous.pt"
    ):
        checkpoint.restore(state, tmp_path)
    assert last.stat().st_size == 1000


def test_a_pickle_that_would_run_code_is_not_loaded(state, tmp_path):
    import pickle

    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "evil"), "w"))

    (tmp_path / "last.pt").write_bytes(pickle.dumps({"belongs_to": Evil()}))
    with pytest.raises(UserError, match="damaged, or not a checkpoint"):
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
