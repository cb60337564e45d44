"""JSON in pieces: a large document is decoded element by element, so that other threads have their turn."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from typing import Any, NoReturn

from holdfast.core.domain.errors import InvalidError

_SPACE = re.compile(r"[ \t\r\n]*")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def members(text: str) -> Iterator[tuple[str, Any]]:
    """Yields what a JSON document holds at its top: the elements of a list, each under the name ""; the
    members of an object, those that are lists element by element.

    Raises `InvalidError` for what is no JSON document, or too deep.
    """
    try:
        start = _skip(text, 0)
        if text[start : start + 1] == "[":
            end = yield from _elements(text, start, "")
        elif text[start : start + 1] == "{":
            end = yield from _object(text, start)
        else:
            raise ValueError("it begins with neither [ nor {")
        if _skip(text, end) != len(text):
            raise ValueError("something stands behind its end")
    except (ValueError, RecursionError) as error:
        said = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidError(f"The file is no JSON that can be read: {said}.", code="invalid_import") from error


def _object(text: str, at: int) -> Generator[tuple[str, Any], None, int]:
    at = _skip(text, at + 1)
    if text[at : at + 1] == "}":
        return at + 1
    while True:
        name, at = _DECODER.raw_decode(text, at)
        if not isinstance(name, str):
            raise ValueError("a key is no text")
        at = _expect(text, at, ":")
        if text[at : at + 1] == "[":
            at = yield from _elements(text, at, name)
        else:
            value, at = _DECODER.raw_decode(text, at)
            yield name, value
        at = _skip(text, at)
        if text[at : at + 1] == "}":
            return at + 1
        at = _expect(text, at, ",")


def _elements(text: str, at: int, name: str) -> Generator[tuple[str, Any], None, int]:
    at = _skip(text, at + 1)
    if text[at : at + 1] == "]":
        return at + 1
    while True:
        value, at = _DECODER.raw_decode(text, at)
        yield name, value
        at = _skip(text, at)
        if text[at : at + 1] == "]":
            return at + 1
        at = _expect(text, at, ",")


def _expect(text: str, at: int, sign: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] != sign:
        raise ValueError(f"{sign} is missing at character {at}")
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
