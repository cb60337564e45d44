"""The paths of A2A: cards, and for each agent the SDK's bindings by JSON-RPC and REST, behind our door."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, cast
from urllib.parse import quote

from a2a.server.request_handlers.response_helpers import agent_card_to_dict
from a2a.server.routes.jsonrpc_routes import create_jsonrpc_routes
from a2a.server.routes.rest_routes import create_rest_routes
from a2a.types.a2a_pb2 import AgentCard
from a2a.utils.constants import AGENT_CARD_WELL_KNOWN_PATH
from pydantic_core import from_json, to_json
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.services.workbench import Workbench
from holdfast.server.a2a.asked import Asked, Contexts, note
from holdfast.server.a2a.cards import card_of, short_card
from holdfast.server.a2a.errors import note_rpc, render_at
from holdfast.server.a2a.handler import Handler
from holdfast.server.kit.auth import Admitted, is_let_in, principal_of, shown_secret
from holdfast.server.kit.body import read_json
from holdfast.server.kit.compose import Api, MadeApi
from holdfast.server.kit.errors import Boundary
from holdfast.server.kit.lent import Lent
from holdfast.server.kit.meter import name_operation
from holdfast.server.kit.operations import Door
from holdfast.server.kit.origin import origin_of

_DEFAULT = "holdfast"
"""What the card of the default agent says without a key."""
Endpoint = Callable[[Request], Awaitable[Response]]


def made_api(name: str, prefix: str, door: Door, log: logging.Logger) -> Api:
    """Returns the API. Of the SDK's loggers nothing is heard: they write down what clients send wrong, with
    tracebacks; what goes wrong here is logged here."""
    logging.getLogger("a2a").setLevel(logging.CRITICAL)
    desk = _Desk(prefix, door)
    places = (prefix, f"{prefix}/agents/{{agent}}")
    cards = tuple(
        Route(f"{place}{AGENT_CARD_WELL_KNOWN_PATH}", desk.card, methods=["GET"]) for place in places
    )
    listing = Route(f"{prefix}/agents", desk.agents, methods=["GET"])
    routes = (*cards, listing, *(route for place in reversed(places) for route in desk.bindings(place)))
    router = Router(list(routes), redirect_slashes=False, default=partial(_nothing_there, prefix))

    def public(scope: Scope) -> bool:
        """Cards say more to who shows a key, but something to everybody."""
        is_card = any(each.matches(scope)[0] is Match.FULL for each in cards)
        return is_card and not shown_secret(Headers(scope=scope))

    return MadeApi(name, prefix, Boundary(Admitted(router, public=public), log, render_at=render_at), routes)


async def _nothing_there(prefix: str, scope: Scope, receive: Receive, send: Send) -> None:
    raise HTTPException(404, f"There is nothing at this path; `GET {prefix}/agents` lists the agents.")


class _Desk:
    """Makes the routes, and answers those that are not the SDK's."""

    def __init__(self, prefix: str, door: Door) -> None:
        self._prefix = prefix
        self._door = door
        self._handler = Handler()

    def bindings(self, place: str) -> Iterable[Route]:
        """Returns the routes of the SDK below a place, with those of version 0.3."""
        found: list[BaseRoute] = [
            *create_jsonrpc_routes(self._handler, place, Contexts(), enable_v0_3_compat=True),
            *create_jsonrpc_routes(self._handler, f"{place}/", Contexts(), enable_v0_3_compat=True),
            *create_rest_routes(self._handler, Contexts(), enable_v0_3_compat=True, path_prefix=place),
        ]
        for route in found:
            if isinstance(route, Route):  # a mount would be for tenants, which there are none of
                yield Route(route.path, self._lent(route.endpoint), methods=list(route.methods or ()))

    async def card(self, request: Request) -> Response:
        """Answers with the card of an agent; without a key with that much that any has."""
        name_operation(request.scope, "a2a.card")
        url, named = _url(request, self._prefix), request.path_params.get("agent")
        if not is_let_in(request.scope):
            return _card_answer(request, short_card(named or _DEFAULT, url))
        workbench = await self._workbench(request)
        return _card_answer(request, card_of(await _agent(workbench, named), url))

    async def agents(self, request: Request) -> Response:
        """Answers with the cards of all agents, but for those that other users share: models read cards."""
        name_operation(request.scope, "a2a.agents")
        workbench = await self._workbench(request)
        listed = await workbench.agents.list()
        agents = [each for each in listed if each.spec is not None and not each.is_anothers]
        cards = [agent_card_to_dict(card_of(each, _url_of(request, self._prefix, each))) for each in agents]
        return JSONResponse({"agents": cards})

    def _lent(self, endpoint: Endpoint) -> Endpoint:
        """Returns an endpoint of the SDK, asked behind our door."""

        async def answer(request: Request) -> ASGIApp:
            name_operation(request.scope, "a2a")
            body = await read_json(request, self._door.max_body) if request.method == "POST" else b""
            if body:
                note_rpc(request.scope, _checked(body))
            workbench = await self._workbench(request)
            agent = await _agent(workbench, request.path_params.get("agent"))
            id = request.scope["state"]["request_id"]
            asked = Asked(request, self._door, workbench, agent, _url(request, self._prefix), id)

            async def app(scope: Scope, receive: Receive, send: Send) -> None:
                asked.request = Request(scope, receive)
                note(asked.request, asked)
                response = await endpoint(asked.request)
                if asked.refused is not None:
                    raise asked.refused
                await response(scope, receive, send)

            return Lent(app, body, self._door.closing)

        # Starlette asks for a Response, but calls it as what every ASGI application is.
        return cast("Endpoint", answer)

    async def _workbench(self, request: Request) -> Workbench:
        principal = principal_of(request)
        named = principal.model_copy(update={"client": f"{principal.client} (A2A)"})
        return (await self._door.host()).as_principal(named)


async def _agent(workbench: Workbench, named: str | None) -> AgentInfo:
    """Returns the agent of a path. Raises `NotFoundError`."""
    found = await workbench.agents.get(named or (await workbench.engine.settings()).default_agent)
    if found.spec is None:
        raise NotFoundError(f"The agent {found.name} has mistakes in its file.", code="agent_not_found")
    return found


def _checked(body: bytes) -> Any:
    """Returns JSON that everything here can hold. Raises `InvalidError`."""
    try:
        # Unlike the SDK's reader it refuses what is nested too deep, and halves of characters.
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidError(f"The body is no JSON: {error}", code="invalid_json") from None


def _url(request: Request, prefix: str) -> str:
    """Returns below which address the agent of a request is asked, as the caller reaches it."""
    named = request.path_params.get("agent")
    below = f"/agents/{quote(named, safe='')}" if named else ""
    return f"{origin_of(request)}{prefix}{below}"


def _url_of(request: Request, prefix: str, agent: AgentInfo) -> str:
    return f"{origin_of(request)}{prefix}/agents/{quote(agent.name, safe='')}"


def _card_answer(request: Request, card: AgentCard) -> Response:
    found = agent_card_to_dict(card)
    # It depends on the key.
    tag = f'W/"{hashlib.sha256(to_json(found)).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Vary": "Authorization, X-API-Key", "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return JSONResponse(found, headers=headers)
