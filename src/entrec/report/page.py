"""What the pages of all studies share: their frame, their notices, how long they took."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from entrec.errors import UserError
from entrec.report.origin_tables import duration, made_by_other_code
from entrec.report.origins import Environment


class Timed(Protocol):
    """A file of results with what made it, since when (ISO 8601, UTC) and for how many seconds."""

    @property
    def environment(self) -> Environment:
        """Code, machine and versions."""

    @property
    def started(self) -> str:
        """When its making began."""

    @property
    def seconds(self) -> float:
        """Wall time of its making."""


def fill(template: str, context: dict[str, Any], *, pages: Path) -> str:
    """The page that `template` in `pages`/templates makes of `context`; every text is escaped."""
    from jinja2 import Environment as Jinja
    from jinja2 import FileSystemLoader, StrictUndefined

    folder = own(pages / "templates" / template).parent
    jinja = Jinja(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return jinja.get_template(template).render(context)


def notices(found: Sequence[Timed], today: str) -> list[str]:
    """What a reader must know before any number."""
    told = []
    other = made_by_other_code(found, today)
    if other:
        told.append(
            f"{len(other)} of {len(found)} files of results were made by other code than today’s; they are marked † "
            "under Provenance. Numbers made by different code may not be comparable."
        )
    dirty = sum(origin.environment.dirty for origin in found)
    if dirty:
        told.append(f"{dirty} of {len(found)} files of results were made with uncommitted changes in the tree.")
    return told


def computing_time(found: Sequence[Timed]) -> str:
    """The sum of wall times, and the days on which the files were made."""
    days = sorted({origin.started[:10] for origin in found})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return f"{duration(sum(origin.seconds for origin in found))} in all, on {when} (UTC)"


def own(path: Path) -> Path:
    """`path` of this repository; raises `UserError` where it is missing."""
    if not path.is_file():
        raise UserError(f"{path}: missing; run from the repository's root, which holds reports/templates and notebooks")
    return path
