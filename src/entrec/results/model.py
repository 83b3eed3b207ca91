"""What all result files have in common: strict fields, and the provenance of what was computed."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from entrec.results.numbers import Count, Natural, NonNegative


class Section(BaseModel):
    """A part of a result file: it is frozen, has no unknown keys, and its numbers are finite."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]  # a SHA-256 in hexadecimal

# Facts of a computation that differ when the same bits are computed again; `files.content_digest` leaves them out.
CIRCUMSTANCES = frozenset(
    {"commit", "dirty", "hardware", "started", "seconds", "peak_memory_mb", "images_per_second", "processes"}
)


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


class Provenance(Section):
    """What made a result: parameters, data, seed, code, versions, hardware, wall time and peak memory.

    The file has no `dataset` where the data is synthetic: `params` and `seed` then define it completely.
    `code` joins fingerprints with `+` where a run was resumed by other code. `started` is UTC in ISO 8601.
    """

    params: dict[str, Any]
    dataset: DataIdentity | None = None
    seed: Count
    commit: str | None
    dirty: bool | None
    code: str
    versions: dict[str, str]
    hardware: Hardware
    started: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")]
    seconds: NonNegative
    peak_memory_mb: NonNegative


class Result(Sealed):
    """A whole result file, with its provenance."""

    provenance: Provenance
