"""Markdown, so that every page is written alike."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence

MARK = "<!-- Made from the code by tests/docs/generate.py; edit the code, not this file. -->"


def page(title: str, *parts: str) -> str:
    """Returns a whole page of `parts`, which are paragraphs, tables or lists; empty ones are left out."""
    return "\n\n".join([f"# {title}", MARK, *(part.strip("\n") for part in parts if part.strip())]) + "\n"


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table; columns that are empty in every row are left out. Empty when there are no rows."""
    found = [[cell(text) for text in row] for row in rows]
    used = [at for at in range(len(headers)) if any(row[at] for row in found)]
    lines = [[headers[at] for at in used], ["---"] * len(used), *([row[at] for at in used] for row in found)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) if used else ""


def cell(text: str) -> str:
    """Returns `text` as it can stand in a table: on one line, and a star is a star."""
    pieces = re.split(r"(`[^`]*`)", " ".join(text.split()).replace("|", "\\|"))
    return "".join(p if p.startswith("`") else p.replace("*", "\\*").replace("<", "&lt;") for p in pieces)


def code(text: str) -> str:
    """Returns `text` as code; empty stays empty."""
    return f"`{text}`" if text else ""


def fenced(text: str, language: str = "text") -> str:
    """Returns a block of code."""
    return f"```{language}\n{text.strip(chr(10))}\n```"


def docstring(thing: object) -> str:
    """Returns the docstring of `thing` itself as Markdown, indented paragraphs as code; empty without one."""
    text = thing.__doc__ or ""
    blocks = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(_block(block) for block in blocks)


def summary(thing: object) -> str:
    """Returns the first sentence or paragraph of a docstring, on one line."""
    return " ".join(inspect.cleandoc(thing.__doc__ or "").split("\n\n")[0].split())


def _block(block: str) -> str:
    lines = block.split("\n")
    if all(line.startswith("    ") for line in lines if line):
        return fenced("\n".join(line[4:] for line in lines))
    return " ".join(lines) if not any(line.startswith(("- ", "  ", "1. ")) for line in lines) else block
