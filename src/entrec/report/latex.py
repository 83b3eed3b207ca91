"""A table for a paper: booktabs, every character escaped."""

from entrec.report.layout import Layout

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
    """`text` as LaTeX prints it."""
    return "".join(_ESCAPES.get(character, character) for character in text)


def latex_table(layout: Layout) -> str:
    """A `table` environment; the document needs `\\usepackage{booktabs}`."""
    columns = layout.columns
    lines = [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{escape(layout.caption)}}}",
        rf"  \label{{tab:{layout.name.replace('_', '-')}}}",
        rf"  \begin{{tabular}}{{l{''.join('l' if column.words else 'r' for column in columns)}}}",
        r"    \toprule",
        _row([layout.head, *(column.label for column in columns)]),
        _row(["", *(column.detail for column in columns)]),
        r"    \midrule",
        *(_row([title, *(column.cells.get(key, "") for column in columns)]) for key, title in layout.rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _row(cells: list[str]) -> str:
    return f"    {' & '.join(escape(cell) for cell in cells)} \\\\"
