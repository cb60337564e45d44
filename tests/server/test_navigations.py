"""What pages of other sites may lead a browser to: few declared places, with nothing but an address."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import httpx
import pytest
from server_fakes import FakeWorkbench
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, Router

from holdfast.core.domain.status import AccessLine
from holdfast.server.kit.compose import AT_ROOT, Composed, LateApi, MadeApi
from holdfast.server.kit.operations import Call, Dialect, Door, Operation
from holdfast.server.kit.pages import escaped, page
from holdfast.server.kit.serving import dialect_api
from holdfast.server.security import HostNames, Rates, TcpDoor

LED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
HOME = "http://127.0.0.1:8700"


async def _answer(call: Call) -> Any:
    """Answers."""
    return PlainTextResponse("arrived")


OPERATIONS = (
    Operation("come", "GET", "/come/{id}", _answer, public=True, navigated=True, other_paths=("/here",)),
    Operation("send", "POST", "/come/{id}", _answer, public=True),
    Operation("look", "GET", "/look", _answer, public=True),
)


def client(root: tuple[str, ...] = ()) -> httpx.AsyncClient:
    """Asks a door like that of a listener, behind which is a dialect that is made late."""

    async def host() -> Any:
        return FakeWorkbench()

    door = Door(host, asyncio.Event())
    log = logging.getLogger("holdfast.tests")
    late = LateApi(
        "led", "/led", lambda: dialect_api(Dialect("led", "/led", "Led", OPERATIONS), door, log=log)
    )
    first = MadeApi("first", "/first", Router(), ())
    apis = Composed((first, late), root)
    lines: list[AccessLine] = []
    tcp = TcpDoor(
        apis,
        host,
        HostNames("127.0.0.1", "127.0.0.1"),
        Rates(100, 100),
        lines.append,
        keyless=False,
        body_s=5,
        navigated=apis.navigated,
    )

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await tcp({**scope, "state": {}}, receive, send)

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOME)


async def test_a_page_of_another_site_leads_a_browser_to_what_is_made_for_it() -> None:
    async with client() as http:
        for path in ("/led/come/7", "/led/come/7?state=x", "/led/here"):
            for site in ("cross-site", "same-site"):
                came = await http.get(path, headers=LED | {"Sec-Fetch-Site": site})
                assert (came.status_code, came.text) == (200, "arrived"), path


async def test_without_the_prefix_it_is_the_same_place() -> None:
    async with client(("led",)) as http:
        assert (await http.get("/come/7", headers=LED)).status_code == 200
        assert (await http.get("/look", headers=LED)).status_code == 403
    async with client(("first",)) as http:
        assert (await http.get("/come/7", headers=LED)).status_code == 403


@pytest.mark.parametrize("path", ["/led/look", "/led/come", "/led/come/7/8", "/led", "/first/x", "/x"])
async def test_no_page_leads_to_anything_else(path: str) -> None:
    async with client() as http:
        refused = await http.get(path, headers=LED)
        assert refused.status_code == 403
        assert refused.json()["error"]["code"] == "origin_not_allowed"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Mode": ""},
        {"Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Dest": "embed"},
        {"Sec-Fetch-Dest": ""},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Content-Length": "3"},
        {"Transfer-Encoding": "chunked"},
        {"Host": "evil.example"},
    ],
)
async def test_only_the_window_of_a_person_is_led_there(headers: dict[str, str]) -> None:
    async with client() as http:
        content = b"abc" if "Content-Length" in headers else None
        asked = http.build_request("GET", "/led/come/7", headers=LED | headers, content=content)
        assert (await http.send(asked)).status_code == 403


async def test_other_methods_lead_nowhere() -> None:
    async with client() as http:
        assert (await http.post("/led/come/7")).status_code == 200
        for method in ("POST", "HEAD", "OPTIONS", "PUT"):
            assert (await http.request(method, "/led/come/7", headers=LED)).status_code == 403, method


async def test_two_values_of_a_header_are_none_of_a_browser() -> None:
    async with client() as http:
        headers = [*LED.items(), ("Sec-Fetch-Mode", "navigate")]
        assert (await http.get("/led/come/7", headers=headers)).status_code == 403


async def test_what_is_told_of_an_api_stands_at_the_root_as_well() -> None:
    async def tell(request: Any) -> JSONResponse:
        return JSONResponse([request.url.path, AT_ROOT in request.scope])

    path = "/.well-known/oauth-authorization-server"
    routes = tuple(Route(f"/led{each}", tell) for each in (path, f"{path}/oauth2"))
    told = MadeApi("led", "/led", Router(list(routes)), routes)
    for root in ((), ("led",)):
        transport = httpx.ASGITransport(Composed((told,), root))
        async with httpx.AsyncClient(transport=transport, base_url=HOME) as http:
            assert (await http.get(f"{path}/led")).json() == [f"/led{path}", False]
            assert (await http.get(f"{path}/led/oauth2")).json() == [f"/led{path}/oauth2", False]
            assert (await http.get(f"{path}/ledger")).status_code == 404
    transport = httpx.ASGITransport(Composed((told,), ("led",)))
    async with httpx.AsyncClient(transport=transport, base_url=HOME) as http:
        assert (await http.get(path)).json() == [f"/led{path}", True]


def test_a_page_lets_nothing_in_and_itself_be_framed_by_nobody() -> None:
    made = page(
        "A & <b>",
        f"<p>{escaped('<here>')}</p>",
        leads_to=["https://app.example:8/cb?x=1", "com.example.app:/cb"],
    )
    rules = made.headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in rules
    assert "frame-ancestors 'none'" in rules
    assert "form-action 'self' https://app.example:8 com.example.app:" in rules
    assert made.headers["x-frame-options"] == "DENY"
    assert b"<title>A &amp; &lt;b&gt;</title>" in made.body
    assert b"<script" not in made.body
    assert b"<p>&lt;here&gt;</p>" in made.body
