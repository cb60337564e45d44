"""Logins as Sage's clients have them: one in a cookie, and another one in the answer that ends with it."""

from __future__ import annotations

from contextlib import suppress

from starlette.requests import Request

from holdfast.core.domain.errors import UnauthenticatedError
from holdfast.core.domain.identity import NewCredential, Principal
from holdfast.core.services.workbench import Host
from holdfast.server.dialects.sage.keys import in_cookie

TOKEN_S = 86_400
"""Seconds that a token lets in."""


async def token_of(host: Host, session: NewCredential) -> str:
    """Returns a token for who has just got a login; it ends with that."""
    principal = await host.authenticate(session.secret)
    return (await host.as_principal(principal).users.login(TOKEN_S)).secret


async def sign_out(request: Request, host: Host, known: Principal | None) -> None:
    """Ends the login by which `known` has come in, and the one in the request's cookie, where that is another
    one: the browser forgets it. API keys stay."""
    if known is not None:
        await _end(host, known)
    with suppress(UnauthenticatedError):
        await _end(host, await host.authenticate(in_cookie(request.headers)))


async def _end(host: Host, known: Principal) -> None:
    """Ends a login, with the one that it was made by where that may do no more."""
    users = host.as_principal(known).users
    logins = {each.id: each for each in await users.logins()}
    shown = logins.get(known.credential_id or "")
    if shown is None:
        return
    first = logins.get(shown.made_by or "", shown)
    await users.logout(first.id if known.scope.includes(first.scope) else shown.id)
