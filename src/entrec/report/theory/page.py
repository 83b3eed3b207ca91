"""The page of the theory studies: a notebook run, exported and framed like the pages of the other studies."""

from pathlib import Path
from typing import Any

from entrec.artefacts import write_text
from entrec.report.notebooks import execute, jupyter_home, to_html
from entrec.report.page import computing_time, fill, notices, own
from entrec.report.records import existing
from entrec.report.theory.figures import FIGURES
from entrec.report.theory.names import hidden_of, listed, number, quantity, steps_of
from entrec.report.theory.origins import TheoryOrigin, theory_origins
from entrec.report.theory.tables import TABLES
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
    parts = [*(f"tables/{name}.{kind}" for name in TABLES for kind in ("csv", "html")),
             *(f"figures/{name}.svg" for name in FIGURES)]  # fmt: skip
    for part in parts:
        existing(output / part, f"snakemake reports/theory/{setting}/{part}")
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
    """Return the facts under the title: (name, value)."""
    gaussian, sphere, rates = setting.estimators.gaussian, setting.estimators.sphere, setting.estimators.rates
    concentrations = (f"d = {d} with κ = {', '.join(map(number, kappas))}" for d, kappas in sphere.kappa.items())
    return [
        ("Setting", f"{setting} (params/theory.yaml)"),
        ("Latents", _trained(setting.latent_recovery, LATENT_RECOVERY_METHODS)),
        ("Content", _trained(setting.content_isolation, CONTENT_ISOLATION_METHODS)),
        (
            "Gaussians",
            f"{len(BOUNDS)} bounds; {gaussian.dimension} dimensions, batches of {gaussian.batch_size}, true "
            f"information of {', '.join(map(number, gaussian.information))} nats, {gaussian.steps} steps per value, "
            f"{gaussian.critic} critic, {quantity(len(gaussian.seeds), 'seed')}",
        ),
        ("Sphere", f"{'; '.join(concentrations)}; k = {listed(sphere.samples)}"),
        ("Rates", f"{quantity(len(rates.cases), 'case')}; k = {listed(rates.samples)}"),
        ("Computing time", computing_time(found)),
    ]


def _trained(own: LatentRecovery | ContentIsolation, methods: tuple[str, ...]) -> str:
    """Return for instance `4 set-ups by 4 methods; …, 1000 steps in batches of 512, 3 seeds`."""
    return (
        f"{quantity(len(own.rows), 'set-up')} by {len(methods)} methods; {own.dimension} dimensions, hidden layers of "
        f"{hidden_of(own)} units, {steps_of(own)} steps in batches of {own.training.batch_size}, "
        f"{quantity(len(own.seeds), 'seed')}"
    )


def _fingerprint() -> str:
    from entrec.provenance import fingerprint  # imports torch

    return fingerprint("theory")
