"""The numbers of result files: what was counted and measured has no upper limit, unlike the settings of a study."""

from typing import Annotated

from pydantic import Field

Natural = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
