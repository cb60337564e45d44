"""Which settings the code reads: what it does not read has no effect, and the page says so."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import holdfast

_IMPORT = re.compile(r"^\s*(?:from|import) .*$", re.MULTILINE)
_WITH_PROJECT = re.compile(r"\bload_settings\([^()]*(?:,[^(),]+,|project)[^()]*\)")


def is_read(path: tuple[str, ...]) -> bool:
    """Says whether some module reads the setting, by its own name or as part of its section."""
    if len(path) == 1:
        return re.search(rf"settings(?:\([^()]*\))?\.{path[0]}\b", _source()) is not None
    section, name = path
    return re.search(rf"\.{section}\b(?:\.{name}\b|(?!\.))", _source()) is not None


def reads_project_file() -> bool:
    """Says whether settings are loaded for a project anywhere."""
    return _WITH_PROJECT.search(_source()) is not None


@cache
def _source() -> str:
    root = Path(holdfast.__file__).parent
    texts = [
        path.read_text(encoding="utf-8")
        for path in sorted(root.rglob("*.py"))
        if not path.is_relative_to(root / "core" / "config")
    ]
    return "\n".join(_IMPORT.sub("", text) for text in texts)
