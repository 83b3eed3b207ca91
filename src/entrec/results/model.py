"""What all result files have in common: strict fields, what a result was made from, and the circumstances beside it.

What a computation decides lies in the result. What merely happened while it ran lies in its circumstances, so that
whoever computes the same bits writes the same result.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from entrec.results.numbers import Count, Natural, NonNegative, Positive


class Section(BaseModel):
    """A part of a result file: it is frozen, has no unknown keys, and its numbers are finite."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]  # a SHA-256 in hexadecimal


class Sealed(Section):
    """A whole file. `digest` is that of everything else in it; the writer adds it, and the reader compares it."""

    digest: Digest = ""


class DataIdentity(Section):
    """The name of a prepared dataset and the digest of its card, which names the digests of all its files."""

    name: str
    checksum: str


class Hardware(Section):
    """The machine that made a result; `threads` are those of torch, `gpu` is null where none was used.

    `arithmetic` says how the CPU computed: `native` also where a study asks for `portable` and the processor has no
    AVX2.
    """

    cpu: str
    arithmetic: Literal["portable", "native"]
    gpu: str | None
    device: str
    threads: Natural
    machine: str


class MadeFrom(Section):
    """What decides a result, beside the code that computes it: parameters, data and seed.

    The file has no `dataset` where the data is synthetic: `params` and `seed` then define it completely.
    """

    params: dict[str, Any]
    dataset: DataIdentity | None = None
    seed: Count


class Result(Sealed):
    """A whole result file: what was computed, and what it was made from."""

    made_from: MadeFrom


class Circumstances(Sealed):
    """`NAME.circumstances.json`: what happened while the result `NAME.json` was computed.

    `result` is the digest of that result; the writer adds it. `commit` and `dirty` are null where git could not be
    asked. `code` joins fingerprints with `+` where a run was resumed by other code. `started` is UTC in ISO 8601,
    `seconds` is wall time. Only pretrainings have the number of `processes` and `images_per_second`, which is null
    where nothing was trained.
    """

    result: Digest = ""
    commit: str | None
    dirty: bool | None
    code: str
    versions: dict[str, str]
    hardware: Hardware
    started: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")]
    seconds: NonNegative
    peak_memory_mb: NonNegative
    processes: Natural | None = None
    images_per_second: Positive | None = None
