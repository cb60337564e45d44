"""A made-up dialect: one operation for each thing that the kit does."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.responses import JSONResponse

from holdfast.core.domain.errors import STATUS, ErrorInfo, NotFoundError, UnauthenticatedError
from holdfast.core.domain.identity import LOCAL_PRINCIPAL, Principal
from holdfast.core.domain.messages import TextPart
from holdfast.server.kit.answers import EventEncoder, RunAnswer, state_of
from holdfast.server.kit.auth import ask_for_key
from holdfast.server.kit.operations import Call, Dialect, Document, Door, Operation
from holdfast.server.kit.reading import ids_of
from holdfast.server.kit.serving import dialect_api
from holdfast.server.kit.starting import start_now

KEY = "open sesame"


class Thing(BaseModel):
    name: str
    size: int = 0
    note: str | None = None


class Mistake(BaseModel):
    field: str
    message: str


class Oops(BaseModel):
    oops: str
    fields: list[Mistake]


class Wanted(BaseModel):
    flag: bool = False
    limit: int = 10
    name: str = ""


def render(
    info: ErrorInfo, request_id: str, *, status: int | None = None, headers: Any = None
) -> JSONResponse:
    said = {"oops": info.message, "fields": info.details.get("fields", [])}
    return JSONResponse(said, status or STATUS[info.kind], headers)


def odd(info: ErrorInfo, request_id: str, *, status: int | None = None, headers: Any = None) -> JSONResponse:
    return JSONResponse({"odd": info.code}, status or STATUS[info.kind], headers)


async def listed(call: Call) -> list[Thing]:
    """Lists things: as many as are wanted.

    This is not in its summary.
    """
    return [Thing(name=f"{call.query.flag} {call.query.name}", size=call.query.limit)]


async def made(call: Call) -> Thing:
    return Thing(name=call.body.name, size=call.body.size, note=call.body.note)


async def counted(call: Call) -> dict[str, Any]:
    return {"ids": ids_of(call.path["ids"]), "why": call.body.get("why", "")}


async def one(call: Call) -> Thing:
    raise NotFoundError(f"There is no thing {call.path['id']}.", code="thing_not_found")


async def nothing(call: Call) -> None:
    return None


async def hello(call: Call) -> str:
    return "hello"


async def broken(call: Call) -> str:
    raise ValueError("a secret of the inside")


class Words(EventEncoder[bytes]):
    """A line for each text, with what has come so far at the end."""

    def begin(self) -> Iterable[bytes]:
        return [b"begin\n"]

    def frames(self, logged: Any) -> Iterable[bytes]:
        event = logged.event
        if event.type == "part.delta":
            if self.state.asked[0].text == "bug":
                raise ValueError("a secret of the inside")
            yield f"text {json.dumps(self.state.separator + event.text)}\n".encode()
        elif self.state.ended:
            yield f"end {self.state.status}\n".encode()

    def cut(self, error: ErrorInfo) -> Iterable[bytes]:
        yield f"cut {error.code} after {json.dumps(self.state.reply)}\n".encode()


async def _started(call: Call, encoder: EventEncoder[bytes]) -> RunAnswer[bytes]:
    session = await call.workbench.sessions.create("tester", "")
    run_id = await start_now(call.workbench, session, (TextPart(text=call.body.name),))
    return RunAnswer(call, run_id, encoder, "cancel" if call.query.flag else "detach")


async def streamed(call: Call) -> Any:
    return (await _started(call, Words())).stream(media_type="text/plain", ping=b"...\n")


async def waited(call: Call) -> dict[str, Any]:
    state = await (await _started(call, Words())).whole()
    return {"status": state.status, "reply": state.reply, "run": state.run_id}


async def read(call: Call) -> dict[str, Any]:
    state = await state_of(call.workbench, await call.workbench.runs.get(str(call.path["id"])))
    return {"status": state.status, "reply": state.reply, "run": state.run_id}


OPERATIONS = (
    Operation("list", "GET", "/things", listed, result=list[Thing], query=Wanted),
    Operation("make", "POST", "/things", made, 201, Thing, body=Thing),
    Operation("remove", "DELETE", "/things/{ids}", counted, 202, dict[str, Any], body=dict, required=False),
    Operation("get", "GET", "/things/{id:uuid}", one, result=Thing),
    Operation("clear", "DELETE", "/things", nothing, 204),
    Operation("hello", "GET", "/hello/{name}", hello, result=str, public=True),
    Operation("greet", "POST", "/hello/{name}", hello, 201, str),
    Operation("number", "GET", "/numbers/{n:int}", hello, result=str),
    Operation("odd", "POST", "/odd/one", made, result=Thing, body=Thing),
    Operation("broken", "GET", "/broken", broken, result=str),
    Operation("stream", "POST", "/stream", streamed, query=Wanted, body=Thing),
    Operation("whole", "POST", "/whole", waited, result=dict[str, Any], query=Wanted, body=Thing),
    Operation("run", "GET", "/runs/{id:uuid}", read, result=dict[str, Any]),
)


def secret_of(headers: Headers) -> str:
    return headers.get("x-word", "")


DIALECT = Dialect(
    "toy",
    "/toy",
    "A toy",
    OPERATIONS,
    render,
    shapes=(("/odd", odd),),
    secret_of=secret_of,
    omit_null=True,
    nothing_there="Nothing.",
    error=Oops,
    document=Document("/spec.yaml", "3.0.3", page="/ui/"),
)


@dataclass
class Doorkeeper:
    """Lets in who says the word."""

    app: Any
    asked: list[str] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        ask_for_key(scope, self.admit)
        await self.app(scope, receive, send)

    async def admit(self, secret: str) -> Principal:
        self.asked.append(secret)
        if secret != KEY:
            raise UnauthenticatedError("Say the word.", code="key_unknown")
        return LOCAL_PRINCIPAL


class NoHost:
    """A host whose view of everybody is a mark, and itself for what is public."""

    def as_principal(self, principal: Principal) -> str:
        return "a view"


def toy_app(host: Any, closing: asyncio.Event, **options: Any) -> Any:
    return dialect_api(DIALECT, Door(host, closing, **options), log=logging.getLogger("holdfast.tests")).app


@pytest.fixture
def ask() -> Callable[..., Any]:
    """A client of the toy, without a server and without a workbench; it says the word."""

    @asynccontextmanager
    async def asking(*, word: str = KEY, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
        async def host() -> Any:
            return NoHost()

        keeper = Doorkeeper(toy_app(host, asyncio.Event(), **options))
        transport = httpx.ASGITransport(keeper)
        headers = {"x-word": word} if word else {}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://toy/toy", headers=headers
        ) as client:
            yield client

    return asking


@pytest.fixture
def serve_toy(serve: Any) -> Callable[..., Any]:
    """The toy behind the real server, on a workbench whose model plays the given steps."""

    @asynccontextmanager
    async def serving(steps: Any = (), **options: Any) -> AsyncIterator[Any]:
        async with serve(steps, app=lambda host, stop: toy_app(host, stop, **options)) as served:
            yield served

    return serving
