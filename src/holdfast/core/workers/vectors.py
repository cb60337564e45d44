"""Vectors on their way between processes: float32 with the smallest byte first, row after row, in base64."""

from __future__ import annotations

import array
import base64
import itertools
import sys
from collections.abc import Sequence


def pack(vectors: Sequence[Sequence[float]]) -> str:
    """Returns vectors as text."""
    numbers = array.array("f", itertools.chain.from_iterable(vectors))
    if sys.byteorder == "big":
        numbers.byteswap()
    return base64.b64encode(numbers.tobytes()).decode()


def unpack(data: str, rows: int) -> list[list[float]]:
    """Returns the `rows` vectors that `pack` has written."""
    numbers = array.array("f", base64.b64decode(data))
    if sys.byteorder == "big":
        numbers.byteswap()
    width = len(numbers) // rows if rows else 0
    flat = numbers.tolist()
    return [flat[at : at + width] for at in range(0, len(flat), width)] if width else []
