"""OAuth 2.0 as a server: the noun `oauth` of a workbench, and what a host answers browsers and clients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from holdfast.core.domain.identity import Principal, Role, Scope
from holdfast.core.domain.oauth import (
    ALL_SCOPES,
    AuthMethod,
    AuthorizationAnswer,
    IssuedTokens,
    NewOAuthClient,
    OAuthClient,
    OAuthGrant,
    OAuthRefusal,
    OAuthSubject,
)
from holdfast.core.services.needs import needs

Sent = Iterable[tuple[str, str]]
"""Names and values, as they came in a query or in a form."""


class OAuth(Protocol):
    """Programs that people sign in to with Holdfast."""

    @needs(Scope.READ, Role.ADMIN)
    async def clients(self) -> tuple[OAuthClient, ...]:
        """Returns the clients that are registered, oldest first."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def add_client(
        self,
        name: str,
        redirect_uris: tuple[str, ...],
        scope: str = ALL_SCOPES,
        auth_method: AuthMethod = "client_secret_basic",
        consent: bool = True,
        id: str = "",
    ) -> NewOAuthClient:
        """Registers a client; its secret is in the answer and cannot be had again. One with the `auth_method`
        `none` has no secret, and must use PKCE. Without `consent` users are not asked. `id` is what the
        client calls itself; empty: one is made.

        Raises `InvalidError` for what can be no redirect URI, name, scope or id, and `ConflictError` for an
        id that is taken.
        """
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def enable_client(self, id: str, enabled: bool) -> OAuthClient:
        """Lets a client ask, or no longer: then everything ends that it was given. Raises `NotFoundError`."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def remove_client(self, id: str) -> None:
        """Removes a client with everything that it was given. Raises `NotFoundError`."""
        ...

    @needs(Scope.READ)
    async def grants(self) -> tuple[OAuthGrant, ...]:
        """Returns the clients that you have let in, each as often as you have, oldest first."""
        ...

    @needs(Scope.ADMIN)
    async def end_grant(self, id: str) -> None:
        """Ends what a client was given by you. Raises `NotFoundError`."""
        ...


class AuthorizationServer(Protocol):
    """The endpoints of OAuth 2.0. They raise no errors of the protocol, but return them."""

    async def address(self, origin: str) -> str:
        """Returns the address under which people reach the engine, where they have asked at `origin`."""
        ...

    async def ask(self, who: Principal | None, sent: Sent, issuer: str) -> AuthorizationAnswer:
        """Answers a browser that a client has sent with `sent` in the query. `who` has signed in there, with
        a credential of scope `admin`; None, or with less: nobody. `issuer` is the address of this server."""
        ...

    async def decide(
        self, who: Principal | None, sent: Sent, issuer: str, *, ticket: str, allowed: bool
    ) -> AuthorizationAnswer:
        """Answers the form of a `ConsentAsked`, of which `sent` is what `ask` was given. A `ticket` of
        another user, of another request or of long ago counts for nothing: then the user is asked once more.
        """
        ...

    async def issue(self, sent: Sent, authorization: str) -> IssuedTokens | OAuthRefusal:
        """Answers a client that asks for tokens, with `sent` in a form and `authorization` in the header of
        that name (empty: none)."""
        ...

    async def subject(self, access_token: str) -> OAuthSubject | None:
        """Returns who is behind an access token; None for one that is not good, or no longer."""
        ...
