"""Between Sage's tools and ours. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import from_json

from holdfast.core.domain.errors import HoldfastError
from holdfast.core.domain.mcp import says, server_of
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.runs import ToolRun
from holdfast.core.domain.tools import ToolInfo
from holdfast.server.dialects.sage.errors import failure
from holdfast.server.dialects.sage.tool_names import our_tools
from holdfast.server.dialects.sage.wire_tools import Executed, Tool, Tools

_SOURCES = {"builtin": "基础工具", "custom": "自定义工具"}
"""Clients read the kind of a tool out of these texts, so they are the same in all languages."""
_LANGUAGES = ("zh", "en", "pt")
_RENAMED: Mapping[str, Mapping[str, str]] = {
    "file_read": {"file_path": "path"},
    "file_write": {"file_path": "path"},
    "fetch_webpages": {"urls": "url"},
    "search_memory": {"top_k": "limit"},
    "load_skill": {"skill_name": "skill"},
}
"""What Sage's tools call an argument, and what ours do. Others are alike or none of ours."""
_OF_CALLERS = ("session_id", "user_id")
"""What Sage's clients send along, and the server knows better."""


def tools(found: Iterable[ToolInfo], names: Mapping[str, str], user_id: str, kind: str | None) -> Tools:
    """Returns tools as they are listed, of one kind alone where it is given. `names` has what clients call
    each MCP server."""
    listed = [_tool(each, names, user_id) for each in found]
    return Tools(tools=[each for each in listed if not kind or each.type == kind])


def _tool(info: ToolInfo, names: Mapping[str, str], user_id: str) -> Tool:
    server = server_of(info.name)
    schema = {"type": "object", "properties": {}, **info.parameters}
    return Tool(
        name=info.name,
        description=info.description.removeprefix(says(server)) if server else info.description,
        parameters={name: _parameter(each) for name, each in schema["properties"].items()},
        required=list(schema.get("required", ())),
        input_schema=schema,
        type="mcp" if server else "basic",
        source=f"MCP Server: {names.get(server, server)}" if server else _SOURCES.get(info.source, ""),
        user_id="" if info.source == "builtin" else user_id,
        server_kind="external" if server else None,
    )


def _parameter(schema: Any) -> dict[str, Any]:
    said = dict(schema) if isinstance(schema, dict) else {}
    kinds = [one.get("type") for one in said.get("anyOf", ()) if isinstance(one, dict)]
    kind = said.get("type") or next((one for one in kinds if one not in (None, "null")), "string")
    description = str(said.get("description", ""))
    texts = dict.fromkeys(_LANGUAGES, description)
    return {**said, "type": kind, "description": description, "description_i18n": texts}


def called(name: str, given: Mapping[str, Any], known: Iterable[ToolInfo]) -> tuple[str, dict[str, Any]]:
    """Returns the tool that is meant by a name of Sage's or of ours, and its arguments."""
    schemas = {each.name: each.parameters.get("properties", {}) for each in known}
    ours = next((each for each in our_tools([name]) if each in schemas), name)
    fields = schemas.get(ours, given)
    renamed = _RENAMED.get(name, {})
    found = {
        key if key in fields else renamed.get(key, key): value
        for key, value in given.items()
        if key in fields or key not in _OF_CALLERS
    }
    match found.get("url"):
        case [str() as only] if "urls" in given:
            found["url"] = only
    return ours, found


def executed(run: ToolRun) -> Executed:
    """Returns what came of a call. Raises `InvalidError` for one that was not allowed."""
    text = "\n".join(part.text for part in run.content if isinstance(part, TextPart))
    if run.outcome == "denied":
        raise failure("tool_denied", reason=text)
    if run.outcome == "ok":
        parsed = _parsed(text)
        return _executed(text, parsed, parsed.get("content", parsed))
    return failed(text or (run.error.message if run.error else "") or f"The call was {run.outcome}.")


def failed(reason: str) -> Executed:
    """Returns the failure of a tool, which is no failure of the request."""
    parsed = {"success": False, "status": "error", "error": reason}
    return _executed(json.dumps(parsed, ensure_ascii=False), parsed, None)


def refused(error: HoldfastError) -> Executed:
    """Returns what is said of a call that could not be made: of arguments that do not fit it is the tool's
    own failure. Raises the error of all else."""
    if error.code == "invalid_arguments":
        return failed(error.message)
    if error.code in _NOT_THERE:
        raise failure("tool_not_found", detail=error.message)
    raise failure("tool_failed", detail=error.message)


_NOT_THERE = ("tool_not_found", "mcp_server_not_found")


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = from_json(text)
    except ValueError:
        found = text
    if isinstance(found, dict):
        return found
    return {"success": True, "status": "success", "content": found}


def _executed(text: str, parsed: dict[str, Any], content: Any) -> Executed:
    shown = text if content is None or not isinstance(content, str) else content
    return Executed(raw_text=text, parsed=parsed, content=content, formatted_text=shown, tool_response=text)
