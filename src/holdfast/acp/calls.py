"""What an editor is told of a tool call before it is made: its kind, its title, the file it is about."""

from __future__ import annotations

from typing import Any

from acp.schema import ToolCallLocation, ToolKind

from holdfast.acp.content import whole_path
from holdfast.core.domain.tools import line_of

KINDS: dict[str, ToolKind] = {
    "read_file": "read",
    "list_files": "read",
    "read_document": "read",
    "analyse_documents": "read",
    "search_files": "search",
    "search_knowledge": "search",
    "search_memory": "search",
    "write_file": "edit",
    "edit_file": "edit",
    "run_command": "execute",
    "run_python": "execute",
    "run_javascript": "execute",
    "fetch_url": "fetch",
    "web_scrape": "fetch",
    "http_request": "fetch",
    "web_search": "search",
    "sql_query": "read",
    "sql_write": "edit",
    "update_plan": "think",
}
"""The kind of each built-in tool that has one; it decides nothing but the sign that is shown."""

_TITLE = 160


def kind_of(tool: str) -> ToolKind:
    """Returns the kind of a tool; `other` for what is not built in."""
    return KINDS.get(tool, "other")


def title_of(tool: str, arguments: dict[str, Any]) -> str:
    """Returns the tool and what it is used on, in one line."""
    return line_of(tool, arguments, _TITLE)


def location_of(tool: str, arguments: dict[str, Any], workspace: str) -> list[ToolCallLocation]:
    """Returns the file that the arguments name, for an editor that follows along."""
    path, line = arguments.get("path"), arguments.get("offset")
    if not isinstance(path, str) or not path:
        return []
    at = line if tool == "read_file" and isinstance(line, int) and line > 0 else None
    return [ToolCallLocation(path=whole_path(path, workspace), line=at)]
