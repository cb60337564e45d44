"""JSON and notebooks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from holdfast.core.knowledge.parsing.decoding import clean, decode
from holdfast.core.knowledge.parsing.formats.markdown import first_heading
from holdfast.core.knowledge.parsing.model import Extract, Style

DENSE_LINE = 2_000
"""Characters of an average line from which JSON was not written for people."""
MAX_LAID_OUT = 16 * 2**20
"""Characters of JSON that are laid out anew; as objects they take many times their size."""


def extract_json(data: bytes) -> Extract:
    """Returns JSON as it stands; what has no lines is laid out in lines first."""
    text = clean(decode(data))
    if len(text) <= MAX_LAID_OUT and len(text) > DENSE_LINE * (text.count("\n") + 1):
        value = _loaded(text)
        if value is not None:
            return Extract(clean(json.dumps(value, indent=1, ensure_ascii=False)), Style.LINES)
    return Extract(text, Style.LINES, has_lines=True)


def extract_notebook(data: bytes) -> Extract:
    """Returns the cells of a notebook as Markdown, with the text that they put out."""
    text = clean(decode(data))
    value = _loaded(text)
    if not isinstance(value, dict) or not isinstance(value.get("cells"), list):
        return Extract(text, Style.LINES, has_lines=True)
    cells = clean("\n\n".join(part for cell in value["cells"] for part in _cell(cell) if part.strip()))
    return Extract(cells, Style.MARKDOWN, title=first_heading(cells))


def _loaded(text: str) -> Any:
    """Returns the value; None for what is no JSON, or so deep that nobody can follow it."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _cell(cell: Any) -> Iterator[str]:
    if not isinstance(cell, dict):
        return
    source = _lines(cell.get("source"))
    if cell.get("cell_type") != "code":
        yield source
        return
    yield f"```\n{source}\n```"
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else []:
        if isinstance(output, dict):
            rich = output.get("data")
            plain = rich.get("text/plain") if isinstance(rich, dict) else output.get("text")
            yield _lines(plain)


def _lines(value: Any) -> str:
    if isinstance(value, list):
        return "".join(v for v in value if isinstance(v, str))
    return value if isinstance(value, str) else ""
