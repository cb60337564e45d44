from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import httpx2
import pytest
import uvicorn
from good_server import make
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from holdfast.core.domain.errors import ToolError, UnavailableError
from holdfast.core.domain.mcp import McpServerSpec, McpState
from holdfast.core.tools.mcp.connection import Connection
from holdfast.core.tools.mcp.flood import Flood
from holdfast.core.tools.mcp.http import Guarded

Connect = Callable[..., Connection]


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[str]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.force_exit = server.should_exit = True
        await task
        listener.close()


@asynccontextmanager
async def good_server(seen: list[str]) -> AsyncIterator[str]:
    """Yields an address; `seen` gets what authorization each request shows."""
    server = make()
    inner = server.streamable_http_app(streamable_http_path="/")

    async def guarded(scope: dict, receive: object, send: object) -> None:
        seen.append(dict(scope["headers"]).get(b"authorization", b"").decode())
        await inner(scope, receive, send)  # type: ignore[arg-type]

    async with (
        server.session_manager.run(),
        serving(Starlette(routes=[Mount("/mcp", guarded)])) as url,
    ):
        yield f"{url}/mcp/"


async def call(made: Connection, tool: str, **arguments: object) -> object:
    return (await made.call(tool, dict(arguments), lambda text: None)).structured


async def test_an_address_answers_and_gets_the_secret_header(connect: Connect) -> None:
    headers = {"Authorization": "Bearer ${secret:given}"}
    seen: list[str] = []

    async with good_server(seen) as url:
        made = connect(McpServerSpec(name="web", url=url, headers=headers))
        listing = await made.listing()
        sum_ = await call(made, "add", a=2, b=3)
        await made.stop()

    assert {"add", "secret"} <= {tool.own_name for tool in listing.tools}
    assert sum_ == {"result": 5}
    assert set(seen) == {"Bearer s3cret-value"}


async def test_an_address_that_has_moved_on_the_same_host_is_followed_with_all_that_was_said(
    connect: Connect,
) -> None:
    headers = {"Authorization": "Bearer ${secret:given}"}
    seen: list[str] = []
    async with good_server(seen) as url:
        made = connect(McpServerSpec(name="web", url=url.removesuffix("/"), headers=headers))
        assert await call(made, "add", a=2, b=3) == {"result": 5}
        await made.stop()
    assert set(seen) == {"Bearer s3cret-value"}


@pytest.mark.parametrize("to", ["http://127.0.0.1:1/mcp", "http://localhost/mcp", "round", "http://[::bad"])
async def test_an_address_that_moves_elsewhere_or_in_rounds_is_not_followed(
    connect: Connect, to: str
) -> None:
    asked: list[str] = []

    async def there(request: Request) -> Response:
        asked.append(request.headers["host"])
        return Response(status_code=307, headers={"location": to})

    async with serving(Starlette(routes=[Route("/{path:path}", there, methods=["GET", "POST"])])) as url:
        made = connect(McpServerSpec(name="web", url=f"{url}/mcp"))
        with pytest.raises(UnavailableError):
            await made.listing()
    assert set(asked) == {url.removeprefix("http://")} and len(asked) < 20


async def test_an_address_of_the_older_transport_answers(connect: Connect) -> None:
    async with serving(make().sse_app()) as url:
        made = connect(McpServerSpec(name="web", url=f"{url}/sse", sse=True))
        sum_ = await call(made, "add", a=2, b=3)
        await made.stop()

    assert sum_ == {"result": 5}


async def test_private_addresses_are_for_administrators(connect: Connect) -> None:
    seen: list[str] = []

    async with good_server(seen) as url:
        made = connect(McpServerSpec(name="web", url=url), admin=False)
        with pytest.raises(UnavailableError, match="not at a public address"):
            await made.listing()
    assert seen == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Response(b"x" * 9 * 2**20, media_type="application/json"), "more than 8 MiB"),
        (
            Response(gzip.compress(bytes(9 * 2**20)), 200, {"content-encoding": "gzip"}, "application/json"),
            "packs its answer",
        ),
        (PlainTextResponse("no", 500), "error response"),
        (RedirectResponse("http://169.254.169.254/latest/", 307), "not followed"),
        (PlainTextResponse("hello"), "content type"),
    ],
)
async def test_an_address_that_answers_wrongly_is_told_of(
    connect: Connect, answer: Response, reason: str
) -> None:
    async def endpoint(request: Request) -> Response:
        return answer

    async with serving(Starlette(routes=[Route("/mcp", endpoint, methods=["GET", "POST"])])) as url:
        made = connect(McpServerSpec(name="web", url=f"{url}/mcp"))
        with pytest.raises(UnavailableError, match=reason):
            await made.listing()
        await made.stop()


class Forgetful:
    """A server of the older protocol, which forgets its sessions when it is told to."""

    def __init__(self) -> None:
        self.sessions: list[str] = []
        self.forgotten: set[str] = set()

    async def answer(self, request: Request) -> Response:
        if request.method != "POST":
            return Response(status_code=405)
        asked = await request.json()
        if request.headers.get("mcp-session-id") in self.forgotten:
            return Response(status_code=404)
        if "id" not in asked:
            return Response(status_code=202)
        headers: dict[str, str] = {}
        result: dict[str, object] = {"content": [{"type": "text", "text": "done"}]}
        match asked["method"]:
            case "initialize":
                self.sessions.append(f"session-{len(self.sessions)}")
                headers = {"mcp-session-id": self.sessions[-1]}
                info = {"name": "forgetful", "version": "1"}
                capabilities: dict[str, object] = {"tools": {}}
                version = "2025-06-18"
                result = {"protocolVersion": version, "capabilities": capabilities, "serverInfo": info}
            case "tools/list":
                result = {"tools": [{"name": "work", "inputSchema": {"type": "object"}}]}
            case "tools/call":
                pass
            case _:
                error = {"code": -32601, "message": "unknown"}
                return JSONResponse({"jsonrpc": "2.0", "id": asked["id"], "error": error})
        return JSONResponse({"jsonrpc": "2.0", "id": asked["id"], "result": result}, headers=headers)


async def test_an_address_that_forgot_the_session_is_asked_anew(connect: Connect) -> None:
    server = Forgetful()
    async with serving(
        Starlette(routes=[Route("/mcp", server.answer, methods=["GET", "POST", "DELETE"])])
    ) as url:
        made = connect(McpServerSpec(name="web", url=f"{url}/mcp"))
        await call(made, "work")
        server.forgotten.update(server.sessions)
        with pytest.raises((ToolError, UnavailableError), match="Session terminated"):
            await call(made, "work")
        await made.stop()
        assert (made.state, made.failures) == (McpState.FAILED, 1)
        await made.check()
        await call(made, "work")
        await made.stop()

    assert len(server.sessions) == 2
    assert made.failures == 0


async def test_an_address_where_nothing_listens_is_told_of(connect: Connect) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/mcp"
        with pytest.raises(UnavailableError):
            await connect(McpServerSpec(name="web", url=url)).listing()


async def test_a_name_is_looked_up_once_and_the_connection_goes_to_what_was_checked() -> None:
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, content=b"{}")

    async def resolve(host: str, port: int) -> Sequence[str]:
        return {"good.example": ["93.184.216.34"], "bad.example": ["169.254.169.254"]}[host]

    guarded = Guarded(httpx2.MockTransport(answer), allow_private=False, flood=Flood(), resolve=resolve)
    async with httpx2.AsyncClient(transport=guarded) as client:
        await client.get("https://good.example/mcp")
        with pytest.raises(httpx2.ConnectError, match="not at a public address"):
            await client.get("https://bad.example/mcp")

    (request,) = asked
    assert (request.url.host, request.headers["host"]) == ("93.184.216.34", "good.example")
    assert request.extensions["sni_hostname"] == "good.example"


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize("size", [1, 5, 6, 7, 4_096])
async def test_messages_are_counted_at_any_end_of_a_line_and_of_a_piece(end: bytes, size: int) -> None:
    counted: list[int] = []

    class Counting(Flood):
        def count(self, size: int, messages: int = 1) -> None:
            counted.append(messages)

    async def body() -> AsyncIterator[bytes]:
        text = (b"data: {}" + end + end) * 20
        for at in range(0, len(text), size):
            yield text[at : at + size]

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body())

    guarded = Guarded(httpx2.MockTransport(answer), allow_private=True, flood=Counting())
    async with httpx2.AsyncClient(transport=guarded) as client:
        await client.get("http://127.0.0.1/mcp")

    assert sum(counted) == 20


@pytest.mark.parametrize("encoding", ["gzip", "br, identity", "identity, deflate"])
async def test_nothing_of_a_packed_answer_is_unpacked(encoding: str) -> None:
    read: list[bytes] = []

    async def body() -> AsyncIterator[bytes]:
        read.append(b"x")
        yield gzip.compress(bytes(2**20))

    def answer(request: httpx2.Request) -> httpx2.Response:
        headers = {"content-type": "text/event-stream", "content-encoding": encoding}
        return httpx2.Response(200, headers=headers, content=body())

    guarded = Guarded(httpx2.MockTransport(answer), allow_private=True, flood=Flood())
    async with httpx2.AsyncClient(transport=guarded) as client:
        with pytest.raises(httpx2.ReadError, match="packs its answer"):
            await client.get("http://127.0.0.1/mcp")
    assert read == []


def test_a_flood_is_counted_in_windows_of_time() -> None:
    now = 0.0
    flood = Flood(lambda: now)
    for _ in range(3):
        flood.count(30 * 2**20)
        flood.count(30 * 2**20)
        now += 11
    flood.count(60 * 2**20)
    with pytest.raises(ToolError, match="far more"):
        flood.count(10 * 2**20)
