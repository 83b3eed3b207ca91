"""A table for a paper, with booktabs; every character is escaped."""

from collections.abc import Iterable, Sequence

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "−": r"$-$",
    "Δ": r"$\Delta$",
    "κ": r"$\kappa$",
    "–": "--",
    "’": "'",
    "×": r"$\times$",
    "²": r"$^2$",
}


def escape(text: str) -> str:
    """Return `text` as LaTeX prints it."""
    return "".join(_ESCAPES.get(character, character) for character in text)


def latex_table(
    name: str, caption: str, alignment: str, heads: Iterable[Sequence[str]], rows: Iterable[Sequence[str]]
) -> str:
    """Return a `table` environment with lines of headings above the rows; it needs `\\usepackage{booktabs}`.

    `alignment` has one letter per column.
    """
    lines = [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{escape(caption)}}}",
        rf"  \label{{tab:{name.replace('_', '-')}}}",
        rf"  \begin{{tabular}}{{{alignment}}}",
        r"    \toprule",
        *map(_row, heads),
        r"    \midrule",
        *map(_row, rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"    {' & '.join(escape(cell) for cell in cells)} \\\\"
