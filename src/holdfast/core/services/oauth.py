"""OAuth 2.0 as a server: clients and grants, and what browsers and clients are answered."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from holdfast.core.config.settings import AccountSettings
from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError
from holdfast.core.domain.identity import Principal, Scope
from holdfast.core.domain.oauth import (
    ALL_SCOPES,
    GRANT_S,
    SCOPES,
    AuthMethod,
    AuthorizationAnswer,
    ConsentAsked,
    IssuedTokens,
    NewOAuthClient,
    OAuthClient,
    OAuthGrant,
    OAuthRefusal,
    OAuthSubject,
    SentBack,
    SignInFirst,
)
from holdfast.core.domain.values import new_id
from holdfast.core.identity.oauth.redirects import check_redirect_uri
from holdfast.core.identity.oauth.sent import client_proof, parameters
from holdfast.core.identity.tokens import digest, new_secret
from holdfast.core.services.protocols.oauth import Sent
from holdfast.core.store.accounts import Accounts
from holdfast.core.store.oauth import OAuthTables

logger = logging.getLogger(__name__)

MAX_CLIENTS = 1_000
MAX_REDIRECTS = 50
"""Redirect URIs of one client."""
TICKET_S = 600
"""Seconds that a user may take to answer."""
_SWEEP_S = 60
_NAME = re.compile(r"[^\W_][^\x00-\x1f\x7f<>]{0,99}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,99}")


class OAuthService:
    """Implements the noun `oauth` of a workbench."""

    def __init__(self, tables: OAuthTables, principal: Principal, now: Callable[[], datetime]) -> None:
        self._tables = tables
        self._me = principal
        self._now = now

    async def clients(self) -> tuple[OAuthClient, ...]:
        """See `OAuth.clients`."""
        return await self._tables.clients()

    async def add_client(
        self,
        name: str,
        redirect_uris: tuple[str, ...],
        scope: str = ALL_SCOPES,
        auth_method: AuthMethod = "client_secret_basic",
        consent: bool = True,
        id: str = "",
    ) -> NewOAuthClient:
        """See `OAuth.add_client`."""
        client = OAuthClient(
            id=id or new_id(),
            name=name.strip(),
            redirect_uris=tuple(dict.fromkeys(redirect_uris)),
            scope=" ".join(dict.fromkeys(scope.split())),
            auth_method=auth_method,
            consent=consent,
            created_at=self._now(),
        )
        _check(client)
        if len(await self._tables.clients()) >= MAX_CLIENTS:
            raise ConflictError(
                f"There are {MAX_CLIENTS} clients, as many as may be.", code="too_many_clients"
            )
        secret = "" if client.public else new_secret()
        if not await self._tables.add_client(client, digest(secret) if secret else ""):
            raise ConflictError(f"There is a client {client.id} already.", code="oauth_client_exists")
        return NewOAuthClient(client=client, secret=secret)

    async def enable_client(self, id: str, enabled: bool) -> OAuthClient:
        """See `OAuth.enable_client`."""
        found = await self._tables.enable_client(id, enabled) and await self._tables.client(id)
        if not found:
            raise _no_client(id)
        return found[0]

    async def remove_client(self, id: str) -> None:
        """See `OAuth.remove_client`."""
        if not await self._tables.remove_client(id):
            raise _no_client(id)

    async def grants(self) -> tuple[OAuthGrant, ...]:
        """See `OAuth.grants`."""
        return await self._tables.grants(self._me.user_id, self._now())

    async def end_grant(self, id: str) -> None:
        """See `OAuth.end_grant`."""
        if not await self._tables.end_grant(id, self._me.user_id):
            raise NotFoundError(
                f"You have let in nobody by {id[:100]!r}; `holdfast oauth grants` lists them.",
                code="oauth_grant_not_found",
            )


class Authorization:
    """Implements the `AuthorizationServer` of a host."""

    def __init__(
        self,
        tables: OAuthTables,
        accounts: Accounts,
        now: Callable[[], datetime],
        settings: Callable[[], Awaitable[AccountSettings]],
    ) -> None:
        self._tables = tables
        self._accounts = accounts
        self._now = now
        self._settings = settings
        self._key = secrets.token_bytes(32)
        self._swept: datetime | None = None

    async def address(self, origin: str) -> str:
        """See `AuthorizationServer.address`."""
        return ((await self._settings()).public_url or origin).rstrip("/")

    async def ask(self, who: Principal | None, sent: Sent, issuer: str) -> AuthorizationAnswer:
        """See `AuthorizationServer.ask`."""
        given = parameters(sent)
        return given if isinstance(given, OAuthRefusal) else await self._asked(who, given, issuer)

    async def decide(
        self, who: Principal | None, sent: Sent, issuer: str, *, ticket: str, allowed: bool
    ) -> AuthorizationAnswer:
        """See `AuthorizationServer.decide`."""
        given = parameters(sent)
        if isinstance(given, OAuthRefusal):
            return given
        if who is None or not self._was_asked(who, given, ticket):
            return await self._asked(who, given, issuer)
        return await self._answered(who, given, issuer, allowed=allowed)

    async def issue(self, sent: Sent, authorization: str) -> IssuedTokens | OAuthRefusal:
        """See `AuthorizationServer.issue`."""
        from holdfast.core.identity.oauth.exchange import Known, Reused, exchange  # authlib takes a while

        given = parameters(sent)
        if isinstance(given, OAuthRefusal):
            return given
        if "grant_type" not in given:
            return OAuthRefusal(error="invalid_request", description="grant_type is missing")
        proof = client_proof(given, authorization)
        if isinstance(proof, OAuthRefusal):
            return proof
        now, (table, hash) = self._now(), _shown(given)
        client, secret_hash = await self._tables.client(proof.client_id) or (None, "")
        code = await self._tables.code(hash, now) if table == "oauth_codes" else None
        refresh = await self._tables.token("refresh", hash, now) if table == "oauth_tokens" else None
        got = exchange(Known(client, secret_hash, code, refresh), given, proof)
        if isinstance(got, OAuthRefusal):
            return got
        if isinstance(got, Reused):
            await self._tables.end(got.grant_id)
            return _stolen(got.client_id)
        access, renewed = (digest(got.access_token), got.scope), (digest(got.refresh_token), got.whole_scope)
        if not await self._tables.exchange((table, hash), got.grant_id, access, renewed, now):
            return _stolen(proof.client_id)
        return IssuedTokens(access_token=got.access_token, refresh_token=got.refresh_token, scope=got.scope)

    async def subject(self, access_token: str) -> OAuthSubject | None:
        """See `AuthorizationServer.subject`."""
        token = await self._tables.token("access", digest(access_token), self._now())
        user = None if token is None else await self._accounts.user(token.user_id)
        if token is None or user is None:
            return None
        seen = token.scope.split()
        return OAuthSubject(
            user_id=user.id,
            name=user.name,
            role=user.role,
            display_name=(user.display_name or user.name) if "profile" in seen else None,
            email=(user.email or None) if "email" in seen else None,
        )

    async def sweep(self) -> None:
        """Removes what nobody can use any more."""
        self._swept = self._now()
        await self._tables.sweep(self._swept)

    async def _asked(self, who: Principal | None, given: dict[str, str], issuer: str) -> AuthorizationAnswer:
        from holdfast.core.identity.oauth.exchange import Known, ask  # authlib takes a while

        known = await self._tables.client(given.get("client_id", ""))
        asked = ask(Known(*known) if known else Known(), given)
        if isinstance(asked, OAuthRefusal):
            return asked
        if who is None or not who.scope.includes(Scope.ADMIN):
            return SignInFirst()
        if not asked.client.consent:
            return await self._answered(who, given, issuer, allowed=True)
        return ConsentAsked(
            client_name=asked.client.name,
            user_name=who.name,
            scope=tuple(asked.scope.split()),
            redirect_uri=asked.redirect_uri,
            ticket=self._ticket(who, given, int(self._now().timestamp()) + TICKET_S),
        )

    async def _answered(
        self, who: Principal, given: dict[str, str], issuer: str, *, allowed: bool
    ) -> AuthorizationAnswer:
        from holdfast.core.identity.oauth.exchange import Known, answer  # authlib takes a while

        known = await self._tables.client(given.get("client_id", ""))
        going = answer(Known(*known) if known else Known(), given, who.user_id, issuer, allowed=allowed)
        if isinstance(going, OAuthRefusal):
            return going
        if going.made is not None:
            now = self._now()
            grant = OAuthGrant(
                id=new_id(),
                client_id=going.made.client_id,
                user_id=who.user_id,
                scope=going.made.scope,
                created_at=now,
                expires_at=now + timedelta(seconds=GRANT_S),
            )
            await self._tables.add_code(digest(going.code), going.made, grant, now)
            if self._swept is None or (now - self._swept).total_seconds() >= _SWEEP_S:
                await self.sweep()
        return SentBack(url=going.url)

    def _was_asked(self, who: Principal, given: dict[str, str], ticket: str) -> bool:
        until, _, _ = ticket.partition(".")
        if not re.fullmatch(r"\d{1,12}", until, re.ASCII) or int(until) < self._now().timestamp():
            return False
        made = self._ticket(who, given, int(until))
        return hmac.compare_digest(made.encode(), ticket.encode("utf-8", "replace"))

    def _ticket(self, who: Principal, given: dict[str, str], until: int) -> str:
        """Returns what only this user, with this login, can answer this request with, until then (in seconds
        since 1970). No page of another site can know it, nor make it."""
        said = json.dumps([who.user_id, who.credential_id, until, sorted(given.items())])
        return f"{until}.{hmac.new(self._key, said.encode(), hashlib.sha256).hexdigest()}"


def _shown(given: dict[str, str]) -> tuple[str, str]:
    """Returns which table what a client shows is in, and its hash; empty for what it can have nothing by."""
    match given["grant_type"]:
        case "authorization_code":
            return "oauth_codes", digest(given.get("code", ""))
        case "refresh_token":
            return "oauth_tokens", digest(given.get("refresh_token", ""))
    return "", ""


def _stolen(client_id: str) -> OAuthRefusal:
    logger.warning("what client %s was given was shown twice, and is ended", client_id)
    return OAuthRefusal(error="invalid_grant", description="it was used before")


def _check(client: OAuthClient) -> None:
    if not _NAME.fullmatch(client.name):
        raise InvalidError(
            "A client's name has 1 to 100 characters, and begins with a letter or a digit.",
            code="invalid_client_name",
        )
    if not _ID.fullmatch(client.id):
        raise InvalidError(
            "A client's id has 1 to 100 letters, digits or any of `._~-`.", code="invalid_client_id"
        )
    scope = client.scope.split()
    if not scope or not set(scope) <= set(SCOPES):
        raise InvalidError(
            f"A client's scope is one or more of {', '.join(SCOPES)}.", code="invalid_client_scope"
        )
    if not 1 <= len(client.redirect_uris) <= MAX_REDIRECTS:
        raise InvalidError(f"A client has 1 to {MAX_REDIRECTS} redirect URIs.", code="invalid_redirect_uri")
    for uri in client.redirect_uris:
        check_redirect_uri(uri, public=client.public)


def _no_client(id: str) -> NotFoundError:
    return NotFoundError(
        f"There is no client {id[:100]!r}; `holdfast oauth clients list` lists them.",
        code="oauth_client_not_found",
    )
