"""Tools that the planner knows nothing of: called where a message names them, in runs that call in phases.

A tool is named where all words of its name stand in the message. Its arguments are looked for in what the
person has said; what is not there is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from holdfast.core.domain.models import ModelRequest, ToolSchema
from holdfast.core.domain.tools import MISSING_TOOL
from holdfast.core.models.planning.steps import Call

_WORD = re.compile(r"[a-z0-9]+")
_NUMBER = re.compile(r"(?<![\w.-])-?\d{1,15}(?:\.\d{1,9})?(?![\w])")
_CODE = re.compile(r"(?<![\w-])#?(?=[\w-]*\d)([A-Za-z0-9][\w-]{0,63})")
"""What looks like the name of a thing: `ORD-789`, `#12345`."""
_LITTLE = frozenset(("a", "an", "and", "by", "for", "in", "of", "on", "the", "to", "with"))
_VERBS = frozenset(("call", "check", "find", "get", "look", "lookup", "make", "show", "tool"))
"""Words that people leave out or say otherwise."""
_WHOLE = ("query", "question", "text", "search")
"""Arguments for which the message itself does."""
_SHORT = 6
"""Words of a message that is an answer to a question."""
_LONGEST = 20_000


def named_call(request: ModelRequest, said: Sequence[str], left_out: Collection[str]) -> Call | None:
    """Returns the call of a tool that the person names, or of what asks for its arguments; None: there is
    none. `said` are the person's messages, the latest last; `left_out` are tools that are not chosen."""
    tools = {each.name: each for each in request.tools}
    if not said or not tools:
        return None
    if MISSING_TOOL in tools:
        wanted = next(each for name, each in tools.items() if name != MISSING_TOOL)
        return _with_arguments(wanted, said)
    if any(each.parameters.get("properties") for each in tools.values()):
        return None  # it is no step that only chooses
    for text in _together(said):
        words = _words(text)
        found = [
            name for name in tools if name not in left_out and (own := _significant(name)) and own <= words
        ]
        if found:
            return Call(max(found, key=lambda name: len(_significant(name))), {})
    return None


def _together(said: Sequence[str]) -> Iterable[str]:
    """Returns the latest message, and where it is short what it may be the answer to."""
    yield said[-1]
    if len(said) > 1 and len(said[-1].split()) <= _SHORT:
        yield said[-2]


def _words(text: str) -> frozenset[str]:
    found = _WORD.findall(text[:_LONGEST].lower())
    return frozenset((*found, *(word.removesuffix("s") for word in found)))


def _significant(name: str) -> frozenset[str]:
    words = _words(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name))
    return words - _LITTLE - _VERBS or words


def _with_arguments(tool: ToolSchema, said: Sequence[str]) -> Call:
    properties = tool.parameters.get("properties")
    known = properties if isinstance(properties, dict) else {}
    listed = tool.parameters.get("required")
    names = listed if isinstance(listed, list) else []
    required = [name for name in names if isinstance(name, str) and name in known]
    found = {name: value for name in known if (value := _value(name, known[name], said)) is not None}
    missing = [name for name in required if name not in found]
    if len(missing) == 1 and len(said) > 1 and len(said[-1].split()) <= _SHORT:
        found[missing[0]], missing = said[-1].strip(), []
    if not missing:
        return Call(tool.name, found)
    asked = " and ".join(name.replace("_", " ") for name in missing)
    return Call(MISSING_TOOL, {"tool": tool.name, "question": f"Could you please tell me the {asked}?"})


def _value(name: str, schema: Any, said: Sequence[str]) -> Any:
    kind = schema.get("type", "string") if isinstance(schema, dict) else "string"
    if name.lower() in _WHOLE and kind == "string":
        return said[-1].strip()
    for text in (each[:_LONGEST] for each in reversed(said)):
        if kind in ("integer", "number"):
            numbers = _NUMBER.findall(text)
            if numbers:
                return int(float(numbers[0])) if kind == "integer" else float(numbers[0])
        elif kind == "string" and (value := _string(name, schema, text)) is not None:
            return value
    return None


def _string(name: str, schema: Any, text: str) -> str | None:
    choices = schema.get("enum") if isinstance(schema, dict) else None
    if isinstance(choices, list):
        words = text.lower()
        return next((one for one in choices if isinstance(one, str) and one.lower() in words), None)
    spelled = r"[\s_-]+".join(map(re.escape, re.split(r"[\s_-]+", name)))
    named = re.search(rf"(?i)\b{spelled}\b\s*(?:is\b|[:=#])\s*[\"'“]?([^\s\"'”,;]+)", text)
    if named:
        return named[1].rstrip(".!?")
    code = _CODE.search(text)
    wants_code = bool(_words(name) & {"id", "number", "no", "sku", "code", "order", "reference"})
    return code[1] if code and wants_code else None
