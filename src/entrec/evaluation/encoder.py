"""Loading the pretrained backbone of a run."""

from pathlib import Path

from torch import nn

from entrec.methods import METHODS
from entrec.networks import load_backbone
from entrec.runs import Run
from entrec.study import Study


def load_encoder(study: Study, run: Run, path: Path) -> nn.Module:
    """Return the backbone of `run` with the weights of `path`, built as its method builds it.

    Raises `UserError` as `load_backbone` does.
    """
    pretrained_on = study.datasets[study.dataset]
    return load_backbone(
        path,
        study.network,
        channels=pretrained_on.channels,
        size=pretrained_on.size,
        build=METHODS[run.method].load().make_backbone,
    )
