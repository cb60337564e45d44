"""Where a dialect describes itself: its OpenAPI document, and a page that shows it."""

from __future__ import annotations

import asyncio
import posixpath
import threading
from collections.abc import Awaitable, Callable
from functools import cache

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from holdfast.server.kit.meter import named
from holdfast.server.kit.operations import Dialect, Document
from holdfast.server.kit.swagger import SwaggerPage

Endpoint = Callable[[Request], Awaitable[Response]]


def document_routes(dialect: Dialect) -> tuple[Route, ...]:
    """Returns the routes of a dialect's document and its page; none where it has no document."""
    place = dialect.document
    if place is None:
        return ()
    found = [(place.path, _document(dialect, place))]
    if place.page:
        page = SwaggerPage(dialect.title, posixpath.relpath(place.path, place.page), folder="")
        found += [(place.page.rstrip("/"), _to_page), (place.page, page.show)]
        found += [(place.page + name, page.asset) for name in page.assets]
    name = f"{dialect.name}.document"
    return tuple(Route(dialect.prefix + path, named(name, endpoint)) for path, endpoint in found)


async def _to_page(request: Request) -> Response:
    return RedirectResponse(posixpath.basename(request.url.path) + "/")


def _document(dialect: Dialect, place: Document) -> Endpoint:
    making = threading.Lock()
    is_json = place.path.endswith(".json")

    @cache
    def text() -> bytes:
        # It is long to make, and what makes it is imported with it.
        from holdfast.server.kit.openapi import document, json_of, yaml_of

        return (json_of if is_json else yaml_of)(document(dialect, place))

    def made() -> bytes:
        with making:
            return text()

    async def answer(request: Request) -> Response:
        kind = "application/json" if is_json else "application/yaml"
        return Response(await asyncio.to_thread(made), media_type=kind)

    return answer
