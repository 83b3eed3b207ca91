"""The rehearsal is the paper's study, smaller, on stand-ins that its own readers read."""

from pathlib import Path

import pytest

from entrec.data.stand_in import MARKER
from entrec.errors import UserError
from entrec.pipeline.rehearsal import SMALLER, merged, rehearse
from entrec.study import load_study
from entrec.yaml_reader import read_yaml

PAPER = Path("params/paper.yaml")


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory):
    return load_study(rehearse(PAPER, tmp_path_factory.mktemp("folder") / "rehearsal"))


def test_everything_that_takes_a_code_path_is_the_papers(rehearsal):
    paper = load_study(PAPER)
    for same in ("network", "views", "local_views", "methods", "dataset"):
        assert getattr(rehearsal, same) == getattr(paper, same), same
    assert rehearsal.evaluation.transfer.datasets == paper.evaluation.transfer.datasets
    assert rehearsal.training.precision == "float32"  # a CPU emulates the study's bfloat16
    for name, dataset in paper.datasets.items():
        ours = rehearsal.datasets[name]
        for same in ("source", "size", "short_side", "metric", "test", "broken"):
            assert getattr(ours, same) == getattr(dataset, same), (name, same)
        assert (ours.validation == 0) == (dataset.validation == 0)  # official splits stay official


def test_it_has_a_sweep_and_more_than_one_process_and_chunk(rehearsal):
    assert len(rehearsal.batch_sizes) > 1
    assert rehearsal.asked("pretrain").processes > 1
    assert rehearsal.batch_sizes[0] // rehearsal.asked("pretrain").processes > rehearsal.training.chunk


def test_its_raw_data_lies_beside_it_and_is_marked_as_a_stand_in(rehearsal):
    for dataset in rehearsal.datasets.values():
        folder = Path(dataset.path)
        assert folder.parent.name == "raw"
        assert (folder / MARKER).is_file()


def test_a_source_without_a_stand_in_is_named(tmp_path):
    with pytest.raises(UserError, match=r"datasets.digits: 'digits' has no stand-in; sources that have: cifar10, "):
        rehearse(Path("params/demo.yaml"), tmp_path / "rehearsal")


def test_a_key_that_the_study_does_not_have_is_named():
    with pytest.raises(UserError, match=rf"^{SMALLER}: training.chnuk: not a key of the rehearsed study"):
        merged({"epochs": [1], "training": {"chunk": 4}}, {"epochs": [2], "training": {"chnuk": 1}})


def test_mappings_are_merged_and_everything_else_is_replaced():
    assert merged({"a": {"b": 1, "c": [1, 2]}, "d": 3}, {"a": {"c": [5]}}) == {"a": {"b": 1, "c": [5]}, "d": 3}


def test_what_is_made_smaller_is_smaller():
    smaller, paper = read_yaml(SMALLER)["study"], read_yaml(PAPER)
    assert max(smaller["batch_sizes"]) < min(paper["batch_sizes"])
    assert max(smaller["epochs"]) < min(paper["epochs"])
