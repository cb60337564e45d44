"""What Sage says of knowledge."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {}
"""By a name of ours: the text in Chinese, and in English."""
