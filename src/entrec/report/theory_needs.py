"""Which results each table and figure of the theory page needs. Read by Snakemake: imports neither pandas nor torch."""

import re

from entrec.errors import UserError
from entrec.theory.registry import BOUNDS
from entrec.theory.study import SETTINGS, TheoryStudy

THEORY_TABLES = ("table_estimators_gaussian", "table_estimators_sphere", "table_estimators_rates")
THEORY_FIGURES = ("estimators_gaussian", "estimators_sphere", "estimators_rates")


def theory_needed(study: TheoryStudy, setting: str, name: str) -> list[str]:
    """Paths, relative to `results/theory/<setting>`, of the files that the table or figure `name` is made of."""
    if name not in THEORY_TABLES + THEORY_FIGURES:
        raise UserError(f"{name}: no such table or figure; allowed: {', '.join(THEORY_TABLES + THEORY_FIGURES)}")
    part = name.rsplit("_", 1)[1]
    return {"gaussian": gaussian_files, "sphere": sphere_files, "rates": rates_files}[part](study, setting)


def setting_pattern(study: TheoryStudy) -> str:
    """A regular expression of settings, each only before a result of its own: `quick` or `full` of a path."""
    each = {
        name: gaussian_files(study, name) + sphere_files(study, name) + rates_files(study, name) for name in SETTINGS
    }
    return "|".join(f"{name}(?=/(?:{'|'.join(map(re.escape, files))})$)" for name, files in each.items())


def gaussian_files(study: TheoryStudy, setting: str) -> list[str]:
    """One per bound and seed, in the order of the tables."""
    seeds = study.setting(setting).estimators.gaussian.seeds
    return [f"gaussian/{bound}-s{seed}.json" for bound in BOUNDS for seed in seeds]


def sphere_files(study: TheoryStudy, setting: str) -> list[str]:
    """One per dimension."""
    return [f"sphere/d{dimension}.json" for dimension in study.setting(setting).estimators.sphere.kappa]


def rates_files(study: TheoryStudy, setting: str) -> list[str]:
    """One per case."""
    return [f"rates/{case}.json" for case in study.setting(setting).estimators.rates.cases]
