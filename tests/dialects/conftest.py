"""Dialects behind the real server, on a scripted model; what they answer is held against their documents."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from socket import create_server
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS30Validator, OAS31Validator
from starlette.routing import compile_path
from tests.runs.conftest import Bench, call, door, open_bench, say

from holdfast.server.app import DEFAULT_ROOT, engine_app
from holdfast.server.dialects.every import DIALECTS
from holdfast.server.kit.auth import LocalDoor
from holdfast.server.kit.openapi import document, operation_path
from holdfast.server.kit.operations import Dialect, Document, Operation
from holdfast.server.listener import listen
from holdfast.server.lock import bind_socket

__all__ = ["call", "door", "open_bench", "say"]


class Described:
    """Knows what a dialect says of its answers."""

    def __init__(self, dialect: Dialect) -> None:
        version = dialect.document.version if dialect.document else "3.1.0"
        self._prefix = dialect.prefix
        self._document = document(dialect, Document("/openapi.json", version))
        self._validator = OAS30Validator if version.startswith("3.0") else OAS31Validator
        operations = sorted(dialect.operations, key=lambda one: one.path.replace("{", "~"))
        self._places = [(compile_path(one.path)[0], one) for one in operations]

    def hold(self, method: str, path: str, answer: httpx.Response) -> None:
        """Raises `AssertionError` for an answer that is not as it is described."""
        operation = self._operation("GET" if method == "HEAD" else method, path.removeprefix(self._prefix))
        if operation is None:
            return
        row = self._document["paths"][operation_path(operation)][operation.method.lower()]
        where = f"{operation.id}: {answer.status_code} {answer.text[:500]!r}"
        successes = (operation.status, *(status for status, _ in operation.also))
        assert answer.status_code >= 400 or answer.status_code in successes, where
        said = row["responses"].get(str(answer.status_code)) or row["responses"]["default"]
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if not said.get("content"):
            assert answer.content == b"" or answer.status_code >= 400, where
            return
        content = said["content"].get(kind)
        if content is None:  # a file is of any type
            assert "application/octet-stream" in said["content"], where
        elif kind == "application/json" and method != "HEAD":
            schema = {"components": self._document["components"], "allOf": [content["schema"]]}
            wrong = [
                f"{list(e.absolute_path)}: {e.message}"
                for e in self._validator(schema).iter_errors(json.loads(answer.content))
            ]
            assert not wrong, f"{where} is not as described: {wrong}"

    def _operation(self, method: str, path: str) -> Operation | None:
        found = (one for regex, one in self._places if regex.match(path) and one.method == method)
        return next(found, None)


@cache
def _described() -> dict[str, Described]:
    return {place.prefix: Described(place.load()) for place in DIALECTS}


async def _hold(answer: httpx.Response) -> None:
    path = answer.request.url.path
    described = _described().get(path[: path.find("/", 1)])
    if described is not None and "x-accel-buffering" not in answer.headers:
        await answer.aread()
        described.hold(answer.request.method, path, answer)


@pytest.fixture
def validated() -> Callable[[httpx.AsyncClient], httpx.AsyncClient]:
    """Makes a client raise `AssertionError` for every answer of a dialect that is not as its OpenAPI document
    says: another success than the one, JSON of another form."""

    def validating(client: httpx.AsyncClient) -> httpx.AsyncClient:
        client.event_hooks["response"].append(_hold)
        return client

    return validating


class Served:
    """A workbench behind the server, and a client that is let in."""

    def __init__(self, bench: Bench, socket: Path, address: str, stop: asyncio.Event) -> None:
        self.bench = bench
        self.stop = stop
        """Closes the door when it is set."""
        self.address = address
        """On TCP, for clients that know no unix socket. Nobody is asked for a key there."""
        self.http = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(socket), verify=False),
            base_url="http://engine",
            timeout=20,
        )


@pytest.fixture
def serve(open_bench: Any, tmp_path: Path, validated: Any) -> Callable[..., Any]:
    """Serves all APIs of a workbench whose model plays the given steps; `root` names those at the root,
    `app` makes another application of the bench and the event that closes its door. What `http` gets is
    `validated`."""

    @asynccontextmanager
    async def serving(
        steps: Any = (), *, root: tuple[str, ...] = DEFAULT_ROOT, app: Any = None, **options: Any
    ) -> AsyncIterator[Served]:
        async with open_bench(steps, **options) as bench:

            async def host() -> Any:
                return bench.workbench

            stop = asyncio.Event()
            log = logging.getLogger("holdfast.tests")
            made = app(host, stop) if app else engine_app(host, log=log, closing=stop, root=root)
            socket = tmp_path / "s.sock"
            tcp = create_server(("127.0.0.1", 0))
            tcp.setblocking(False)
            listeners = (bind_socket(socket), tcp)
            servers = [asyncio.create_task(listen(LocalDoor(made), each, stop)) for each in listeners]
            served = Served(bench, socket, f"http://127.0.0.1:{tcp.getsockname()[1]}", stop)
            validated(served.http)
            try:
                yield served
            finally:
                await served.http.aclose()
                stop.set()
                async with asyncio.timeout(10):
                    await asyncio.gather(*servers)

    return serving
