"""Names that are made of what people call things."""

from __future__ import annotations

import re
import unicodedata


def slug(text: str) -> str:
    """Returns the letters and digits of a text, small and of ASCII alone, with hyphens between words; empty
    where it has none."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
