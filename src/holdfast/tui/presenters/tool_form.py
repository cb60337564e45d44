"""How a tool of one's own begins: the form of a request over HTTP, a function in Python; and its versions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from holdfast.core.config.tool_text import written
from holdfast.core.domain.custom_tools import HttpMethod, HttpToolSpec
from holdfast.core.domain.text import sanitize_line
from holdfast.tui.presenters.blocks import text_lines
from holdfast.tui.presenters.choices import Choice
from holdfast.tui.presenters.figures import age
from holdfast.tui.presenters.forms.fields import Form, form_of
from holdfast.tui.presenters.server_form import SECRETS, pairs
from holdfast.tui.presenters.spans import line

if TYPE_CHECKING:
    from holdfast.core.domain.custom_tools import ToolVersion

KINDS = (
    ("http", "A request over HTTP", "An address, a method, headers: filled in by a form."),
    ("python", "A function in Python", "Its types and its docstring say what models read; it runs alone."),
)
TEMPLATE = '''def tool_name(text: str, times: int = 1) -> str:
    """Repeats a text. Say here what it does and when to use it: models read this."""
    return text * times
'''
_PLACE = re.compile(r"\{(\w+)\}")
_SCHEMA = {
    "properties": {
        "name": {
            "type": "string",
            "description": "What agents and models call it: small letters, digits and _.",
            "maxLength": 64,
        },
        "endpoint": {
            "type": "string",
            "title": "address",
            "description": "https://example.org/items/{item}: the argument item goes there.",
        },
        "description": {
            "type": "string",
            "description": "What models read: what it does, and when to use it.",
            "maxLength": 4000,
        },
        "method": {"enum": list(get_args(HttpMethod)), "default": "GET"},
        "headers": {
            "type": "string",
            "description": f"NAME: VALUE, each in a line. {SECRETS}",
        },
        "parameters": {
            "type": "object",
            "description": "JSON Schema of the arguments. Left empty: those of the address, texts.",
        },
        "timeout_s": {"type": "number", "default": 30, "description": "Seconds that a call may take."},
    },
    "required": ["name", "endpoint", "description"],
}


def http_form() -> Form:
    """Returns the form of a new request over HTTP."""
    return form_of(_SCHEMA)


def http_spec(filled: Mapping[str, Any]) -> tuple[HttpToolSpec | None, dict[str, str]]:
    """Returns the tool that was filled in, or by the form's fields what is wrong."""
    headers, problem = pairs(str(filled.get("headers", "")), ":", "NAME: VALUE")
    if problem:
        return None, {"headers": problem}
    places = list(dict.fromkeys(_PLACE.findall(str(filled["endpoint"]))))
    texts = {"type": "object", "properties": {one: {"type": "string"} for one in places}, "required": places}
    given = {**filled, "name": str(filled["name"]).strip(), "headers": headers}
    try:
        return HttpToolSpec.model_validate({"parameters": texts, **given}), {}
    except ValidationError as error:
        return None, {str(one["loc"][0]): _said(one) for one in error.errors() if one["loc"]}


def _said(error: Any) -> str:
    if error["type"] == "string_pattern_mismatch":
        return "Begins with a small letter; small letters, digits and _ follow."
    return sanitize_line(str(error["msg"]))


def version_choices(versions: Iterable[ToolVersion], now: datetime) -> list[Choice]:
    """Returns what a tool has been, to choose from."""
    made = []
    for number, one in enumerate(versions):
        said = f"  {age(one.created_at, now)}{'  as it is now' if number == 0 else ''}"
        label = line((f"version {one.version}", "strong" if number == 0 else ""), (said, "muted"))
        made.append(Choice(str(one.version), label, text_lines(written(one.spec)), f"version {one.version}"))
    return made
