"""Every operation of every dialect with bodies and queries of extreme values: none of them is a bug."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.dialects.places import fill
from tests.server.contract_engine import ContractEngine, World

from holdfast.server.dialects.every import DIALECTS, DialectPlace
from holdfast.server.kit.openapi import document, operation_path
from holdfast.server.kit.operations import Document

pytestmark = pytest.mark.thorough

EXTREMES: dict[str, Any] = {
    "huge number": 10**30,
    "huge negative number": -(10**30),
    "zero": 0,
    "minus one": -1,
    "fraction": 1e308,
    "NUL": "\0",
    "empty": "",
    "long": "x" * 20_000,
    "escape": "\x1b]0;pwn\x07\u202e",
    "path": "../../etc/passwd",
    "no id": "00000000-0000-4000-8000-000000000000",
    "deep": json.loads("[" * 40 + "]" * 40),
    "object": {"a": {"b": "c"}},
    "list": [None] * 50,
    "null": None,
    "yes": True,
}


@pytest.fixture(scope="module")
def engine() -> Iterator[ContractEngine]:
    with tempfile.TemporaryDirectory(prefix="hf") as home:
        engine = ContractEngine(Path(home))
        yield engine
        engine.stop()


@pytest.fixture(scope="module")
def world(engine: ContractEngine) -> Iterator[World]:
    world = World(engine.url)
    yield world
    world.close()


class Bodies:
    """Makes values of the schemas of a document, with one field after the other replaced."""

    def __init__(self, made: Any) -> None:
        self._components = made["components"]["schemas"]

    def plain(self, schema: Any, depth: int = 0) -> Any:
        """Returns a value that fits, as far as that is easy; optional fields too."""
        if "$ref" in schema:
            return self.plain(self._components[schema["$ref"].rpartition("/")[2]], depth)
        for key in ("anyOf", "oneOf", "allOf"):
            if key in schema:
                return self.plain(schema[key][0], depth)
        if "enum" in schema or "const" in schema:
            return schema.get("const", schema.get("enum", [None])[0])
        match schema.get("type"):
            case "object":
                known = schema.get("properties", {})
                return {name: self.plain(each, depth + 1) for name, each in known.items() if depth < 6}
            case "array":
                return [self.plain(schema.get("items", {}), depth + 1)] if depth < 6 else []
            case "integer" | "number":
                return max(schema.get("minimum", 1), 1)
            case "boolean":
                return False
        return "x"

    def extremes(self, value: Any) -> list[Any]:
        """Returns `value` with each of its parts replaced by each extreme, and whole extremes."""
        found: list[Any] = []
        _replace(value, found.append)
        return found


def _replace(value: Any, give: Callable[[Any], None]) -> None:
    for extreme in EXTREMES.values():
        give(extreme)
    if isinstance(value, dict):
        for name in value:
            _replace(value[name], lambda new, name=name: give({**value, name: new}))  # type: ignore[misc]
    elif isinstance(value, list) and value:
        _replace(value[0], lambda new: give([new, *value[1:]]))


def _is_bug(place: DialectPlace, answer: httpx.Response) -> bool:
    """Says whether nobody has thought of what was sent. Sage's status of all that is refused is 500 too."""
    if answer.status_code != 500 or place.name != "sage":
        return answer.status_code == 500
    said = answer.json()
    wanted = str(said["error_detail"]).startswith("LLM provider not found: ")
    return said["message"] == "内部服务器错误" and not wanted


def is_bug(answer: httpx.Response) -> bool:
    """Says whether a request has met one, as far as its status tells: Sage's is 500 of what is refused."""
    return answer.status_code == 500 and not answer.request.url.path.startswith("/sage/")


@pytest.mark.parametrize("place", DIALECTS, ids=lambda place: place.name)
def test_no_value_is_a_bug(engine: ContractEngine, world: World, place: DialectPlace) -> None:
    dialect = place.load()
    version = dialect.document.version if dialect.document else "3.1.0"
    made = document(dialect, Document("/openapi.json", version))
    bodies = Bodies(made)
    bugs: list[str] = []
    with httpx.Client(base_url=engine.address, timeout=60) as http:
        agent = http.post("/powabase/api/agents", json={"name": "Mine"}).json()["id"]
        for operation in dialect.operations:
            path = operation_path(operation)
            row = made["paths"][path][operation.method.lower()]
            ids = {name.removesuffix("_id"): id for name, id in world.ids().items()} | {"agent": agent}
            url = place.prefix + path.format_map(_Filled(fill(path, ids)))
            schema = row.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            for body in bodies.extremes(bodies.plain(schema)) if schema else ():
                answer = http.request(operation.method, url, content=json.dumps(body))
                if _is_bug(place, answer):
                    bugs.append(f"{operation.id}: {json.dumps(body)[:300]}")
            for name in (each["name"] for each in row["parameters"] if each["in"] == "query"):
                for value in EXTREMES.values():
                    text = value if isinstance(value, str) else json.dumps(value)
                    answer = http.request(operation.method, url, params={name: text[:5_000]})
                    if _is_bug(place, answer):
                        bugs.append(f"{operation.id}?{name}={text[:100]}")
    assert bugs == []
    assert engine.bugs() == ""


class _Filled(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "00000000-0000-4000-8000-000000000000"
