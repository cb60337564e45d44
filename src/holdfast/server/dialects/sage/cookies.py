"""What browsers keep of Sage: a login, and what ties a sign-in elsewhere to the browser that began it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.domain.identity import NewCredential
from holdfast.core.domain.upstream import FLOW_S
from holdfast.server.dialects.sage.keys import COOKIE
from holdfast.server.kit.cookies import cookie_of
from holdfast.server.kit.origin import origin_of

SESSION_S = 14 * 86_400
"""Seconds that a login of a browser lasts."""
FLOW = "sage_upstream"


def keep_login(request: Request, response: Response, made: NewCredential) -> None:
    """Makes the browser that gets `response` show a login from now on."""
    _keep(request, response, COOKIE, made.secret, SESSION_S)


def forget_login(request: Request, response: Response) -> None:
    """Makes the browser show no login any more."""
    _keep(request, response, COOKIE, "", 0)


def keep_flow(request: Request, response: Response, browser: str) -> None:
    """Makes the browser keep what it has to show when it comes back from elsewhere."""
    _keep(request, response, FLOW, browser, FLOW_S)


def forget_flow(request: Request, response: Response) -> None:
    """Makes the browser forget that."""
    _keep(request, response, FLOW, "", 0)


def flow_of(request: Request) -> str:
    """Returns what the browser has kept; empty where it has nothing."""
    return cookie_of(request.headers, FLOW)


def _keep(request: Request, response: Response, name: str, value: str, life_s: int) -> None:
    secure = origin_of(request).startswith("https:")
    response.set_cookie(name, value, max_age=life_s, path="/", httponly=True, samesite="lax", secure=secure)
