"""What the file of a Python tool says of itself: it is read for that, and never run."""

from __future__ import annotations

import ast
from typing import Any

from pydantic import ValidationError

from holdfast.core.domain.custom_tools import PythonToolSpec
from holdfast.core.domain.errors import InvalidError
from holdfast.core.tools.schema_arguments import arguments_model

_PLAIN = {"bool": "boolean", "dict": "object", "float": "number", "int": "integer", "list": "array"}
_PLAIN |= {"str": "string"}
_TYPES = "str, int, float, bool, list, dict, list[…], dict[str, …], Literal[…] or one of them with `| None`"


def described(spec: PythonToolSpec) -> PythonToolSpec:
    """Returns a Python tool with name, description and parameters as its code says them: of its one function
    whose name has no `_` before it. Raises `InvalidError` (`invalid_tool`, `invalid_schema`), with the
    line."""
    function = _function(spec.code)
    meaning = (ast.get_docstring(function) or "").strip()
    if not meaning:
        raise _invalid("the function has no docstring; models read it", function)
    parameters = _parameters(function)
    arguments_model(function.name, parameters)
    said = {"name": function.name, "description": meaning, "parameters": parameters}
    try:
        return PythonToolSpec.model_validate({**spec.model_dump(), **said})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _invalid(f"its {first['loc'][0]}: {first['msg']}", function) from error


def _function(code: str) -> ast.FunctionDef | ast.AsyncFunctionDef:
    try:
        tree = ast.parse(code)
    except SyntaxError as error:
        raise _invalid(f"line {error.lineno}: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise _invalid("it is no Python that can be read") from error
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [each for each in tree.body if isinstance(each, kinds) and not each.name.startswith("_")]
    if len(found) != 1:
        raise _invalid(f"it has {len(found)} functions; one is the tool, the others begin with `_`")
    return found[0]


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, Any]:
    given = function.args
    if given.vararg or given.kwarg or given.posonlyargs:
        raise _invalid("the function takes arguments by name only: no *args, **kwargs or `/`", function)
    missing = len(given.args) - len(given.defaults)
    defaults: list[ast.expr | None] = [*([None] * missing), *given.defaults, *given.kw_defaults]
    properties, required = {}, []
    for argument, default in zip([*given.args, *given.kwonlyargs], defaults, strict=True):
        if argument.annotation is None:
            raise _invalid(f"the argument {argument.arg} has no type", argument)
        properties[argument.arg] = _type(argument.annotation)
        if default is None:
            required.append(argument.arg)
    more = {"required": required} if required else {}
    return {"type": "object", "properties": properties, **more, "additionalProperties": False}


def _type(node: ast.expr) -> dict[str, Any]:
    match node:
        case ast.Name(id=name) if name in _PLAIN:
            return {"type": _PLAIN[name]}
        case ast.Constant(value=None):
            return {"type": "null"}
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return {"anyOf": [_type(left), _type(right)]}
        case ast.Subscript(value=ast.Name(id="list"), slice=inner):
            return {"type": "array", "items": _type(inner)}
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[ast.Name(id="str"), inner])):
            return {"type": "object", "additionalProperties": _type(inner)}
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            options = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            values = [each.value for each in options if isinstance(each, ast.Constant)]
            if len(values) == len(options) and all(isinstance(each, (str, int)) for each in values):
                return {"enum": values}
    raise _invalid(f"`{ast.unparse(node)[:80]}` cannot be the type of an argument; use {_TYPES}", node)


def _invalid(why: str, node: ast.stmt | ast.expr | ast.arg | None = None) -> InvalidError:
    line = "" if node is None else f"line {node.lineno}: "
    return InvalidError(f"The tool cannot be kept: {line}{why}.", code="invalid_tool")
