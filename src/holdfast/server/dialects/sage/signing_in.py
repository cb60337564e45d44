"""Logins as Sage's clients have them: one in a cookie, and another one in the answer that ends with it."""

from __future__ import annotations

from starlette.requests import Request

from holdfast.core.domain.identity import NewCredential
from holdfast.core.services.workbench import Host, Workbench
from holdfast.server.kit.auth import principal_of

TOKEN_S = 86_400
"""Seconds that a token lets in."""


async def token_of(host: Host, session: NewCredential) -> str:
    """Returns a token for who has just got a login; it ends with that."""
    principal = await host.authenticate(session.secret)
    return (await host.as_principal(principal).users.login(TOKEN_S)).secret


async def sign_out(request: Request, workbench: Workbench) -> None:
    """Ends the login that a request shows, and the one that it was made by. An API key stays."""
    logins = {each.id: each for each in await workbench.users.logins()}
    shown = logins.get(principal_of(request).credential_id or "")
    if shown is None:
        return
    first = logins.get(shown.made_by or "", shown)
    await workbench.users.logout(first.id)
