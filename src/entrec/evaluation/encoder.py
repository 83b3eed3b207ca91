"""The backbone that a run left behind, built as its method builds it."""

from pathlib import Path

from torch import nn

from entrec.methods import METHODS
from entrec.networks import load_backbone
from entrec.runs import Run
from entrec.study import Study


def load_encoder(study: Study, run: Run, path: Path) -> nn.Module:
    """The backbone of `run` with the weights of `path`; raises `UserError` as `load_backbone` does."""
    pretrained_on = study.datasets[study.dataset]
    return load_backbone(
        path,
        study.network,
        channels=pretrained_on.channels,
        size=pretrained_on.size,
        build=METHODS[run.method].load().make_backbone,
    )
