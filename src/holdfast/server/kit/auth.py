"""Who makes a request: set once at the door that it came in by, read wherever it matters."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast import __version__
from holdfast.core.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    RateLimitedError,
    UnauthenticatedError,
)
from holdfast.core.domain.identity import CLIENTS, LOCAL_PRINCIPAL, Principal

Admit = Callable[[str], Awaitable[Principal]]
"""Says who shows a secret (empty: none was shown), or raises why nobody is let in."""

InBody = Callable[[Scope, Receive], Awaitable[tuple[Sequence[str], Receive] | None]]
"""Reads the secrets in a request's body, and returns them with what gives the body once more; None for a
request that has none there."""

WRONG_TOO_OFTEN = "too_many_failures"
"""Code of the error that tells who has shown one wrong secret after the other to wait."""

_USER_AGENT = re.compile(r"holdfast/[\w.+-]+ \(([A-Za-z ]+)\)")
_STATE = "principal"
_ADMIT = "admit"
_VOUCHED = "vouched"


def principal_of(request: HTTPConnection) -> Principal:
    """Returns the principal that was let in. Raises `UnauthenticatedError` when nobody was."""
    found = request.scope["state"].get(_STATE)
    if not isinstance(found, Principal):
        raise no_key()
    return found


def is_let_in(scope: Scope) -> bool:
    """Says whether a door has let the request in."""
    return _STATE in scope["state"]


class LocalDoor:
    """The door of the unix socket: the system has let in nobody but the local user."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = client_of(Headers(scope=scope)) if "headers" in scope else ""
        scope.setdefault("state", {})[_STATE] = LOCAL_PRINCIPAL.model_copy(update={"client": client})
        await self._app(scope, receive, send)


def user_agent(client: str) -> str:
    """Returns how a program of Holdfast's names itself to the engine."""
    return f"holdfast/{__version__} ({client})" if client else f"holdfast/{__version__}"


def client_of(headers: Headers) -> str:
    """Returns which of Holdfast's own programs a request at the unix socket says that it is from; `socket`
    for any other. Nobody proves it: whoever reaches that socket is the user."""
    said = _USER_AGENT.fullmatch(headers.get("user-agent", ""))
    return said[1] if said is not None and said[1] in CLIENTS else "socket"


def ask_for_key(scope: Scope, admit: Admit) -> None:
    """Makes `admit` the one whom an API asks about this request: what a door does that lets in some."""
    scope.setdefault("state", {})[_ADMIT] = admit


def admit_by(
    scope: Scope, admit: Callable[[Admit, str], Awaitable[Principal]], *, vouched: bool = False
) -> None:
    """Makes `admit` the one whom an API asks about this request; it gets the one who was asked before. With
    `vouched` it is also asked where the request shows no secret. Where a door has let the request in already,
    nobody is asked."""
    before = scope["state"].get(_ADMIT)
    if before is not None:
        scope["state"] |= {_ADMIT: partial(admit, before), _VOUCHED: vouched}


def or_by(scope: Scope, other: str) -> None:
    """Lets the request in by the secret `other` where the one that it shows first lets nobody in."""

    async def admit(before: Admit, secret: str) -> Principal:
        return await _first_admitted(before, (secret, other))

    admit_by(scope, admit)


def shown_secret(headers: Headers) -> str:
    """Returns the key of `Authorization: Bearer KEY` or `X-API-Key: KEY`; empty when there is none, and when
    one of the headers is there twice: a proxy may have looked at the other one."""
    shown, plain = headers.getlist("authorization"), headers.getlist("x-api-key")
    if len(shown) > 1 or len(plain) > 1:
        return ""
    scheme, _, rest = "".join(shown).strip().partition(" ")
    if scheme.lower() == "bearer" and rest.strip():
        return rest.strip()
    return "".join(plain).strip()


async def recognised(
    request: HTTPConnection, secret_of: Callable[[Headers], str] = shown_secret, *, strictly: bool = False
) -> Principal | None:
    """Returns who asks for something that needs no key, where he shows one that is let in. Raises
    `RateLimitedError` for who has shown too many others; `strictly`, also `UnauthenticatedError` for who
    shows one that is not let in."""
    state = request.scope["state"]
    if _STATE in state:
        return principal_of(request)
    secret, admit = secret_of(request.headers), state.get(_ADMIT)
    if admit is None or not (secret or state.get(_VOUCHED)):
        return None
    try:
        found: Principal = await admit(secret)
    except UnauthenticatedError:
        if strictly and secret:
            raise
        return None
    except (ConflictError, ForbiddenError, InvalidError):
        if strictly or secret:
            raise
        return None  # a proxy names somebody who has to come in by himself
    return found


class Admitted:
    """Lets a request on to `app` when its door lets its secret in. It stands inside of an API's boundary,
    so that a refusal has that API's shape, and before everything that reads the request.

    `public` says which requests need no secret; `secret_of` finds it as that API's clients send it, and
    `in_body` those that a request has in its body instead, where it is one that has them there.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        public: Callable[[Scope], bool] = lambda scope: False,
        secret_of: Callable[[Headers], str] = shown_secret,
        in_body: InBody | None = None,
    ) -> None:
        self._app = app
        self._public = public
        self._secret_of = secret_of
        self._in_body = in_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope["state"]
        if _STATE not in state and not self._public(scope):
            found = await self._in_body(scope, receive) if self._in_body is not None else None
            if found is None:
                found = (self._secret_of(Headers(scope=scope)),), receive
            secrets, receive = found
            state[_STATE] = await _first_admitted(state.get(_ADMIT, _nobody), secrets)
        await self._app(scope, receive, send)


async def _first_admitted(admit: Admit, secrets: Sequence[str]) -> Principal:
    """Returns who shows the first secret that is let in, or raises why the last one is not."""
    for secret in secrets[:-1]:
        try:
            return await admit(secret)
        except UnauthenticatedError:
            continue
        except RateLimitedError as error:
            if error.code != WRONG_TOO_OFTEN:  # which shuts out no right one
                raise
    return await admit(secrets[-1] if secrets else "")


async def _nobody(secret: str) -> Principal:
    raise no_key()


def no_key() -> UnauthenticatedError:
    """Returns what is said to who shows no secret."""
    return UnauthenticatedError(
        "A key is needed: `Authorization: Bearer KEY`. `holdfast keys create NAME` makes one.",
        code="key_missing",
    )
