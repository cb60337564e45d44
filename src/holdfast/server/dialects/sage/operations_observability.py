"""Operations of Sage's API: the way to Jaeger, the engine's figures, and what was used."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from pydantic import Field
from starlette.responses import RedirectResponse, Response

from holdfast.core.domain.identity import Principal
from holdfast.core.domain.upstream import own_path
from holdfast.server.dialects.sage.errors import failure
from holdfast.server.dialects.sage.keys import secret_of
from holdfast.server.dialects.sage.wire import PREFIX, Query
from holdfast.server.kit.auth import no_key, recognised
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.origin import path_of

_BASE = "/api/observability"
_METRICS = "/holdfast/v1/metrics"
"""Where the engine tells its figures, to administrators alone."""


class NextQuery(Query):
    next: str = Field(default="", max_length=2_000)


async def jaeger_login(call: Call) -> Response:
    """Leads administrators to Jaeger, and who is not signed in to the page where one signs in."""
    prefix = path_of(call.request, PREFIX)
    wanted = own_path(call.query.next, f"{prefix}{_BASE}/jaeger")
    known = await _known(call)
    if (await call.workbench.accounts.ways()).mode == "oauth":
        raise failure("jaeger_local_only", 503)
    if known is None:
        page = urlencode({"next": wanted, "local_only": "1"})
        return RedirectResponse(f"{prefix}/login?{page}", 302)
    if not known.is_admin:
        raise failure("permission_denied", 403)
    return RedirectResponse(wanted, 302)


async def jaeger_auth(call: Call) -> Response:
    """Says to a proxy whether who asks may look at traces."""
    known = await _known(call)
    if known is None or not known.is_admin:
        return Response(status_code=401 if known is None else 403)
    user, name = quote(known.user_id), quote(known.name)
    return Response(
        status_code=204, headers={"X-Sage-UserId": user, "X-Sage-Username": name, "X-Sage-Role": "admin"}
    )


async def jaeger(call: Call) -> Response:
    """Leads to Jaeger."""
    return RedirectResponse(await _jaeger(call, ""), 307)


async def jaeger_path(call: Call) -> Response:
    """Leads to a place of Jaeger's; to more than its pages only who is signed in."""
    parts = [part for part in call.path["full_path"].split("/") if part not in (".", "..")]
    if len(parts) > 1 and await _known(call) is None:
        raise no_key()
    return RedirectResponse(await _jaeger(call, "/".join(parts)), 307)


async def metrics(call: Call) -> Response:
    """Leads to the engine's figures for Prometheus, which administrators alone may read."""
    return RedirectResponse(_METRICS, 307)


async def _known(call: Call) -> Principal | None:
    return await recognised(call.request, secret_of)


async def _jaeger(call: Call, path: str) -> str:
    base = (await call.workbench.engine.settings()).telemetry.jaeger_url.rstrip("/")
    query = f"?{call.request.url.query}" if call.request.url.query else ""
    return f"{base}/{quote(path)}{query}"


_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

# fmt: off
OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "jaeger_login", "GET", f"{_BASE}/jaeger/login", jaeger_login,
        public=True, navigated=True, status=302, query=NextQuery,
    ),
    Operation(
        "jaeger_auth", "GET", f"{_BASE}/jaeger/auth", jaeger_auth,
        public=True, status=204, also=((401, None), (403, None)),
    ),
    Operation("jaeger", "GET", f"{_BASE}/jaeger", jaeger, public=True, navigated=True, status=307),
    *(
        Operation(
            f"jaeger_path_{method.lower()}", method, f"{_BASE}/jaeger/{{full_path:path}}", jaeger_path,
            public=True, status=307,
        )
        for method in _METHODS
    ),
    Operation("metrics", "GET", f"{_BASE}/metrics", metrics, public=True, status=307),
)
# fmt: on
