"""The page of the theory studies: a notebook run, exported and framed like the pages of the other studies."""

from pathlib import Path
from typing import Any

from entrec.artefacts import write_text
from entrec.pipeline.theory_inputs import THEORY_FIGURES, THEORY_TABLES
from entrec.report.notebooks import execute, jupyter_home, to_html
from entrec.report.page import computing_time, fill, notices, own
from entrec.report.records import existing
from entrec.report.theory.names import listed, number, quantity, steps_of
from entrec.report.theory.origins import TheoryOrigin, theory_origins
from entrec.theory.registry import BOUNDS
from entrec.theory.settings.identifiability import (
    CONTENT_ISOLATION_METHODS,
    LATENT_RECOVERY_METHODS,
    ContentIsolation,
    LatentRecovery,
)
from entrec.theory.study import Setting, load_theory

NOTEBOOK = "theory"


def render_theory(
    study_path: Path,
    setting_name: str,
    *,
    results: Path,
    output: Path,
    pages: Path = Path("reports"),
    fingerprint: str | None = None,
) -> None:
    """Write `output`/index.html, with its executed notebook and provenance.csv beside it.

    `results` is `results/theory/<setting>` and `output` is `reports/theory/<setting>`, whose `tables/` and
    `figures/` exist already. `pages` holds templates and notebooks; `fingerprint` is today's code, by default
    this package's. Raises `UserError` naming the first file that is missing or damaged.
    """
    setting = load_theory(study_path).setting(setting_name)
    for folder, names in (("tables", THEORY_TABLES), ("figures", THEORY_FIGURES)):
        for name in names:
            path = f"{folder}/{name}.csv"
            existing(output / path, f"snakemake reports/theory/{setting}/{path}")
    found = theory_origins(setting, results)
    today = fingerprint or _fingerprint()
    parameters = {
        "study": str(study_path),
        "setting": setting.name,
        "results": str(results),
        "tables": str(output / "tables"),
        "figures": str(output / "figures"),
        "provenance": str(output / "provenance.csv"),
        "fingerprint": today,
    }
    executed = output / "notebooks" / f"{NOTEBOOK}.ipynb"
    with jupyter_home():
        execute(own(pages / "notebooks" / f"{NOTEBOOK}.ipynb"), parameters, executed)
    context: dict[str, Any] = {
        "study": setting.study,
        "setting": setting,
        "contents": ["run", "claims", "latents", "content", "gaussians", "sphere", "rates", "provenance"],
        "summary": _summary(setting, found),
        "notices": notices(found, today),
        "fragments": {NOTEBOOK: to_html(executed)},
    }
    write_text(output / "index.html", fill("theory.html.j2", context, pages=pages))


def _summary(setting: Setting, found: list[TheoryOrigin]) -> list[tuple[str, str]]:
    """The facts under the title: (name, value)."""
    own = setting.estimators
    gaussian, sphere, rates = own.gaussian, own.sphere, own.rates
    dimensions = "; ".join(f"d = {d} with κ = {', '.join(map(number, kappas))}" for d, kappas in sphere.kappa.items())
    return [
        ("Setting", f"{setting} (params/theory.yaml)"),
        ("Latents", _trained(len(setting.latent_recovery.rows), LATENT_RECOVERY_METHODS, setting.latent_recovery)),
        (
            "Content",
            _trained(len(setting.content_isolation.rows), CONTENT_ISOLATION_METHODS, setting.content_isolation),
        ),
        (
            "Gaussians",
            f"{len(BOUNDS)} bounds; {gaussian.dimension} dimensions, batches of {gaussian.batch_size}, "
            f"{', '.join(map(number, gaussian.information))} nats, {gaussian.steps} steps a level, {gaussian.critic} "
            f"critic, {quantity(len(gaussian.seeds), 'seed')}",
        ),
        ("Sphere", f"{dimensions}; k = {listed(list(sphere.samples))}"),
        ("Rates", f"{len(rates.cases)} cases; k = {listed(list(rates.samples))}"),
        ("Computing time", computing_time(found)),
    ]


def _trained(rows: int, methods: tuple[str, ...], own: LatentRecovery | ContentIsolation) -> str:
    """`4 set-ups by 4 methods; hidden layers of 128, 128; 1000 steps in batches of 512; 3 seeds`."""
    hidden = ", ".join(map(str, own.network.hidden))
    return (
        f"{quantity(rows, 'set-up')} by {len(methods)} methods; {own.dimension} dimensions, hidden layers of {hidden}, "
        f"{steps_of(own)} steps in batches of {own.training.batch_size}, {quantity(len(own.seeds), 'seed')}"
    )


def _fingerprint() -> str:
    from entrec.provenance import fingerprint  # imports torch

    return fingerprint("theory")
