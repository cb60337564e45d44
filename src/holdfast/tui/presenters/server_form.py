"""The form in which a new MCP server is described, and what was filled in as a server."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.tui.presenters.forms.fields import Form, form_of
from holdfast.tui.presenters.servers import Transport

_NAME = {
    "type": "string",
    "description": "Small letters, digits, - and _: tools are called mcp__NAME__TOOL.",
    "maxLength": 32,
}
KEPT = ("name", "trusted", "timeout_s", "url", "confine", "sampling")
"""Fields whose values are a server's as they are."""
SECRETS = "`${secret:NAME}` stands for a secret, which is asked for afterwards."
_MORE = {
    "trusted": {
        "type": "boolean",
        "default": False,
        "description": "Whether a tool that says it only reads needs no approval.",
    },
    "sampling": {
        "enum": ["ask", "deny", "allow"],
        "default": "ask",
        "description": "What becomes of it when the server asks for an answer of the run's model.",
    },
    "timeout_s": {"type": "number", "default": 60, "description": "Longest time of one call, in seconds."},
}
_PROGRAM = {
    "name": _NAME,
    "command": {
        "type": "string",
        "description": "A program with its arguments, as in a shell: npx -y some-server ~/notes",
    },
    "env": {
        "type": "string",
        "title": "environment",
        "description": f"NAME=VALUE, each in a line. {SECRETS}",
    },
    "cwd": {"type": "string", "title": "folder", "description": "Where it starts; else in your home."},
    "confine": {
        "type": "boolean",
        "description": "Whether it is confined as the commands of agents are. Neither: as the settings say.",
    },
    **_MORE,
}
_ADDRESS = {
    "name": _NAME,
    "url": {"type": "string", "title": "address", "description": "https://example.org/mcp"},
    "headers": {"type": "string", "description": f"NAME: VALUE, each in a line. {SECRETS}"},
    **_MORE,
}


def server_form(transport: Transport) -> Form:
    """Returns the form that a new server is described in."""
    known, way = (_PROGRAM, "command") if transport == "program" else (_ADDRESS, "url")
    return form_of({"properties": known, "required": ["name", way]})


def server_values(transport: Transport, filled: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Returns a server as `McpServerSpec` takes it, and by the form's fields what cannot be understood."""
    values = {key: value for key, value in filled.items() if key in KEPT}
    wrong: dict[str, str] = {}
    values["name"] = str(filled["name"]).strip()
    if transport == "program":
        try:
            values["command"] = tuple(shlex.split(filled["command"]))
        except ValueError as error:
            wrong["command"] = f"Cannot be taken apart: {error}."
        if cwd := str(filled.get("cwd", "")).strip():
            values["cwd"] = cwd
        values["env"], wrong["env"] = pairs(str(filled.get("env", "")), "=", "NAME=VALUE")
    else:
        values["sse"] = transport == "sse"
        values["headers"], wrong["headers"] = pairs(str(filled.get("headers", "")), ":", "NAME: VALUE")
    return values, {name: text for name, text in wrong.items() if text}


def pairs(text: str, between: str, written: str) -> tuple[dict[str, str], str]:
    """Returns what stands in lines, and what is wrong with the first that is no pair."""
    found = {}
    for one in filter(None, map(str.strip, text.split("\n"))):
        name, sign, value = one.partition(between)
        if not sign or not name.strip():
            return {}, f"{shorten(sanitize_line(one), 40)} is not written as {written}."
        found[name.strip()] = value.strip()
    return found, ""
