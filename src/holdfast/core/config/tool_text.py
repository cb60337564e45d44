"""A tool of a user's own as a text: Python, or JSON for a request over HTTP, which may be YAML too."""

from __future__ import annotations

import json

from holdfast.core.domain.custom_tools import HttpToolSpec, PythonToolSpec, ToolSpec
from holdfast.core.domain.errors import Diagnostic, InvalidError

PYTHON = ".py"


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


def _parsed(data: bytes, file: str) -> HttpToolSpec:
    from holdfast.core.config.yaml import decode, parse  # start-up time: the terminal app needs it seldom

    text, problems = decode(data, file)
    spec, more = (None, []) if text is None else parse(HttpToolSpec, text, file)
    found: list[Diagnostic] = [*problems, *more]
    if spec is None or found:
        raise InvalidError("\n".join(map(str, found)), code="invalid_tool")
    return spec
