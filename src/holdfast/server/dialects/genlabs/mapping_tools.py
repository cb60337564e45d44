"""Between tools as GenLabs has them and ours. Pure.

A tool of the type Custom is one that callers execute, one of the type File Search searches a collection that
is its own. Its schema and its list of parameters say the same twice: who changes one changes the other.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from holdfast.core.domain.custom_tools import ClientToolSpec, CustomTool, SearchToolSpec
from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.text import sanitize_line
from holdfast.server.dialects.genlabs.errors import said
from holdfast.server.dialects.genlabs.mapping_agents import NAME, kept, title_of
from holdfast.server.dialects.genlabs.wire_tools import (
    NewTool,
    Parameter,
    Tool,
    ToolChanges,
    ToolDetails,
    ToolParameter,
    Tools,
    ToolType,
)
from holdfast.server.kit.reading import parsed

Spec = ClientToolSpec | SearchToolSpec
CUSTOM: ToolType = "Custom"
SEARCH: ToolType = "File Search"
_TEXTS = "Tool name, description, and type"
_SIMPLE = ("string", "number", "integer", "boolean", "array", "object", "null")
_KINDS = (
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "docx"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "doc"),
)
_HTML = re.compile(rb"\s*(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_ENDINGS = frozenset(("pdf", "html", "htm", "doc", "docx", "txt", "md"))
MAX_NAME = 200


def no_tool() -> NotFoundError:
    """Returns the error of a tool that the caller does not have."""
    return NotFoundError("Tool not found", code="tool_not_found")


def tool_number(given: Any) -> int:
    """Returns the number of the tool that a request is about. Raises `InvalidError` where there is none, and
    `NotFoundError` for what is no number."""
    if given is None or given == "":
        raise said("Tool ID is required")
    if isinstance(given, str) and re.fullmatch(r"[0-9]{1,12}", given.strip()):
        return int(given)
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    raise no_tool()


def own_tool(tools: Iterable[CustomTool], number: int) -> CustomTool:
    """Returns the tool of this number, if GenLabs has such a one. Raises `NotFoundError`."""
    found = next((each for each in tools if each.number == number), None)
    if found is None or not isinstance(found.spec, Spec):
        raise no_tool()
    return found


# --- what is made and changed


def checked(body: NewTool) -> NewTool:
    """Returns what a new tool is. Raises `InvalidError` in GenLabs' words."""
    given = (body.name, body.description, body.type)
    if any(each is None for each in given):
        raise said(f"{_TEXTS} are required")
    if not all(isinstance(each, str) for each in given):
        raise said(f"{_TEXTS} must be strings")
    if not all(each.strip() for each in given):
        raise said(f"{_TEXTS} cannot be empty")
    check_file(body, _kind(body.type))
    return body


def _kind(given: Any) -> ToolType:
    if given == CUSTOM:
        return CUSTOM
    if given == SEARCH:
        return SEARCH
    raise said("Invalid tool type")


def new_spec(body: NewTool, taken: Collection[str]) -> Spec:
    """Returns a new tool; `taken` are the names that are not free. Raises `InvalidError`."""
    title = body.name.strip()
    name = free_name(title, taken)
    return _spec(_kind(body.type), name, title, body.description.strip(), _ext(body, {}, {}))


def changed_spec(tool: CustomTool, body: ToolChanges) -> Spec:
    """Returns what a tool is with the changes of a request; the name that it has here stays. Raises
    `InvalidError`."""
    spec = tool.spec
    assert isinstance(spec, Spec)
    for name, value in (("Tool name", body.toolName), ("Tool description", body.toolDescription)):
        if value is not None and not (isinstance(value, str) and value.strip()):
            raise said(f"{name} must be a string that is not empty")
    kind = type_of(tool) if body.type is None else _kind(body.type)
    title = body.toolName.strip() if body.toolName else title_of(tool)
    description = body.toolDescription.strip() if body.toolDescription else spec.description
    check_file(body, kind)
    ext = _ext(body, kept(spec.ext), tool_schema(tool))
    changed = _spec(kind, spec.name, title, description, {**spec.ext, NAME: ext[NAME]})
    if isinstance(changed, SearchToolSpec) and isinstance(spec, SearchToolSpec):
        return changed.model_copy(update={"collection": spec.collection})
    return changed


def _spec(kind: ToolType, name: str, title: str, description: str, ext: Mapping[str, Any]) -> Spec:
    values = {"name": name, "title": title, "description": description, "ext": ext}
    if kind == SEARCH:
        search: Spec = parsed(SearchToolSpec, values)
        return search
    schema = callable_schema(ext[NAME].get("tool_schema", {}))
    client: Spec = parsed(ClientToolSpec, {**values, "parameters": schema})
    return client


def _ext(
    body: NewTool | ToolChanges, before: Mapping[str, Any], schema: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Returns what is kept of a tool's schema and parameters as they were sent: of each that which came with
    the other, else that which follows from it. `schema` is the one that it has."""
    found = dict(before)
    if body.tool_schema is not None:
        found["tool_schema"] = body.tool_schema
        found.pop("parameters", None)
    if body.parameters is not None:
        found["parameters"] = [each.model_dump() for each in body.parameters]
        if body.tool_schema is None:
            found["tool_schema"] = schema_of(body.parameters, schema)
    return {NAME: found}


def callable_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a schema as one of an object, which calls are checked against."""
    return {"type": "object", "properties": {}, **schema}


def schema_of(parameters: Sequence[Parameter], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Returns the schema that a list of parameters means; what `before` says of one of them beyond its type
    and description stays."""
    known = (before or {}).get("properties")
    known = known if isinstance(known, dict) else {}
    properties = {each.name: _property(each, known.get(each.name)) for each in parameters}
    required = [each.name for each in parameters if each.required]
    return {"type": "object", "properties": properties, "required": required}


def _property(parameter: Parameter, before: Any) -> dict[str, Any]:
    more = dict(before) if isinstance(before, dict) and _type(before) == parameter.type else {}
    more.pop("description", None)
    kind = {} if parameter.type not in _SIMPLE else {"type": parameter.type}
    return {**more, **kind, **({"description": parameter.description} if parameter.description else {})}


def parameters_of(schema: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """Returns the list of parameters that a schema means, as far as such a list can say it."""
    properties, required = schema.get("properties"), schema.get("required")
    names = required if isinstance(required, list) else ()
    return tuple(
        Parameter.model_construct(
            name=name, type=_type(each), description=_description(each), required=name in names
        )
        for name, each in (properties if isinstance(properties, dict) else {}).items()
    )


def _type(schema: Any) -> str:
    """Returns the type of an argument; of several the first that is not null."""
    found = schema.get("type") if isinstance(schema, dict) else None
    several = [each for each in found if each != "null"] if isinstance(found, list) else [found]
    first = several[0] if several else None
    return first if isinstance(first, str) and first else "string"


def _description(schema: Any) -> str:
    found = schema.get("description") if isinstance(schema, dict) else None
    return found if isinstance(found, str) else ""


def free_name(title: str, taken: Collection[str]) -> str:
    """Returns a name that a tool of this title can have here, and that none has."""
    plain = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
    plain = (plain if plain[:1].isalpha() else f"tool_{plain}".strip("_"))[:60]
    names = (plain, *(f"{plain[:58]}_{number}" for number in range(2, 1_000)))
    return next(name for name in names if name not in taken and not name.startswith("mcp__"))


# --- files


def check_file(body: NewTool | ToolChanges, kind: ToolType) -> None:
    """Raises `InvalidError` for a file that a tool of this type cannot have, before anything is made."""
    if not body.file:
        return
    if kind != SEARCH:
        raise said("Only tools of the type File Search have a file")
    file_name(decoded(body.file), body.file_name, "")


def decoded(text: str) -> bytes:
    """Returns the bytes of a file. Raises `InvalidError` for what is no base64, and for nothing."""
    start, comma, rest = text.strip().partition(",")
    plain = "".join((rest if comma and start.startswith("data:") else text).split())
    try:
        data = base64.b64decode(plain, validate=True)
    except (binascii.Error, ValueError):
        raise said("Invalid file: it must be base64") from None
    if not data:
        raise said("Invalid file: it is empty")
    return data


def encoded(data: bytes) -> str:
    """Returns a file as it is read back."""
    return base64.b64encode(data).decode()


def file_name(data: bytes, wanted: str | None, title: str) -> str:
    """Returns what a file is called, its ending by its content. Raises `InvalidError` for a sort that is not
    searched."""
    kind = _sort(data)
    name = sanitize_line(wanted or "").replace("/", "_").replace("\\", "_").strip(" .")[:MAX_NAME]
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if kind == "txt" and ending in ("txt", "md", "html", "htm"):
        return name
    if ending == kind or (kind == "html" and ending == "htm"):
        return name
    stem = (name.rpartition(".")[0] if ending in _ENDINGS else name) or free_name(title, ())
    return f"{stem}.{kind}"


def _sort(data: bytes) -> str:
    known = next((kind for start, kind in _KINDS if data.startswith(start)), "")
    if known == "docx" and b"word/" not in data:
        raise _unsupported()
    if known:
        return known
    if _HTML.match(data[:4_096]):
        return "html"
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8")
    except UnicodeDecodeError:
        text = "" if b"\0" in data else data.decode("latin-1")
    if not text or "\0" in text:
        raise _unsupported()
    return "txt"


def _unsupported() -> InvalidError:
    return said("Unsupported file type: send PDF, HTML, Word or plain text")


# --- what is told


def type_of(tool: CustomTool) -> ToolType:
    """Returns the type of a tool."""
    return SEARCH if isinstance(tool.spec, SearchToolSpec) else CUSTOM


def tool_schema(tool: CustomTool) -> dict[str, Any]:
    """Returns a tool's schema as it was sent; of one that was made elsewhere that of its calls."""
    said_of = kept(tool.spec.ext)
    if "tool_schema" in said_of or isinstance(tool.spec, SearchToolSpec):
        return dict(said_of.get("tool_schema", {}))
    return {} if NAME in tool.spec.ext else dict(tool.spec.parameters)


def listed_tools(tools: Iterable[CustomTool]) -> Tools:
    """Returns the tools that GenLabs has such ones of."""
    return Tools(
        tools=tuple(
            Tool(
                id=each.number,
                name=title_of(each),
                description=each.spec.description,
                type=type_of(each),
                tool_schema=tool_schema(each),
            )
            for each in sorted(tools, key=lambda one: one.number)
            if isinstance(each.spec, Spec)
        )
    )


def tool_details(tool: CustomTool, file: bytes | None) -> ToolDetails:
    """Returns a tool with its file, if it has one."""
    schema = tool_schema(tool)
    sent = kept(tool.spec.ext).get("parameters")
    parameters = parameters_of(schema) if sent is None else [Parameter.model_validate(each) for each in sent]
    return ToolDetails(
        name=title_of(tool),
        description=tool.spec.description,
        type=type_of(tool),
        file=None if file is None else encoded(file),
        tool_schema=schema,
        parameters=tuple(ToolParameter.model_validate(each.model_dump()) for each in parameters),
    )
