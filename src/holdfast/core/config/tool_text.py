"""A tool of a user's own as a text: Python, or JSON for the other kinds, which may be YAML too."""

from __future__ import annotations

import json

from holdfast.core.domain.custom_tools import (
    ClientToolSpec,
    HttpToolSpec,
    PythonToolSpec,
    SearchToolSpec,
    ToolSpec,
)
from holdfast.core.domain.errors import Diagnostic, InvalidError

PYTHON = ".py"
_KINDS: dict[str, type[HttpToolSpec | ClientToolSpec | SearchToolSpec]] = {
    "client": ClientToolSpec,
    "search": SearchToolSpec,
}
"""By what a text says of its `type`; without one it is a request over HTTP."""


def ending(spec: ToolSpec) -> str:
    """Returns what the name of a file with this tool ends with."""
    return PYTHON if isinstance(spec, PythonToolSpec) else ".json"


def written(spec: ToolSpec) -> str:
    """Returns a tool as `spec_of` reads it."""
    if isinstance(spec, PythonToolSpec):
        return spec.code
    return json.dumps(spec.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n"


def spec_of(data: bytes, file: str) -> ToolSpec:
    """Returns the tool that a text says; `file` is what it is called in mistakes, and its ending says whether
    it is Python. Raises `InvalidError` (`invalid_tool`) with each mistake at its place."""
    if not file.endswith(PYTHON):
        return _parsed(data, file)
    try:
        # What it is called, and all the rest, is read out of its code where it is kept.
        return PythonToolSpec(code=data.decode())
    except ValueError as error:
        why = "a tool is UTF-8, of at most 100,000 characters"
        raise InvalidError(f"{file}: {why}", code="invalid_tool") from error


def _parsed(data: bytes, file: str) -> HttpToolSpec | ClientToolSpec | SearchToolSpec:
    from holdfast.core.config.nodes import compose  # start-up time: the terminal app needs them seldom
    from holdfast.core.config.yaml import decode, validate

    text, problems = decode(data, file)
    document, more = (None, []) if text is None else compose(text, file)
    found: list[Diagnostic] = [*problems, *more]
    if document is not None:
        said = document.root.value
        kind = said.get("type") if isinstance(said, dict) else None
        model = _KINDS.get(kind, HttpToolSpec) if isinstance(kind, str) else HttpToolSpec
        spec, wrong = validate(model, document)
        found += wrong
        if spec is not None and not found:
            return spec
    raise InvalidError("\n".join(map(str, found)), code="invalid_tool")


def about(spec: ToolSpec) -> str:
    """Returns what a tool does when it is called, in a few words."""
    match spec:
        case HttpToolSpec():
            return f"{spec.method} {spec.endpoint}"
        case PythonToolSpec():
            return "a function in Python"
        case ClientToolSpec():
            return "done by who asks for the run"
        case SearchToolSpec():
            return f"a search in the collection {spec.collection}" if spec.collection else "a search"
