"""What one user has is nobody else's: a second user asks every operation of every API for it, by its ids and
its names wherever a text may stand, and gets nothing of it; afterwards all of it is as it was."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.dialects.test_extremes import Bodies
from tests.server.contract_engine import ContractEngine, World

from holdfast.server.dialects.every import DIALECTS
from holdfast.server.kit.openapi import document
from holdfast.server.kit.operations import Document
from holdfast.server.native.openapi import document_json

pytestmark = pytest.mark.thorough

SECRET = "onlyanns7f3a9c"
"""Stands in everything that the first user says; the second one neither sends nor sees it."""

NAME = "hers"
"""Of what is asked for by its name, which anybody can guess."""

EXAMPLES = 4
"""Requests to each operation."""

AGENT = f"""
version: 1
name: tester
display_name: Tester {SECRET}
model: test
instructions: You are a test, {SECRET}.
tools: [read_file, write_file, ask_user]
workspace: session
"""

STREAMS = ("text/event-stream", "text/plain", "application/jsonl")

OTHERS = ("x", "", "0", "all", "true")
"""Texts that are nobody's."""

CHANGES_BY_ITSELF = frozenset({"last_used_at", "used_at", "expires_at", "updated_at", "size", "disk_bytes"})

OF_HERS = (
    "/agents",
    "/agents/tester/source",
    "/sessions",
    "/runs",
    "/approvals",
    "/questions",
    "/tools",
    "/skills",
    "/prompts",
    "/knowledge/collections",
    "/memory/blocks",
    "/memory/entries",
    "/webhooks",
    "/mcp-servers",
    "/models/own",
    "/objects",
    "/me/ext",
    "/trash",
    "/policy",
    "/keys",
)
"""What must not change, as the native API tells it."""


WITHOUT_WORDS = frozenset(
    {"/approvals", "/questions", "/skills", "/memory/blocks", "/models/own", "/trash", "/policy", "/keys"}
)
"""Of these, what has no words of hers in it."""


class Ann:
    """The first user, with something of each kind."""

    def __init__(self, engine: ContractEngine) -> None:
        self.key = user(engine, "ann")
        self._http = httpx.Client(
            base_url=engine.address, headers={"authorization": f"Bearer {self.key}"}, timeout=60
        )
        self._native("POST", "/agents", yaml=AGENT)
        world = World(engine.url, self.key)
        self.ids = {name.removesuffix("_id"): id for name, id in world.ids().items()}
        world.close()
        for kind in ("provider", "listener", "delivery", "user"):
            self.ids.pop(kind, None)
        self.ids["server"] = self.ids["name"] = self.ids["prompt"] = NAME
        self._native("PUT", f"/sessions/{self.ids['session']}/title", title=f"About {SECRET}")
        self._native("POST", "/prompts", prompt={"name": NAME, "description": SECRET, "text": SECRET})
        self._native("POST", "/memory/entries", content=f"It is {SECRET}.")
        self._native("PATCH", "/me/ext", ext={"sage": {"config": {"mark": SECRET}}})
        hook = self._native(
            "POST", "/webhooks", url="https://example.com/hook", name=SECRET, events=["session.cleared"]
        )
        self.ids["webhook"] = hook["webhook"]["id"]
        server = {"name": NAME, "url": f"https://example.com/{SECRET}"}
        tool = {"name": f"of_{NAME}", "description": SECRET, "endpoint": f"https://example.com/{SECRET}"}
        self._native("POST", "/tools", spec={**tool, "method": "GET"})
        self._native("POST", "/mcp-servers", server={**server, "enabled": False})
        self.ids["agent"] = self._post("/powabase/api/agents", {"name": f"Agent {SECRET}"})["id"]
        self._sage()

    def _sage(self) -> None:
        made = self._post("/sage/api/agent/create", {"name": f"Sage {SECRET}", "systemPrefix": SECRET})
        self.ids["sage_agent"] = made["data"]["agent_id"]
        kdb = self._post("/sage/api/knowledge-base/add", {"name": f"Base {SECRET}", "type": "document"})
        self.ids["kdb"] = kdb["data"]["kdb_id"]
        message = {"role": "user", "content": f"Hello {SECRET}"}
        said = {"messages": [message], "session_id": "sess_ann", "agent_id": self.ids["sage_agent"]}
        self._post("/sage/api/chat", said)
        self.ids["sage_session"] = "sess_ann"
        stored = self._http.post("/sage/api/oss/upload", files={"file": (f"{SECRET}.txt", b"Hers.")})
        assert stored.is_success, stored.text
        # Who knows the address of an object may read it: that is what it is for.

    def everything(self) -> dict[str, Any]:
        """Returns what she has."""
        return {path: steady(self._get(path)) for path in OF_HERS}

    def _get(self, path: str) -> Any:
        answer = self._http.get(f"/holdfast/v1{path}")
        assert answer.is_success, (path, answer.text)
        return answer.json()

    def _native(self, method: str, path: str, **body: Any) -> Any:
        answer = self._http.request(method, f"/holdfast/v1{path}", json=body)
        assert answer.is_success, (path, answer.text)
        return answer.json() if answer.content else None

    def _post(self, path: str, body: Any) -> Any:
        answer = self._http.post(path, json=body)
        assert answer.is_success, (path, answer.text)
        kind = answer.headers.get("content-type", "")
        return answer.json() if kind.startswith("application/json") else None

    def close(self) -> None:
        self._http.close()


def user(engine: ContractEngine, name: str) -> str:
    """Makes a user; returns a key that allows all that a user may."""
    with httpx.Client(base_url=engine.url) as http:
        made = http.post("/users", json={"name": name})
        assert made.is_success, made.text
        key = http.post("/keys", json={"name": name, "scope": "admin", "user": name})
        assert key.is_success, key.text
        return str(key.json()["secret"])


def steady(value: Any) -> Any:
    """Returns what does not change by itself."""
    if isinstance(value, dict):
        return {name: steady(each) for name, each in value.items() if name not in CHANGES_BY_ITSELF}
    return [steady(each) for each in value] if isinstance(value, list) else value


def documents() -> dict[str, Any]:
    """Returns the documents of all APIs, their paths with what stands before them."""
    found = {"holdfast": json.loads(document_json())}
    for place in DIALECTS:
        dialect = place.load()
        version = dialect.document.version if dialect.document else "3.1.0"
        made = document(dialect, Document("/openapi.json", version))
        made["paths"] = {f"{place.prefix}{path}": row for path, row in made["paths"].items()}
        found[place.name] = made
    return found


DOCUMENTS = documents()
OPERATIONS = [
    pytest.param(api, method.upper(), path, id=f"{api}.{row.get('operationId', path)}")
    for api, made in DOCUMENTS.items()
    for path, rows in made["paths"].items()
    for method, row in rows.items()
    if method in ("get", "post", "put", "patch", "delete")
]


@pytest.fixture(scope="module")
def engine() -> Iterator[ContractEngine]:
    with tempfile.TemporaryDirectory(prefix="hf") as home:
        engine = ContractEngine(Path(home))
        yield engine
        engine.stop()


@pytest.fixture(scope="module")
def ann(engine: ContractEngine) -> Iterator[Ann]:
    """Has all that she had when everything was asked."""
    ann = Ann(engine)
    before = ann.everything()
    assert {path for path in OF_HERS if SECRET not in json.dumps(before[path])} == WITHOUT_WORDS
    yield ann
    after = ann.everything()
    assert {path: after[path] for path in OF_HERS if after[path] != before[path]} == {}
    ann.close()


@pytest.fixture(scope="module")
def bob(engine: ContractEngine) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {user(engine, 'bob')}"}
    with httpx.Client(base_url=engine.address, headers=headers, timeout=60) as http:
        yield http


class Request:
    """Draws requests to one operation."""

    def __init__(self, api: str, method: str, path: str, ids: dict[str, str]) -> None:
        self._row = DOCUMENTS[api]["paths"][path][method.lower()]
        self._bodies = Bodies(DOCUMENTS[api])
        self.method, self._path = method, path
        self._ids = ids
        kinds = [kind for each in self._row["responses"].values() for kind in each.get("content", {})]
        self.streams = any(kind in STREAMS for kind in kinds)

    def draw(self, data: st.DataObject) -> dict[str, Any]:
        """Returns the arguments of a request, with what is hers in them."""
        path = re.sub(r"{(\w+)}", lambda found: self._text(data, found[1]), self._path)
        asked = [each for each in self._row.get("parameters", ()) if each["in"] == "query"]
        query = {
            each["name"]: self._text(data, each["name"])
            for each in asked
            if each.get("required") or data.draw(st.booleans(), label=each["name"])
        }
        content = self._row.get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if schema is None:
            return {"url": path, "params": query}
        return {"url": path, "params": query, "json": self._filled(data, self._bodies.plain(schema), "")}

    def _filled(self, data: st.DataObject, value: Any, name: str) -> Any:
        if isinstance(value, dict):
            return {key: self._filled(data, each, key) for key, each in value.items()}
        if isinstance(value, list):
            return [self._filled(data, each, name) for each in value]
        return self._text(data, name) if value == "x" else value

    def _text(self, data: st.DataObject, name: str) -> str:
        """Returns what stands as a text of this name: first of all her thing of that kind."""
        near = [id for kind, id in self._ids.items() if kind.rpartition("_")[2] in name.lower()]
        rest = [*self._ids.values(), *OTHERS]
        return data.draw(st.sampled_from([*near, *near, *near, *rest]), label=name or "text")


@pytest.mark.parametrize(("api", "method", "path"), OPERATIONS)
def test_nothing_of_hers_is_told(
    engine: ContractEngine, ann: Ann, bob: httpx.Client, api: str, method: str, path: str
) -> None:
    asking = Request(api, method, path, ann.ids)

    @given(data=st.data())
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def told_nothing(data: st.DataObject) -> None:
        request = asking.draw(data)
        said = answered(bob, asking, request)
        assert not [one for one in (SECRET, "Forty") if one in said], (request, said[:2_000])

    told_nothing()
    assert engine.bugs() == ""


def answered(http: httpx.Client, asking: Request, request: dict[str, Any]) -> str:
    """Returns the answer; of a stream that goes on what came first."""
    timeout = httpx.Timeout(30, read=2 if asking.streams else 60)
    said = b""
    try:
        with http.stream(asking.method, timeout=timeout, **request) as answer:
            for piece in answer.iter_raw():
                said += piece
    except httpx.ReadTimeout:
        assert asking.streams
    return said.decode("utf-8", "replace")
