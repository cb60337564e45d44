"""Markdown."""

from __future__ import annotations

import re

from holdfast.core.knowledge.parsing.decoding import clean, decode
from holdfast.core.knowledge.parsing.headings import headings_of
from holdfast.core.knowledge.parsing.model import Extract, Style

_TITLE = re.compile(r"^title:[ \t]*(\S[^\n]*)$", re.MULTILINE)


def extract_markdown(data: bytes) -> Extract:
    """Returns the text as it is; its title is that of the front matter, or the first heading of level 1."""
    text = clean(decode(data))
    return Extract(
        text, Style.MARKDOWN, title=_front_matter_title(text) or first_heading(text), has_lines=True
    )


def first_heading(text: str) -> str:
    """Returns the first heading of level 1 of a Markdown text, or nothing."""
    return next((h.title for h in headings_of(text, Style.MARKDOWN) if h.level == 1), "")


def _front_matter_title(text: str) -> str:
    if not text.startswith("---\n"):
        return ""
    end = text.find("\n---", 3, 65_536)
    found = _TITLE.search(text, 0, end) if end > 0 else None
    # Only this one line is looked at: a stranger's YAML is not loaded.
    return found[1].strip().strip("\"'") if found else ""
