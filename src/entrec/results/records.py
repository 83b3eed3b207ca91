"""The record of a table, a figure or a page, which lies beside it."""

from typing import Any

from entrec.results.model import Digest, Sealed


class Record(Sealed):
    """`NAME.json`: what a table, a figure or a page was made from.

    `params` are the settings that it shows, under dotted keys. `inputs` has the SHA-256 of everything that it was made
    from, by path below the root of the repository. `files` has the digest of each file that was made, by path below the
    folder of the record.
    """

    params: dict[str, Any]
    inputs: dict[str, Digest]
    files: dict[str, Digest]
