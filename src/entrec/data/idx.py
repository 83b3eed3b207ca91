"""The IDX format of the MNIST family: big-endian header, then raw bytes, all gzipped."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from entrec.errors import UserError

UNSIGNED_BYTE = 0x08


def read_idx(path: Path, *, dimensions: int) -> NDArray[np.uint8]:
    """The array of unsigned bytes in a gzipped IDX file; raises `UserError` naming a damaged one."""
    try:
        content = gzip.decompress(path.read_bytes())
    except FileNotFoundError as error:
        raise UserError(f"{path}: missing; fetch the dataset again") from error
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: truncated or not gzip ({error}); delete it and fetch the dataset again") from error
    magic = bytes([0, 0, UNSIGNED_BYTE, dimensions])
    if content[:4] != magic:
        raise UserError(f"{path}: starts with {content[:4].hex()}, not IDX's {magic.hex()}; fetch the dataset again")
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise UserError(f"{path}: holds {len(content)} bytes of a header of {header}; fetch the dataset again")
    shape = [int(side) for side in np.frombuffer(content[4:header], dtype=">u4")]
    expected, found = math.prod(shape), len(content) - header
    if found != expected:
        raise UserError(f"{path}: holds {found} bytes of {expected} that shape {shape} needs; fetch the dataset again")
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)
