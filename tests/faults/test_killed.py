"""A process that SIGKILL ends at any moment loses nothing: started again, it ends with the bits of one left alone."""

import random

import pytest
from tests.faults.conftest import STEPS, assert_whole, count, settled, with_older

pytestmark = pytest.mark.faults
TRIALS = count(66, 3)  # at times, and as many at accesses to files; each has up to two kills


@pytest.mark.parametrize("moment", ["time", "access"])
def test_a_step_killed_at_random_moments_ends_with_the_same_bits(world, undisturbed, figures, moment):
    choice, killed, tried = random.Random(f"kills at {moment}"), 0, set()
    out = world.folder / "killed"
    for number in range(TRIALS):
        step = STEPS[number % len(STEPS)]
        files, whole = undisturbed(step)
        older = with_older(out, files if number // len(STEPS) % 2 else {})
        out.mkdir(exist_ok=True)
        for _ in range(2):  # a step that was killed once may be killed again
            at = {
                "time": lambda whole=whole: {"after": choice.uniform(0, whole.seconds)},
                "access": lambda whole=whole: {"at_access": choice.randint(1, whole.accesses)},
            }[moment]()
            ended = world.children.run(*step.arguments(out), folder=world.folder, **at)
            assert ended.killed or ended.code == 0, (step.name, at, ended.said)
            killed, tried = killed + ended.killed, tried | {step}
            assert_whole(out, files, older, (step.name, at))
        ended = world.children.run(*step.arguments(out), folder=world.folder)
        assert ended.code == 0, (step.name, number, ended.said)
        assert settled(out) == files, (step.name, number)
    figures[f"kills at {moment}"] = {"cases": killed, "steps": len(tried)}
