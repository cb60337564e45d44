"""Pages of the web as text: HTML is turned into Markdown in a process of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from holdfast.core.domain.errors import ToolError
from holdfast.core.domain.media import is_text
from holdfast.core.domain.processes import Ending, ProcessRunner, ProcessSpec, Reach
from holdfast.core.domain.tools import ToolContext
from holdfast.core.tools.web import WebPage

MAX_BYTES = 5 * 2**20
"""Of a page; the rest is not read."""
_CONVERT_S = 20.0
_CONVERTER = str(Path(__file__).with_name("builtin") / "html_main.py")
_KEEP_CHARS = 4 * MAX_BYTES
_TEXT_TYPES = ("json", "xml", "javascript", "yaml", "toml", "x-sh", "x-www-form-urlencoded")


def is_html(page: WebPage) -> bool:
    """Says whether the server calls it HTML."""
    return page.content_type in ("text/html", "application/xhtml+xml")


def is_readable(page: WebPage) -> bool:
    """Says whether it is text of some kind."""
    kind = page.content_type
    if kind.startswith("text/") or kind.rsplit("/", 1)[-1].rsplit("+", 1)[-1] in _TEXT_TYPES:
        return True
    return kind in ("", "application/octet-stream") and is_text(page.data)


def decoded(page: WebPage) -> str:
    """Returns the text of a page; what its charset does not allow is replaced."""
    try:
        return page.data.decode(page.charset or "utf-8", errors="replace")
    except LookupError:  # a charset that does not exist
        return page.data.decode(errors="replace")


async def markdown(
    page: WebPage, context: ToolContext, processes: ProcessRunner, wanted: Mapping[str, Any] | None = None
) -> str:
    """Returns HTML as Markdown; `wanted` is what `html_main.py` takes. Raises `ToolError`.

    In a process of its own: a hostile page can keep a parser busy for ever.
    """
    options = (json.dumps(wanted),) if wanted else ()
    spec = ProcessSpec(
        command=(sys.executable, "-I", "-X", "utf8", _CONVERTER, page.charset or "", *options),
        cwd=context.workspace.root,
        environment=context.environment,
        timeout_s=_CONVERT_S,
        stdin=page.data or b"\n",
        keep_chars=_KEEP_CHARS,
        reach=Reach(),
    )
    result = await processes.run(spec)
    if result.ending is not Ending.EXITED or result.exit_code != 0:
        raise ToolError(f"The page at {page.address} cannot be turned into text.")
    return result.head + result.tail
