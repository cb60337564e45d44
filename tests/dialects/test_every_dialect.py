"""What holds for every operation of every dialect: who is let in, what is not there, how it is built."""

from __future__ import annotations

import ast
import asyncio
import inspect
import logging
import re
import textwrap
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate
from tests.dialects.places import fill
from tests.knowledge_service.conftest import MemoryIndex

from holdfast.core.config.paths import Paths
from holdfast.core.domain.errors import UnauthenticatedError
from holdfast.core.domain.identity import Principal, Scope
from holdfast.core.domain.mcp import McpServerSpec
from holdfast.core.domain.prompts import PromptSpec
from holdfast.core.files.blobs import FileBlobs
from holdfast.server import dialects
from holdfast.server.app import engine_app
from holdfast.server.dialects.every import DIALECTS, DialectPlace
from holdfast.server.kit.auth import ask_for_key
from holdfast.server.kit.manifest import read_manifest
from holdfast.server.kit.openapi import document, operation_path
from holdfast.server.kit.operations import Document, Operation
from holdfast.server.kit.reading import adapter_of

EVERY = pytest.mark.parametrize("place", DIALECTS, ids=lambda place: place.name)
OPERATIONS = [
    pytest.param(place, one, id=f"{place.name}.{one.id}")
    for place in DIALECTS
    for one in place.load().operations
]
FOLDER = Path(dialects.__file__).parent

LEAST_ASKED = {"genlabs": -1}
"""More operations than this have an id of something in their path; GenLabs' stand in bodies."""

SAYS_THE_SAME = {
    *("dexto.cancel_session", "dexto.delete_session"),
    *("sage.interrupt_session", "sage.list_injected_messages", "sage.kdb_doc_info", "sage.kdb_doc_redo"),
}
"""Operations whose upstream answers alike whether there is such a thing or not: nobody learns more of it."""

NO_JSON = {"sage": 422}
"""The status of an answer to a body that is no JSON, where it is not 400."""

REFUSED = {"sage": (400, 404, 422, 500)}
"""The statuses of answers to who asks for what is not there, where they are more than 400 and 404."""

LONGEST_HANDLER = 15
"""Lines of code, without signature and docstring."""
LONGEST_SHARED = 25


def path_of(place: DialectPlace, operation: Operation) -> str:
    path = re.sub(r"{\w+:int}", "7", operation.path)
    return place.prefix + re.sub(r"{\w+(?::\w+)?}", lambda _: str(uuid.uuid4()), path)


def held(place: DialectPlace, answer: httpx.Response) -> None:
    """Says that an error has the dialect's shape."""
    dialect = place.load()
    shape = next(
        (shape for path, shape in dialect.shapes if answer.request.url.path.startswith(place.prefix + path)),
        None,
    )
    assert "Traceback" not in answer.text
    if answer.request.method == "HEAD":
        assert answer.content == b""
        return
    if place.name == "dexto" and answer.headers["content-type"].startswith("text/plain"):
        assert (answer.status_code, answer.text) == (404, "404 Not Found")  # unknown paths and methods
        return
    assert place.name == "sage" or "detail" not in answer.json()
    if shape is None:
        adapter_of(dialect.error).validate_json(answer.content, extra="forbid")


@pytest.fixture
async def stranger() -> Any:
    """A client whose key nobody knows."""

    async def host() -> Any:
        raise AssertionError("nobody was let in")

    app = engine_app(host, log=logging.getLogger("holdfast.tests"), closing=asyncio.Event())

    async def refuse(secret: str) -> Principal:
        raise UnauthenticatedError("This key is not known.", code="key_unknown")

    async def door(scope: Any, receive: Any, send: Any) -> None:
        ask_for_key(scope, refuse)
        await app(scope, receive, send)

    headers = {"authorization": "Bearer wrong"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(door), base_url="http://engine", headers=headers
    ) as client:
        yield client


@pytest.mark.parametrize(("place", "operation"), OPERATIONS)
async def test_a_wrong_key_is_401_in_the_dialects_shape(
    stranger: httpx.AsyncClient, place: DialectPlace, operation: Operation
) -> None:
    if operation.public:
        return
    answer = await stranger.request(operation.method, path_of(place, operation), content=b"{")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    held(place, answer)


@EVERY
async def test_what_is_not_there_is_answered_in_the_dialects_shape(serve: Any, place: DialectPlace) -> None:
    """Unknown paths, unknown ids, wrong methods, bodies that are no JSON."""
    async with serve() as served:
        served.http.headers["content-type"] = "application/json"
        for operation in place.load().operations:
            path = path_of(place, operation)
            answer = await served.http.request("TRACE", path)
            assert answer.status_code == (404 if place.name == "dexto" else 405), operation.id
            held(place, answer)
            if operation.body is not None:
                answer = await served.http.request(operation.method, path, content=b"{")
                assert answer.status_code == NO_JSON.get(place.name, 400), operation.id
                held(place, answer)
            if ":uuid}" in operation.path and f"{place.name}.{operation.id}" not in SAYS_THE_SAME:
                answer = await served.http.request(operation.method, path)
                wrong = (400, 404) if operation.body or operation.query or operation.takes else (404,)
                wrong = REFUSED.get(place.name, wrong)
                assert answer.status_code in (*wrong, 501), (operation.id, answer.text)
                held(place, answer)
        answer = await served.http.get(f"{place.prefix}/nothing/there")
        assert answer.status_code == 404
        held(place, answer)


@pytest.fixture
def index(tmp_path: Path) -> MemoryIndex:
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "home")})
    return MemoryIndex(paths.knowledge, FileBlobs(paths.blobs))


def switching(host: Any, stop: asyncio.Event) -> Any:
    """The engine's APIs; who shows a key is who it says."""
    app = engine_app(host, log=logging.getLogger("holdfast.tests"), closing=stop)

    async def authenticate(secret: str) -> Principal:
        found: Principal = await (await host()).authenticate(secret)
        return found

    async def door(scope: Any, receive: Any, send: Any) -> None:
        if any(name == b"authorization" for name, _ in scope["headers"]):
            del scope["state"]["principal"]
            ask_for_key(scope, authenticate)
        await app(scope, receive, send)

    return door


async def things(served: Any) -> dict[str, str]:
    """Makes something of each kind, which is the local user's; returns their ids."""
    bench, http = served.bench, served.http
    agent = (await http.post("/powabase/api/agents", json={"name": "Mine"})).json()["id"]
    session = await bench.session()
    run_id = await bench.send(session)
    ended = await bench.end(run_id)
    collection = await bench.workbench.knowledge.create("Mine", "What is mine")
    block = await bench.workbench.memory.create_block("Mine", "It is mine.")
    entry = await bench.workbench.memory.remember("Mine")
    await bench.workbench.mcp.add(McpServerSpec(name="mine", url="https://mine.example.com"))
    await bench.workbench.prompts.create(PromptSpec(name="mine", text="Mine"))
    webhook = await http.post("/dexto/api/webhooks", json={"url": "https://mine.example.com"})
    added = next(one.event for one in ended if one.event.type == "message.added")
    return {
        "entry": entry.id,
        "server": "mine",
        "prompt": "mine",
        "webhook": webhook.json()["webhook"]["id"],
        "agent": agent,
        "session": session.id,
        "run": run_id,
        "message": added.message_id,
        "collection": collection.id,
        "block": block.id,
    }


@EVERY
async def test_what_belongs_to_somebody_else_is_not_there(
    serve: Any, say: Any, index: MemoryIndex, place: DialectPlace
) -> None:
    async with serve([say("Hello")], app=switching, knowledge=index) as served:
        ids = await things(served)
        await served.bench.workbench.users.add("ann")
        key = await served.bench.workbench.keys.create("ann", Scope.ADMIN, user="ann")
        headers = {"authorization": f"Bearer {key.secret}"}
        asked = 0
        for operation in place.load().operations:
            path = operation_path(operation)
            if not (parameters := fill(path, ids)):
                continue
            answer = await served.http.request(
                operation.method, place.prefix + path.format(**parameters), headers=headers
            )
            asked += 1
            # What else is wrong with the request may be told of first.
            more = operation.body or operation.query or operation.takes or len(parameters) > 1
            wrong = REFUSED.get(place.name, (400, 404) if more else (404,))
            if f"{place.name}.{operation.id}" in SAYS_THE_SAME:
                assert answer.status_code == operation.status
                continue
            assert answer.status_code in wrong, (operation.id, answer.text)
            held(place, answer)
        assert asked > LEAST_ASKED.get(place.name, 10)
        mine = await served.http.get(f"/holdfast/v1/sessions/{ids['session']}")
        assert mine.status_code == 200


@EVERY
async def test_what_is_not_supported_says_so(serve: Any, place: DialectPlace) -> None:
    missing = {row.id for row in read_manifest(place.package).operations if row.status == "unsupported"}
    async with serve() as served:
        for operation in place.load().operations:
            if operation.id in missing:
                answer = await served.http.request(operation.method, path_of(place, operation), json={})
                assert answer.status_code == 501, operation.id
                held(place, answer)


@EVERY
def test_the_document_of_a_dialect_is_valid(place: DialectPlace) -> None:
    dialect = place.load()
    assert dialect.error is not None
    assert dialect.document is not None
    validate(document(dialect, dialect.document))
    validate(document(dialect, Document("/openapi.json", dialect.document.version)))


@EVERY
async def test_the_document_is_served_to_everybody(stranger: httpx.AsyncClient, place: DialectPlace) -> None:
    where = place.load().document
    assert where is not None
    assert (await stranger.get(place.prefix + where.path)).status_code == 200
    if where.page:
        assert (await stranger.get(place.prefix + where.page)).status_code == 200


@EVERY
def test_every_operation_says_what_it_does(place: DialectPlace) -> None:
    assert [one.id for one in place.load().operations if not inspect.getdoc(one.answer)] == []


@EVERY
def test_a_handler_is_short(place: DialectPlace) -> None:
    """A longer one means that a service, or a function of the mapping, is missing."""
    operations = place.load().operations
    assert [one.id for one in operations if _lines_of(_handler(one)) > LONGEST_HANDLER] == []


def _handler(operation: Operation) -> ast.AsyncFunctionDef:
    tree = ast.parse(textwrap.dedent(inspect.getsource(operation.answer)))
    return next(node for node in tree.body if isinstance(node, ast.AsyncFunctionDef))


@EVERY
def test_what_handlers_share_is_short(place: DialectPlace) -> None:
    assert [
        f"{path.name}: {node.name}"
        for path, tree in modules_of(place)
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef) and _lines_of(node) > LONGEST_SHARED
    ] == []


def _lines_of(node: ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0  # type: ignore[operator]


@EVERY
def test_messages_and_mappings_wait_for_nothing(place: DialectPlace) -> None:
    """What is on the wire, and what is made of it, is data and pure functions."""
    waiting = (ast.AsyncFunctionDef, ast.Await)
    assert [
        path.name
        for path, tree in modules_of(place)
        if path.name.startswith(("wire", "mapping", "errors"))
        and any(isinstance(node, waiting) for node in ast.walk(tree))
    ] == []


def modules_of(place: DialectPlace) -> Iterator[tuple[Path, ast.Module]]:
    """Yields the modules of a dialect, read."""
    for path in sorted(FOLDER.joinpath(place.name).glob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))
