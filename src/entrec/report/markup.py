"""Fragments of HTML. Every value passes through markupsafe, so that a file's text is never markup."""

from collections.abc import Collection, Iterable, Sequence

from markupsafe import Markup, escape

from entrec.report.table import table_html as table_fragment

__all__ = ["grid", "joined", "table_fragment"]


def joined(parts: Iterable[str]) -> Markup:
    """The parts one after the other, each on its line; plain text among them is escaped."""
    return Markup("\n").join(parts)


def grid(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    label: str,
    numbers: bool = True,
    details: Sequence[str] | None = None,
    words: Collection[int] = (),
) -> Markup:
    """A table in a container that scrolls sideways; the first column heads the rows.

    `details` is a second line of headings; `numbers` aligns all but the first column to the right, save
    the columns whose places are in `words`.
    """
    top = joined(_head(head, details, words))
    body = joined(_body_row(row, words) for row in rows)
    return Markup(
        '<div class="scroll" role="region" tabindex="0" aria-label="{}"><table class="{}">\n'
        "<thead>\n{}\n</thead>\n<tbody>\n{}\n</tbody>\n</table></div>"
    ).format(label, "numbers" if numbers else "words", top, body)


def _head(head: Sequence[str], details: Sequence[str] | None, words: Collection[int]) -> list[Markup]:
    cells = [
        Markup('<th scope="col"{}>{}{}</th>').format(
            _class(place, words), text, Markup("<small>{}</small>").format(detail) if detail else ""
        )
        for place, (text, detail) in enumerate(zip(head, details or [""] * len(head), strict=True))
    ]
    return [Markup("<tr>{}</tr>").format(Markup("").join(cells))]


def _body_row(row: Sequence[str], words: Collection[int]) -> Markup:
    first, *rest = row
    cells = Markup("").join(
        Markup("<td{}>{}</td>").format(_class(place, words), escape(cell)) for place, cell in enumerate(rest, start=1)
    )
    return Markup('<tr><th scope="row">{}</th>{}</tr>').format(first, cells)


def _class(place: int, words: Collection[int]) -> Markup:
    return Markup(' class="text"') if place in words else Markup("")
