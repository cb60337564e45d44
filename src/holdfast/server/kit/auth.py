"""Who makes a request: set once at the door that it came in by, read wherever it matters."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast.core.domain.identity import LOCAL_PRINCIPAL, Principal

_STATE = "principal"


def principal_of(request: Request) -> Principal:
    """Returns the principal that the request's door has let in."""
    found = request.scope["state"][_STATE]
    assert isinstance(found, Principal)
    return found


class LocalDoor:
    """The door of the unix socket: the system has let in nobody but the local user."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})[_STATE] = LOCAL_PRINCIPAL
        await self._app(scope, receive, send)
