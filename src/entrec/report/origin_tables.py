"""The page's section on provenance, and the CSV with every digest in full."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from markupsafe import Markup

from entrec.artefacts import write_csv
from entrec.report.markup import grid, joined
from entrec.report.mean_sd import NOTHING
from entrec.report.origins import Environment, Origin
from entrec.runs import Run

SHORT = 8  # digits of a digest that the page shows; the CSV has all of them


class Made(Protocol):
    """A file of results, of whatever study, that knows what made it."""

    @property
    def environment(self) -> Environment:
        """Code, machine and versions."""


T = TypeVar("T", bound=Made)


def provenance_fragment(found: list[Origin], *, fingerprint: str | None) -> Markup:
    """Environments, then one row per run. `fingerprint` is today's code; None leaves the comparison out."""
    names = letters(found)
    return joined(
        [
            environments_fragment(found, fingerprint=fingerprint),
            Markup('<h3 id="runs">Runs</h3>'),
            grid(
                ["run", "seed", "steps", "speed", "pretrain", "evaluate", "transfer", "peak", "chosen", "data", "made"],
                [_run_row(origins, names, fingerprint) for origins in by_run(found).values()],
                label="Runs",
                details=["", "", "", "images/s", "s", "s", "s", "MB", "L2", "checksum", "in"],
            ),
        ]
    )


def write_provenance(found: list[Origin], path: Path, *, fingerprint: str | None) -> None:
    """One line per file of results, with everything that was recorded about its making."""
    write_csv(path, (_csv_row(origin, fingerprint) for origin in found))


def letters(found: Sequence[Made]) -> dict[Environment, str]:
    """A letter for every environment, in order of appearance."""
    return {environment: _letter(i) for i, environment in enumerate(dict.fromkeys(o.environment for o in found))}


def environments_fragment(found: Sequence[Made], *, fingerprint: str | None) -> Markup:
    """The environments that made some files, with their letters."""
    head = ["", "commit", "code", "device", "processor", "threads", "versions", "files"]
    rows = [_environment_row(letter, e, found, fingerprint) for e, letter in letters(found).items()]
    return Markup('<h3 id="environments">Environments</h3>\n{}').format(
        grid(head, rows, label="Environments", numbers=False)
    )


def marked(origin: Made, names: dict[Environment, str], fingerprint: str | None) -> str:
    """The letter of the origin's environment, with † where its code is not today's."""
    return names[origin.environment] + ("†" if made_by_other_code([origin], fingerprint) else "")


def made_by_other_code(found: Iterable[T], fingerprint: str | None) -> list[T]:
    """The origins whose code differs from today's; none when today's is not known."""
    return [o for o in found if fingerprint is not None and o.environment.code != fingerprint]


def by_run(found: Iterable[Origin]) -> dict[Run, list[Origin]]:
    """The origins of each run, in order."""
    runs: dict[Run, list[Origin]] = {}
    for origin in found:
        runs.setdefault(origin.run, []).append(origin)
    return runs


def duration(seconds: float) -> str:
    """`42 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _environment_row(name: str, environment: Environment, found: Sequence[Made], fingerprint: str | None) -> list[str]:
    commit = environment.commit[:SHORT] if environment.commit else "not in git"
    state = {True: " (today’s)", False: " (other code than today’s †)"}
    known = "" if fingerprint is None else state[environment.code == fingerprint]
    return [
        name,
        commit + (" with uncommitted changes" if environment.dirty else ""),
        environment.code[:SHORT] + known,
        environment.gpu or environment.device,
        f"{environment.cpu} ({environment.machine})",
        str(environment.threads),
        environment.versions,
        str(sum(origin.environment == environment for origin in found)),
    ]


def _run_row(found: list[Origin], names: dict[Environment, str], fingerprint: str | None) -> list[str]:
    pretrain, evaluate, *transfers = found
    marks = [marked(origin, names, fingerprint) for origin in found]
    speed = pretrain.images_per_second
    return [
        str(pretrain.run),
        str(pretrain.seed),
        str(pretrain.steps),
        NOTHING if speed is None else f"{speed:.0f}",
        f"{pretrain.seconds:.1f}",
        f"{evaluate.seconds:.1f}",
        f"{sum(origin.seconds for origin in transfers):.1f}" if transfers else NOTHING,
        f"{max(origin.peak_memory_mb for origin in found):.0f}",
        evaluate.chosen.removeprefix("L2 "),
        pretrain.checksum[:SHORT],
        ", ".join(dict.fromkeys(marks)),
    ]


def _csv_row(origin: Origin, fingerprint: str | None) -> dict[str, object]:
    other = "" if fingerprint is None else str(bool(made_by_other_code([origin], fingerprint))).lower()
    plain = {key: value for key, value in vars(origin).items() if key != "environment"}
    return {**plain, **vars(origin.environment), "other_code": other}


def _letter(index: int) -> str:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return letters[index] if index < len(letters) else f"Z{index - len(letters) + 1}"
