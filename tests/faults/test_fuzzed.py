"""Studies with random mistakes: every one is read, or refused in one line for each fault; none hangs."""

import re
import signal

import pytest
from hypothesis import given, settings
from tests.faults.conftest import count
from tests.strategies import mutated_studies, mutated_values

from entrec.errors import UserError
from entrec.study import load_study
from entrec.theory.study import load_theory

pytestmark = pytest.mark.faults
STUDIES = count(5_000, 6)  # of each of the two kinds of mistakes
SLOWEST = 10  # seconds; a busy machine takes longer than the second that a file takes otherwise
LONGEST = 2000  # characters of a line: the names that are allowed may be many


@pytest.mark.parametrize("mistakes", [mutated_studies, mutated_values])
def test_a_study_with_mistakes_is_read_or_refused(tmp_path, figures, mistakes):
    path, ended = tmp_path / "mistakes.yaml", {"cases": 0, "refused": 0}

    @settings(max_examples=STUDIES, derandomize=True, database=None)
    @given(text=mistakes())
    def read_or_refuse(text):
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        ended["cases"] += 1
        ended["refused"] += all([refused(load_study, path), refused(load_theory, path)])

    read_or_refuse()
    figures[mistakes.__name__.replace("_", " ")] = ended


def refused(load, path):
    """Whether a loader refuses a study; every line of the refusal names the file."""
    signal.alarm(SLOWEST)  # ends this process by SIGALRM
    try:
        load(path)
    except UserError as error:
        for line in str(error).split("\n"):
            assert re.match(rf"{re.escape(str(path))}(, line \d+)?: .", line), line
            assert len(line) < LONGEST
        return True
    finally:
        signal.alarm(0)
    return False
