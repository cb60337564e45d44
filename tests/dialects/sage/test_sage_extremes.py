"""The calls of Sage's web pages, about things that are there, with each field replaced by extreme values."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest
from tests.dialects.sage.test_sage_front_end import ROWS, Row, door, models, open_world
from tests.dialects.test_extremes import EXTREMES, Bodies

pytestmark = pytest.mark.thorough

__all__ = ["door", "models", "open_world"]

MEANT = "LLM provider not found: "
BUG = "内部服务器错误"


def queries(query: str) -> list[str]:
    """Returns what a query becomes when each of its values is replaced by each extreme."""
    pairs, found = parse_qsl(query), []
    for at, (name, _) in enumerate(pairs):
        for extreme in EXTREMES.values():
            text = extreme if isinstance(extreme, str) else json.dumps(extreme)
            found.append(urlencode([*pairs[:at], (name, text[:5_000]), *pairs[at + 1 :]]))
    return found


def forms(form: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns what a form becomes when each of its fields is replaced by each extreme."""
    fields, found = form.get("data", {}), []
    for name in fields:
        for extreme in EXTREMES.values():
            text = extreme if isinstance(extreme, str) else json.dumps(extreme)
            found.append({**form, "data": {**fields, name: text}})
    return found


@pytest.mark.parametrize("row", [row for row in ROWS if row.body or row.form or "?" in row.path], ids=str)
async def test_no_value_of_what_is_there_is_a_bug(open_world: Any, row: Row) -> None:
    bugs: list[str] = []
    async with open_world() as world:
        whole, body, form = [await world.filled(each) for each in (row.path, row.body, row.form)]
        path, _, query = whole.partition("?")
        tried: list[tuple[str, dict[str, Any]]] = []
        if body:
            said = Bodies({"components": {"schemas": {}}}).extremes(body)
            tried += [(whole, {"content": json.dumps(each)}) for each in said]
        tried += [(f"{path}?{each}", {"json": body} if body else form) for each in queries(query)]
        tried += [(whole, each) for each in forms(form)]
        for address, sent in tried:
            answer = await world.pages[row.who].http.request(row.method, f"/sage{address}", **sent)
            if is_bug(answer):
                bugs.append(f"{address[:200]} {str(sent)[:300]}: {answer.text[:300]}")
    assert bugs == []


def is_bug(answer: httpx.Response) -> bool:
    """Says whether nobody has thought of what was sent; the status of what is refused is 500 too."""
    if answer.status_code < 500 or answer.headers["content-type"] != "application/json":
        return answer.status_code >= 500
    said = answer.json()
    return said["message"] == BUG and not said["error_detail"].startswith(MEANT)
