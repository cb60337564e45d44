"""The page of errors."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import holdfast
from docpages.markdown import code, docstring, fenced, page, summary, table
from holdfast.core.domain import errors
from holdfast.core.domain.errors import STATUS, ErrorKind, HoldfastError

_INTRO = """\
Commands print the message of an error and end with status 1 or 2. The API answers with the status of its
kind and this body; `Retry-After` stands in the answer where the same request may succeed later. A run that
fails keeps the error in `run.failed`, with its kind and `retryable`."""

_BODY = """\
{
  "error": {
    "code": "session_not_found",
    "message": "There is no session 5f0c….",
    "details": {},
    "request_id": "1c9d…"
  }
}"""

_STATUS_OF_CODE = {"method_not_allowed": 405, "unsupported_media_type": 415, "request_timeout": 408}
"""Where the answer has another status than its kind's."""


def all_errors() -> list[type[HoldfastError]]:
    """Returns every error, each before those that are made from it."""

    def below(cls: type[HoldfastError]) -> list[type[HoldfastError]]:
        subclasses = [sub for sub in cls.__subclasses__() if sub.__module__ == errors.__name__]
        return [cls, *(error for sub in subclasses for error in below(sub))]

    return below(HoldfastError)


def errors_page() -> str:
    """Returns the page."""
    return page(
        "Errors",
        docstring(errors),
        _INTRO,
        fenced(_BODY, "json"),
        "## Kinds",
        table(("Kind", "HTTP status"), [(code(kind), str(status)) for kind, status in STATUS.items()]),
        "## Errors",
        table(("Error", "Code", "Kind", "Status", "Retryable", "Meaning"), map(_row, all_errors())),
        "## Codes",
        "An error may have a narrower code than the one of its class. These are in use:",
        table(("Code", "Kind", "Status"), _codes()),
    )


def undescribed() -> list[str]:
    """Returns the errors that nobody has described."""
    return [error.__name__ for error in all_errors() if not error.__doc__]


def _row(error: type[HoldfastError]) -> tuple[str, ...]:
    return (
        code(error.__name__),
        code(error.default_code),
        code(error.kind),
        str(STATUS[error.kind]),
        "yes" if error.default_retryable else "no",
        summary(error) if error.__doc__ else "",
    )


def _codes() -> list[tuple[str, ...]]:
    """Returns the codes that are given where errors are made, found in the source."""
    usual = {error.default_code for error in all_errors()}
    found = {
        made
        for path in Path(holdfast.__file__).parent.rglob("*.py")
        for made in _made(ast.parse(path.read_text(encoding="utf-8")))
        if made[0] not in usual
    }
    return [
        (code(given), code(kind), str(_STATUS_OF_CODE.get(given, STATUS[kind])))
        for given, kind in sorted(found)
    ]


def _made(tree: ast.AST) -> Iterator[tuple[str, ErrorKind]]:
    """Yields the code and the kind of each error that is made in a module."""
    classes = {error.__name__: error.kind for error in all_errors()}
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        match call.func.id, given.get("code"), given.get("kind"), call.args:
            case "ErrorInfo", ast.Constant(value=str(text)), ast.Attribute(attr=kind), _:
                yield text, ErrorKind[kind]
            case "limit_error", _, _, [ast.Constant(value=str(text)), *_]:
                yield text, ErrorKind.CONFLICT
            case "file_mistakes", ast.Constant(value=str(text)), _, _:
                yield text, ErrorKind.INVALID
            case name, ast.Constant(value=str(text)), _, _ if name in classes:
                yield text, classes[name]
