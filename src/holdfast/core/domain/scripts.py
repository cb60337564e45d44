"""Agents' scripts: Python that drives the conversation instead of the usual loop."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from holdfast.core.domain.values import Value

MAX_CODE = 64 * 1024
"""Characters of a script."""
FILE_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\.py$"
"""The name of a script's file, which is in the folder of the agent's."""
MODULES = (
    *("bisect", "collections", "datetime", "decimal", "fractions", "functools", "heapq", "itertools"),
    *("json", "math", "operator", "random", "re", "statistics", "string", "textwrap", "time", "unicodedata"),
)
"""What a script may import."""
ModelName = Annotated[str, Field(min_length=1, max_length=200)]


class ScriptSpec(Value):
    """The script of an agent. In a file its text, or the name of its file, says the same alone."""

    code: str = Field(default="", max_length=MAX_CODE)
    """The script itself."""
    file: str | None = Field(default=None, pattern=FILE_PATTERN)
    """A file beside the agent's that holds the script instead."""
    models: dict[ModelName, ModelName] = Field(default={}, max_length=100)
    """Models by the names that the script calls them by; other names are models' own."""
    timeout_s: float = Field(default=60, gt=0, le=600, allow_inf_nan=False)
    """Seconds that the script may take; the time that models take does not count."""


def _script(value: Any) -> Any:
    if isinstance(value, str):
        return {"file": value} if is_file(value) else {"code": value}
    if isinstance(value, (dict, ScriptSpec)):
        return value
    raise PydanticCustomError("script", "is neither a text nor a mapping with the key `code` or `file`")


def is_file(text: str) -> bool:
    """Says whether a script that is given as a text names a file."""
    return text.endswith(".py") and "\n" not in text


AgentScript = Annotated[ScriptSpec, BeforeValidator(_script, json_schema_input_type=str | ScriptSpec)]
"""A script's text, a file's name, or a mapping `{code | file: …, models: {…}, timeout_s: …}`."""
