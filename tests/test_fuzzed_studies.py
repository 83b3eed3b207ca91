"""Studies with random mistakes: every one is read, or refused in one line for each fault; none hangs."""

import re
import time
from pathlib import Path

from hypothesis import given, settings
from tests.strategies import mutated_studies, mutated_values

from entrec.errors import UserError
from entrec.study import load_study
from entrec.theory.study import load_theory

SLOWEST = 10  # seconds; a busy machine takes longer than the second that a file takes otherwise
LONGEST = 2000  # characters of a line: the names that are allowed may be many


def read_or_refuse(path: Path, text: str) -> None:
    """Read `text` as a study of methods and as the theory study; every line of a refusal names the file."""
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    for load in (load_study, load_theory):
        began = time.monotonic()
        try:
            load(path)
        except UserError as error:
            for line in str(error).split("\n"):
                assert re.match(rf"{re.escape(str(path))}(, line \d+)?: .", line), line
                assert len(line) < LONGEST
        assert time.monotonic() - began < SLOWEST


@settings(max_examples=30)
@given(text=mutated_studies())
def test_a_study_with_mistakes_in_its_text_is_read_or_refused(tmp_path_factory, text):
    read_or_refuse(tmp_path_factory.getbasetemp() / "mistakes.yaml", text)


@settings(max_examples=30)
@given(text=mutated_values())
def test_a_study_with_other_values_is_read_or_refused(tmp_path_factory, text):
    read_or_refuse(tmp_path_factory.getbasetemp() / "mistakes.yaml", text)
