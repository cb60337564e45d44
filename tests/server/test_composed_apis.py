"""Several APIs behind one door: prefixes, the root, and orders that would hide a route."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from typing import Any

import pytest
from starlette.responses import JSONResponse
from starlette.routing import Route, Router, WebSocketRoute

from holdfast.cli.commands.serve import APIS
from holdfast.core.domain.errors import InvalidError, UnavailableError
from holdfast.server.app import engine_apis
from holdfast.server.dialects.every import DIALECTS
from holdfast.server.kit.compose import Api, Composed, MadeApi
from holdfast.server.kit.sockets import SocketRoute


def api(name: str, *routes: tuple[str, str]) -> MadeApi:
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


async def test_a_lifespan_is_nothing() -> None:
    async def never(message: Any = None) -> Any:
        raise AssertionError

    await Composed((ONE, TWO), ("one",))({"type": "lifespan"}, never, never)


def with_socket(name: str, path: str, at_root: bool = False) -> Api:
    """An API with nothing but a WebSocket; `at_root` means that a query of `a` asks for it at the root."""
    route = WebSocketRoute(f"/{name}{path}", never_asked)
    socket = SocketRoute(route, (lambda query: "a" in query) if at_root else None)
    return replace(api(name, ("GET", f"/{name}s")), sockets=(socket,))


async def never_asked(socket: Any) -> None:
    raise AssertionError


async def place_of_socket(app: Composed, path: str, query: bytes = b"") -> tuple[str, str]:
    """Returns the API that is asked for a WebSocket, and the path that it sees."""
    scope = {"type": "websocket", "path": path, "query_string": query}
    found, inner = await app._answering(scope)
    return found.name, inner["path"]


async def test_a_websocket_is_for_its_prefix_then_for_the_root_then_for_who_leaves_the_prefix_out() -> None:
    one, two = with_socket("one", "/ws"), with_socket("two", "/ws", at_root=True)
    app = Composed((one, two), ())
    assert await place_of_socket(app, "/one/ws") == ("one", "/one/ws")
    assert await place_of_socket(app, "/two/ws") == ("two", "/two/ws")
    assert await place_of_socket(app, "/ws", b"a=1") == ("two", "/two/ws")
    for path, query in (("/ws", b"b=1"), ("/ws", b""), ("/other", b"a=1")):
        assert await place_of_socket(app, path, query) == ("one", path), "who says that it is not there"
    app = Composed((one, two), ("one",))
    assert await place_of_socket(app, "/ws", b"a=1") == ("one", "/one/ws")


def test_a_websocket_hides_another_one_but_no_route() -> None:
    socket = with_socket("one", "/{any}")
    Composed((socket, api("two", ("GET", "/{any}/x"))), ("one", "two"))
    with pytest.raises(InvalidError, match="would hide /ws of two"):
        Composed((socket, with_socket("two", "/ws")), ("one", "two"))


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
    advice = (
        "Say whose it is" if first.replace("name", "id") == second.replace("name", "id") else "Name two first"
    )
    with pytest.raises(InvalidError, match=advice) as refused:
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


async def nobody() -> Any:
    raise UnavailableError("nobody is behind this door")


def every_api() -> tuple[Api, ...]:
    return engine_apis(nobody, log=logging.getLogger("holdfast.tests"), closing=asyncio.Event())


@pytest.mark.parametrize("root", [("holdfast", "openai"), ("openai", "holdfast")])
async def test_the_apis_of_the_engine_share_the_root_in_any_order(root: tuple[str, str]) -> None:
    app = Composed(every_api(), root)
    for path in ("/version", "/holdfast/v1/version"):
        assert (await ask(app, path))[0] == 200
    for path in ("/v1/models", "/openai/v1/models", "/sessions", "/nothing"):
        assert (await ask(app, path))[0] == 401, path


OWNERS = tuple(
    f"{path}={name}"
    for name, paths in {
        "holdfast": ("/openapi.json",),
        "powabase": ("/api/agents", "/api/sessions/{id}", "/api/tools"),
        "sage": ("/api/health", "/health"),
    }.items()
    for path in paths
)
"""Of the paths that two of them have."""


_NAMES = tuple(place.name for place in DIALECTS)


@pytest.mark.parametrize("root", [_NAMES, _NAMES[::-1]], ids=["as listed", "the other way round"])
def test_dialects_share_the_root_with_all_others_in_any_order(root: tuple[str, ...]) -> None:
    """Only two at a time can be in each other's way, and both orders of any two are among these."""
    apis = every_api()
    for order in ((*root, "holdfast", "openai", "mcp"), ("openai", "mcp", "holdfast", *root)):
        Composed(apis, (*order, *OWNERS))


def test_what_two_have_at_the_root_needs_an_owner() -> None:
    with pytest.raises(InvalidError, match=r"/api/agents of dexto. Say whose it is by `/api/agents=dexto`"):
        Composed(every_api(), ("powabase", "dexto"))
    for wrong in ("/api/agents=nobody", "/api/nothing=dexto"):
        with pytest.raises(InvalidError):
            Composed(every_api(), ("dexto", wrong))


async def test_a_path_at_the_root_is_its_owners_and_others_stay_whose_they_are() -> None:
    one, two = api("one", ("GET", "/a"), ("GET", "/b")), api("two", ("GET", "/a"), ("GET", "/c"))
    app = Composed((one, two), ("one", "two", "/a=two"))
    answers = [json.loads((await ask(app, path))[1]) for path in ("/a", "/b", "/c", "/one/a")]
    assert [name for name, *_ in answers] == ["two", "one", "two", "one"]


async def test_an_owner_takes_a_path_out_of_what_takes_any() -> None:
    one, two = api("one", ("GET", "/a/{id}")), api("two", ("GET", "/a/current"))
    app = Composed((one, two), ("one", "two", "/a/current=two"))
    answers = [json.loads((await ask(app, path))[1]) for path in ("/a/current", "/a/b")]
    assert [name for name, *_ in answers] == ["two", "one"]


def test_no_api_has_the_prefix_of_another() -> None:
    prefixes = [api.prefix for api in every_api()]
    assert len(set(prefixes)) == len(prefixes)
    assert not [one for one in prefixes for other in prefixes if one.startswith(other + "/")]


def test_help_names_the_apis_that_there_are() -> None:
    assert tuple(api.name for api in every_api()) == APIS


async def test_what_a_dialect_at_the_root_does_not_have_is_404_in_its_shape() -> None:
    app = Composed(every_api(), ("powabase",))
    status, body = await ask(app, "/api/nothing")
    assert (status, json.loads(body).keys()) == (401, {"error", "code"})
    assert (await ask(app, "/holdfast/v1/version"))[0] == 200
    assert (await ask(app, "/version"))[0] == 401


async def test_a_dialect_at_the_root_describes_itself_there_to_everybody() -> None:
    app = Composed(every_api(), ("h2ogpte", "holdfast"))
    for path in ("/api-spec.yaml", "/swagger-ui/", "/swagger-ui/start.js", "/openapi.json"):
        assert (await ask(app, path))[0] == 200, path


def test_one_path_with_two_methods_is_no_clash() -> None:
    Composed((api("one", ("GET", "/a")), api("two", ("POST", "/a"))), ("one", "two"))
