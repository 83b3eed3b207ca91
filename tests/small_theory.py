"""The theory study cut down to seconds, with every bound, case, row and method of its quick setting."""

from dataclasses import replace
from pathlib import Path

from entrec.theory.study import Setting, load_theory


def small_setting(*, gpus: int = 0) -> Setting:
    """Return the quick setting with few steps, pairs and repeats; each of its steps asks for so many `gpus`."""
    study = load_theory(Path("params/theory.yaml"))
    quick = study.quick
    estimators, latent, content = quick.estimators, quick.latent_recovery, quick.content_isolation
    cases = {name: replace(case, fit_from=64) for name, case in estimators.rates.cases.items()}
    estimators = replace(
        estimators,
        gaussian=replace(estimators.gaussian, information=(0.5, 2.0), steps=10, trace_block=5, evaluation_batches=2),
        sphere=replace(estimators.sphere, kappa={10: (5.0, 20.0)}, samples=(64, 256), repeats=(3, 2)),
        rates=replace(estimators.rates, samples=(64, 128, 256, 512), repeats=(8, 8, 4, 4), cases=cases),
    )
    shared = {
        "network": replace(latent.network, draws=50, hidden=(32,)),
        "training": replace(latent.training, batch_size=128, steps=6, trace_every=3, trace_points=160),
        "points": 160,
    }
    rows = {name: replace(row, steps=None) for name, row in latent.rows.items()}
    small = replace(
        quick,
        estimators=estimators,
        latent_recovery=replace(latent, **shared, scatter=7, rows=rows),
        content_isolation=replace(content, **shared),
        resources={step: replace(asked, gpus=gpus) for step, asked in quick.resources.items()},
    )
    return replace(study, quick=small).setting("quick")
