"""The old names of `table`, until the theory page uses the new ones."""

from entrec.report.table import Column as Column
from entrec.report.table import Table as Layout
from entrec.report.table import mean_sd_column as mean_sd_column
from entrec.report.table import seeds as seeds

__all__ = ["Column", "Layout", "mean_sd_column", "seeds"]
