"""Images of the user's that change: Snakemake and DVC both prepare the dataset again, and only then."""

import shutil

import numpy as np
import pytest
import yaml
from PIL import Image
from tests.workflow.conftest import UP_TO_DATE

from entrec.yaml_reader import read_yaml

pytestmark = pytest.mark.workflow
CARD, STAGE = "data/own/own/card.json", "dvc/own/dvc.yaml:prepare_own"


@pytest.fixture
def own(clone):
    """The clone with a study of twelve images of its own, prepared and recorded."""
    draw = np.random.default_rng(0)
    for number in range(12):
        folder = clone.folder / "data/raw/own" / ("cat", "dog/deep")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw.integers(0, 256, (9, 9), dtype=np.uint8)).save(folder / f"{number}.png")
    study = read_yaml(clone.folder / "params/demo.yaml")
    entry = {"source": "folder", "path": "data/raw/own", "size": 8, "validation": 0.2, "test": 0.2}
    study["datasets"] = {"own": {**study["datasets"][study["dataset"]], **entry}}
    study["dataset"] = "own"
    study["evaluation"]["transfer"]["datasets"] = []
    (clone.folder / "params/own.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    clone.succeed("python", "-m", "entrec", "dvc", "--study", "params/own.yaml", "--output", "dvc/own/dvc.yaml")
    clone.succeed("snakemake", CARD, "--configfile", "params/own.yaml")
    clone.succeed("dvc", "commit", "--force", STAGE)
    yield clone
    for left in ("dvc/own", "data/raw/own", "data/own"):  # other tests record all stages of the clone
        shutil.rmtree(clone.folder / left)
    (clone.folder / "params/own.yaml").unlink()


def test_both_tools_see_an_image_that_changes_and_none_that_is_touched(own):
    def plan():
        return own.succeed("snakemake", "-n", CARD, "--configfile", "params/own.yaml")

    image = own.folder / "data/raw/own/dog/deep/1.png"
    before, card = image.read_bytes(), (own.folder / CARD).read_bytes()
    for path in (own.folder / "data/raw/own").rglob("*"):
        path.touch()
    assert "Nothing to be done" in plan()
    assert UP_TO_DATE in own.succeed("dvc", "status", STAGE)

    image.write_bytes((own.folder / "data/raw/own/cat/0.png").read_bytes())
    changed = plan()
    assert "data/raw/own: 1 altered (dog/deep/1.png) since data/own/own was prepared" in changed
    assert "prepare own" in changed
    assert "data/raw/own" in own.succeed("dvc", "status", STAGE)

    image.write_bytes(before)
    assert "Nothing to be done" in plan()
    assert UP_TO_DATE in own.succeed("dvc", "status", STAGE)

    image.unlink()
    own.succeed("dvc", "repro", STAGE)
    assert (own.folder / CARD).read_bytes() != card
    assert "Nothing to be done" in plan()
    assert UP_TO_DATE in own.succeed("dvc", "status", STAGE)


def test_a_class_without_images_ends_snakemake_in_one_line_and_the_prepared_dataset_stays(own):
    (own.folder / "data/raw/own/bird").mkdir()
    card, line = (own.folder / CARD).read_bytes(), "data/raw/own/bird: no images; add some or remove this class"
    assert own.fail("snakemake", CARD, "--configfile", "params/own.yaml").splitlines()[-1] == f"entrec: {line}"
    assert line in own.fail("python", "-m", "entrec", "verify", "params/own.yaml")
    assert (own.folder / CARD).read_bytes() == card
    assert UP_TO_DATE in own.succeed("dvc", "status", STAGE)  # which sees no folder without files
