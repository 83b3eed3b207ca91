"""Memory, open handles and threads do not grow with the number of steps, evaluations or batches."""

import shutil
from statistics import median

import pytest
from tests.faults.conftest import FULL, OF_STUDY, RUN, count

pytestmark = pytest.mark.faults
STEPS, EVALUATIONS, BATCHES = count(10_000, 150), 300, count(10_000, 150)
GROWTH_KB = 4_000  # of the resident memory, from the middle fifth of the time to the last
LIMIT = 900  # seconds


def assert_flat(ended, about):
    """Assert that a child was flat from the middle of its time on; returns how much its memory grew, in kB.

    On a busy machine, a short run is still allocating its first buffers in the second fifth of its time.
    """
    assert ended.code == 0, ended.said
    fifth = len(ended.samples) // 5
    early, late = ended.samples[2 * fifth : 3 * fifth], ended.samples[-fifth:]
    assert fifth > 0, f"{about}: too short to see anything"
    # medians, since a sample may fall into the moment in which a checkpoint is written
    grown, handles, threads = (
        median(sample[place] for sample in late) - median(sample[place] for sample in early) for place in range(3)
    )
    assert grown < GROWTH_KB, (about, early, late)
    assert handles <= 0, (about, early, late)
    assert threads <= 0, (about, early, late)
    return grown


def test_many_steps_of_training_take_no_more_memory_than_few(world, figures):
    path = world.folder / "params/long/tiny.yaml"
    path.parent.mkdir(exist_ok=True)
    text = (world.folder / "params/tiny.yaml").read_text()
    per_epoch = 3
    epochs = -(-STEPS // per_epoch)
    for old, new in {
        "epochs:\n- 3\n": f"epochs:\n- {epochs}\n",
        "checkpoint_seconds: 0\n": "checkpoint_seconds: 0.5\n",
        "log_every: 1\n": "log_every: 20\n",
        "every: 2\n": "every: 20\n",
    }.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    run = RUN.replace("-e3-", f"-e{epochs}-")
    shutil.rmtree(world.folder / "out", ignore_errors=True)
    command = f"pretrain {OF_STUDY} --run {run} --data data/tiny/small --output out".replace(
        "tiny.yaml", "long/tiny.yaml"
    )
    ended = world.run(command, sampled=True, limit=LIMIT)
    grown = assert_flat(ended, "training")
    assert f"{per_epoch * epochs}/{per_epoch * epochs} done" in ended.said
    figures["steps of training"] = {"cases": per_epoch * epochs, "memory": f"{grown / 1000:.1f} MB"}


LONG = [pytest.param("encoded_batches", [BATCHES])]
LONG += [pytest.param("evaluations", [RUN, EVALUATIONS])] if FULL else []  # the first few warm up


@pytest.mark.parametrize("what, arguments", LONG)
def test_much_reading_takes_no_more_memory_than_little(world, figures, what, arguments):
    call = f"tests.faults.long_runs:{what}"
    ended = world.children.run(*arguments, folder=world.folder, call=call, sampled=True, limit=LIMIT)
    grown = assert_flat(ended, what)
    figures[what.replace("_", " ")] = {"cases": arguments[-1], "memory": f"{grown / 1000:.1f} MB"}
