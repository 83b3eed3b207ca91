"""Paths of results: relative to the repository's root, and apart from one another."""

from pathlib import Path

from entrec.paths import DatasetFolder, RunFolder, StudyPaths, TheoryPaths, run_folder
from entrec.runs import Run

RUN = Run("simclr", 64, 2, 0)


def test_a_run_is_found_by_its_name_and_by_itself():
    paths = StudyPaths("demo")
    assert paths.run(RUN) == paths.run("simclr-b64-e2-s0") == run_folder(Path("results/demo"), RUN)
    assert paths.run(RUN).transfer("faces") == Path("results/demo/simclr-b64-e2-s0/transfer/faces.json")


def test_a_wildcard_stays_in_a_path():
    assert str(StudyPaths("demo").run("{run}").encoder) == "results/demo/{run}/encoder.safetensors"
    assert (
        str(TheoryPaths("{setting}").results.sphere("{dimension}"))
        == "results/theory/{setting}/sphere/d{dimension}.json"
    )


def test_no_two_files_of_a_folder_are_one():
    for kind, count in {DatasetFolder: 6, RunFolder: 5}.items():
        names = [entry.name for entry in vars(kind).values() if hasattr(entry, "name")]
        assert len(names) == len(set(names)) == count
