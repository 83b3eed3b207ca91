"""Stand-ins for official sets say so: a file of theirs lies in the folder of the makers' files.

It names the digests of files that makers' readers compare with the official ones (`entrec.standins` writes it).
"""

from pathlib import Path

from entrec.artefacts import read_json

MARKER = "stand-in.json"


def stand_in_digests(root: Path) -> dict[str, str] | None:
    """MD5 of a stand-in's files by name, or None for the makers' own set."""
    return read_json(root / MARKER)["md5"] if (root / MARKER).exists() else None


def origin_of(root: Path, origin: str) -> str:
    """What a card says of where the images come from."""
    return origin if stand_in_digests(root) is None else f"stand-in for {origin}: tiny, for rehearsals"
