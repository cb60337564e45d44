"""The tools by name, their schemas for models, and the checking of arguments."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from typing import Any

from pydantic import BaseModel, ValidationError

from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.models import ToolSchema
from holdfast.core.domain.tools import Tool
from holdfast.core.tools.forced import ForcedTool
from holdfast.core.tools.schema_arguments import SchemaArguments

_NOISE = ("title", "default")
_NAMED = 50
_TOLD = 300
"""Characters of one mistake in the details of an error."""
"""Arguments that a mistake names."""


class ToolRegistry:
    """Knows every tool by its name. Raises `ValueError` when two have the same."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools: dict[str, Tool] = {}
        for tool in tools:
            if tool.name in self._tools:
                raise ValueError(f"two tools are named {tool.name}")
            self._tools[tool.name] = tool

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in the order the tools were given."""
        return tuple(self._tools)

    def get(self, name: str) -> Tool:
        """Returns a tool. Raises `NotFoundError`, which names the nearest ones."""
        tool = self._tools.get(name)
        if tool is None:
            raise NotFoundError(
                f"There is no tool {name[:80]!r}.{near_names(name, self._tools)}", code="tool_not_found"
            )
        return tool


def near_names(name: str, names: Iterable[str]) -> str:
    """Returns " Did you mean …?" with the names most like `name`, else " There are: …" with all of them."""
    known = list(names)
    near = get_close_matches(name, known, n=3, cutoff=0.6)
    if near:
        return f" Did you mean {' or '.join(near)}?"
    return f" There are: {', '.join(known)}." if known else ""


@lru_cache(maxsize=256)
def schema(tool: Tool) -> ToolSchema:
    """Returns a tool as a model sees it: one plain JSON Schema without references. What a tool from outside
    says of its arguments is given as it says it.

    Made once for each tool: every step of every run asks for all of its agent's.
    """
    if isinstance(tool, ForcedTool):
        return _without(schema(tool.inner), tool.pins)
    if issubclass(tool.arguments, SchemaArguments):
        given = {"type": "object", "properties": {}, **tool.arguments.parameters}
        return ToolSchema(name=tool.name, description=tool.description, parameters=given)
    whole = tool.arguments.model_json_schema()
    parameters = _plain(whole, whole.pop("$defs", {}))
    parameters.pop("description", None)
    parameters.setdefault("properties", {})
    parameters["additionalProperties"] = False
    return ToolSchema(name=tool.name, description=tool.description, parameters=parameters)


def _without(whole: ToolSchema, pins: Collection[str]) -> ToolSchema:
    """Returns a schema that says nothing of what is pinned."""
    parameters = dict(whole.parameters)
    required = [name for name in parameters.pop("required", ()) if name not in pins]
    left = {name: each for name, each in parameters["properties"].items() if name not in pins}
    more = {"required": required} if required else {}
    return whole.model_copy(update={"parameters": {**parameters, "properties": left, **more}})


def validate_arguments(tool: Tool, arguments: dict[str, Any]) -> BaseModel:
    """Returns the arguments as the tool takes them.

    Raises `InvalidError` whose one message names every mistake; the model can correct itself by it.
    """
    try:
        return tool.arguments.model_validate(arguments)
    except ValidationError as error:
        mistakes = "; ".join(_mistake(tool, dict(details)) for details in error.errors(include_url=False))
        problems = [
            {"path": place(each["loc"]), "message": str(each["msg"])[:_TOLD]}
            for each in error.errors(include_url=False, include_input=False)
        ]
        raise InvalidError(
            f"The arguments of {tool.name} are not valid: {mistakes}.",
            code="invalid_arguments",
            details={"problems": problems},
        ) from error


def _mistake(tool: Tool, details: dict[str, Any]) -> str:
    where = place(details["loc"])
    match details["type"]:
        case "missing":
            return f"{where} is missing"
        case "extra_forbidden":
            return f"{where} is unknown (arguments: {', '.join(_names(tool))})"
        case _:
            message = str(details["msg"])
            message = message[0].lower() + message[1:]
            return f"{where}: {message}" if where else message


def _names(tool: Tool) -> Iterable[str]:
    names = schema(tool).parameters["properties"]
    return [name[:100] for name in islice(names, _NAMED)]


def place(path: tuple[int | str, ...]) -> str:
    """Returns where in arguments something stands, as people write it."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")[:100]


def _plain(node: Any, definitions: dict[str, Any]) -> Any:
    """Puts definitions where they are used, and leaves out what a model does not need."""
    if isinstance(node, list):
        return [_plain(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[str(node["$ref"]).rsplit("/", 1)[-1]]
        return _plain({**target, **{k: v for k, v in node.items() if k != "$ref"}}, definitions)
    present = [option for option in node.get("anyOf", []) if option != {"type": "null"}]
    if len(present) == 1:
        rest = {key: value for key, value in node.items() if key != "anyOf"}
        return _plain({**present[0], **rest}, definitions)
    return {
        key: {name: _plain(value, definitions) for name, value in child.items()}
        if key == "properties"
        else _plain(child, definitions)
        for key, child in node.items()
        if key not in _NOISE
    }
