"""Holds a reply against a JSON Schema. A program: nothing imports it.

A process of its own, because a schema of a caller's can hold an expression, or references to itself, that
are never done with, and Python cannot stop either from outside. References lead nowhere but into the schema
itself: no file and no address is read.

Input: JSON with the key `schema`, and `reply`, a text, where one is to be checked. Output: JSON with what is
wrong as `schema` or as `reply`; both are empty when nothing is.
"""

from __future__ import annotations

import json
import resource
import sys
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from jsonschema.validators import validator_for
from referencing.exceptions import Unresolvable
from referencing.jsonschema import EMPTY_REGISTRY

_MEMORY = 2**30
_COMPARED = 100
_TOLD = 5
_LONGEST = 500


def _told(path: str, message: str) -> str:
    return f"{path}: {message}"[:_LONGEST]


def _schema_problem(schema: dict[str, Any]) -> str:
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        return _told(error.json_path, error.message)
    except RecursionError:
        return "it is nested too deep"
    return ""


def _reply_problem(schema: dict[str, Any], reply: str) -> str:
    text = reply.strip()
    if text.startswith("```"):
        text = text.strip("`").removeprefix("json").strip()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"it is not JSON ({error})"[:_LONGEST]
    kind = validator_for(schema, default=Draft202012Validator)
    validator = kind(schema, registry=EMPTY_REGISTRY)
    errors = sorted(islice(validator.iter_errors(value), _COMPARED), key=str)
    return "; ".join(_told(error.json_path, error.message) for error in errors[:_TOLD])


def _checked(schema: dict[str, Any], reply: str | None) -> dict[str, str]:
    if (wrong := _schema_problem(schema)) or reply is None:
        return {"schema": wrong, "reply": ""}
    try:
        return {"schema": "", "reply": _reply_problem(schema, reply)}
    except Unresolvable as error:
        return {"schema": f"it refers to what is not in it: {error.ref}"[:_LONGEST], "reply": ""}
    except RecursionError:
        return {"schema": "it refers to itself without end, or the reply is nested too deep", "reply": ""}


def _main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    asked = json.load(sys.stdin)
    print(json.dumps(_checked(asked["schema"], asked.get("reply"))))


if __name__ == "__main__":
    _main()
