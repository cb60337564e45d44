"""Several APIs behind one door: prefixes, the root, and orders that would hide a route."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from starlette.responses import JSONResponse
from starlette.routing import Route, Router

from holdfast.core.domain.errors import InvalidError, UnavailableError
from holdfast.server.app import engine_apis
from holdfast.server.kit.compose import Api, Composed, MadeApi


def api(name: str, *routes: tuple[str, str]) -> Api:
    """An API that answers with its name, the path and what stands in it; 404 is its own as well."""

    async def answer(request: Any) -> JSONResponse:
        return JSONResponse([name, request.url.path, request.path_params])

    async def nothing(scope: Any, receive: Any, send: Any) -> None:
        await JSONResponse([name, "nothing", scope["path"]], 404)(scope, receive, send)

    made = tuple(Route(f"/{name}{path}", answer, methods=[method]) for method, path in routes)
    return MadeApi(name, f"/{name}", Router(list(made), redirect_slashes=False, default=nothing), made)


ONE = api("one", ("GET", "/agents"), ("GET", "/agents/{id}"), ("POST", "/agents"))
TWO = api("two", ("GET", "/agents/current"), ("DELETE", "/agents"), ("GET", "/v1/models"))


async def ask(app: Composed, path: str, method: str = "GET") -> tuple[int, bytes]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "path": path, "method": method, "headers": [], "query_string": b""}
    scope |= {"raw_path": path.encode(), "server": ("localhost", 80), "scheme": "http"}
    await app(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


async def test_each_api_answers_under_its_prefix_whatever_is_at_the_root() -> None:
    for root in ((), ("two",), ("two", "one")):
        app = Composed((ONE, TWO), root)
        assert await ask(app, "/one/agents/7") == (200, b'["one","/one/agents/7",{"id":"7"}]')
        assert await ask(app, "/two/v1/models") == (200, b'["two","/two/v1/models",{}]')


async def test_the_root_answers_by_path_and_method_of_the_first_that_has_both() -> None:
    app = Composed((ONE, TWO), ("two", "one"))
    assert await ask(app, "/agents/current") == (200, b'["two","/two/agents/current",{}]')
    assert await ask(app, "/agents/7") == (200, b'["one","/one/agents/7",{"id":"7"}]')
    assert await ask(app, "/agents", "POST") == (200, b'["one","/one/agents",{}]')
    assert await ask(app, "/agents", "DELETE") == (200, b'["two","/two/agents",{}]')


async def test_what_is_not_at_the_root_is_not_answered_there() -> None:
    app = Composed((ONE, TWO), ("one",))
    assert await ask(app, "/v1/models") == (404, b'["one","nothing","/v1/models"]')
    assert (await ask(Composed((ONE, TWO), ()), "/agents"))[0] == 404


async def test_unknown_paths_below_a_prefix_belong_to_its_api() -> None:
    app = Composed((ONE, TWO), ("one",))
    assert await ask(app, "/two/nothing") == (404, b'["two","nothing","/two/nothing"]')
    assert await ask(app, "/two") == (404, b'["two","nothing","/two"]')
    assert await ask(app, "/twofold") == (404, b'["one","nothing","/twofold"]')


async def test_a_wrong_method_at_the_root_is_405_of_the_api_that_has_the_path() -> None:
    assert (await ask(Composed((ONE, TWO), ("two", "one")), "/v1/models", "PUT"))[0] == 405


async def test_a_websocket_is_closed_and_a_lifespan_is_nothing() -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        raise AssertionError

    app = Composed((ONE, TWO), ("one",))
    await app({"type": "websocket", "path": "/ws"}, receive, send)
    await app({"type": "lifespan"}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_an_unknown_name_for_the_root_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidError, match="there are: one, two") as refused:
        Composed((ONE, TWO), ("three",))
    assert refused.value.code == "unknown_api"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("/agents", "/agents"),
        ("/agents/{id}", "/agents/{name}"),
        ("/agents/{id}", "/agents/current"),
        ("/{rest:path}", "/agents/current"),
        ("/agents/{id:uuid}", "/agents/{name:uuid}"),
        ("/v1/{name}", "/v1/message:send"),
    ],
)
def test_an_order_that_hides_a_route_is_refused(first: str, second: str) -> None:
    one, two = api("one", ("GET", first)), api("two", ("GET", second))
    with pytest.raises(InvalidError, match="Name two first") as refused:
        Composed((one, two), ("one", "two"))
    assert refused.value.code == "root_clash"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("/agents/current", "/agents/{id}"),
        ("/agents/{id:uuid}", "/agents/current"),
        ("/agents/{id:uuid}", "/agents/{name}"),
        ("/agents/{id}", "/agents/{id}/runs"),
        ("/agents/{id}/x", "/agents/y/{name}"),
    ],
)
def test_an_order_in_which_everything_can_be_reached_is_taken(first: str, second: str) -> None:
    Composed((api("one", ("GET", first)), api("two", ("GET", second))), ("one", "two"))


@pytest.mark.parametrize("root", [("holdfast", "openai"), ("openai", "holdfast")])
async def test_the_apis_of_the_engine_share_the_root_in_any_order(root: tuple[str, str]) -> None:
    async def host() -> Any:
        raise UnavailableError("nobody is behind this door")

    apis = engine_apis(host, log=logging.getLogger("holdfast.tests"), closing=asyncio.Event())
    app = Composed(apis, root)
    for path in ("/version", "/holdfast/v1/version"):
        assert (await ask(app, path))[0] == 200
    for path in ("/v1/models", "/openai/v1/models", "/sessions", "/nothing"):
        assert (await ask(app, path))[0] == 401, path


def test_one_path_with_two_methods_is_no_clash() -> None:
    Composed((api("one", ("GET", "/a")), api("two", ("POST", "/a"))), ("one", "two"))
