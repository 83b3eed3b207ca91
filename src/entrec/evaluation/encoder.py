"""Loading the pretrained backbone of a run."""

from pathlib import Path

from torch import nn

from entrec.errors import UserError
from entrec.methods import METHODS
from entrec.networks import load_backbone
from entrec.paths import RunFolder
from entrec.results import RunResults
from entrec.runs import Run
from entrec.study import Study, pretrain_keys


def load_encoder(study: Study, run: Run, path: Path) -> nn.Module:
    """Return the backbone of `run`, built as its method builds it, with the weights of `path`.

    Raises `UserError` unless run.json beside `path` is that of the run and names this file, and as `load_backbone`.
    """
    pretrained_on = study.datasets[study.dataset]
    return load_backbone(
        results_beside(study, run, path).encoder(),
        study.network,
        channels=pretrained_on.channels,
        size=pretrained_on.size,
        build=METHODS[run.method].load().make_backbone,
    )


def results_beside(study: Study, run: Run, encoder: Path) -> RunResults:
    """Return the results of `run` in the folder of its `encoder`.

    Raises `UserError` for a file of another name, and for a run that was pretrained with other settings than today's.
    """
    folder = RunFolder(encoder.parent)
    if encoder != folder.encoder:
        raise UserError(f"{encoder}: not an encoder; give {folder.encoder.name} in the folder of its run")
    results = RunResults(study.name, str(run), folder)
    todays = study.slice(pretrain_keys(study, run.method))
    results.require_settings(folder.description, results.pretraining, todays)
    return results
