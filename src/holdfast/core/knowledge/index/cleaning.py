"""Text that SQLite and JSON can hold: without NULs and halves of surrogate pairs, as long as before."""

from __future__ import annotations

import math
import re
from typing import Any

_BAD = re.compile("[\x00\ud800-\udfff]")
_INSTEAD = "\ufffd"


def clean(text: str) -> str:
    """Returns `text` with a replacement character for each that cannot be kept."""
    return _BAD.sub(_INSTEAD, text)


def clean_json(value: Any) -> Any:
    """Returns JSON data whose texts are clean, keys as well; what is no finite number is null."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {clean(str(key)): clean_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(item) for item in value]
    return value
