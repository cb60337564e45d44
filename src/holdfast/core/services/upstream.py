"""Who comes in by signing in at another server."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from holdfast.core.config.settings import AccountSettings, Settings
from holdfast.core.domain.accounts import AccountMode
from holdfast.core.domain.addresses import WebAddress
from holdfast.core.domain.errors import InvalidError, NotFoundError, ToolError, UpstreamError
from holdfast.core.domain.identity import LOCAL_PRINCIPAL, Scope
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.upstream import (
    FLOW_S,
    SECRETS,
    UpstreamAnswer,
    UpstreamEnd,
    UpstreamProvider,
    UpstreamStart,
    own_path,
)
from holdfast.core.identity.oidc import Ask, Attempt, OidcClient
from holdfast.core.services.identity import new_login
from holdfast.core.services.upstream_users import UpstreamUsers
from holdfast.core.store.accounts import Accounts
from holdfast.core.tools.web import WebFetcher, WebRequest

MOST_FLOWS = 10_000
"""Sign-ins that are under way at once; the oldest one makes room."""
_TIMEOUT_S = 15.0
_LARGEST = 256 * 1024
"""Bytes of an answer of a provider."""


@dataclass(frozen=True, slots=True)
class _Flow:
    """A sign-in that is under way."""

    provider: UpstreamProvider
    attempt: Attempt
    browser: bytes = field(repr=False)
    """A hash of what the browser keeps."""
    next: str
    ends_at: float


class UpstreamSignIns:
    """Begins and ends sign-ins at other servers. What is under way is in memory: each can end once, in the
    browser that has begun it."""

    def __init__(
        self,
        accounts: Accounts,
        users: UpstreamUsers,
        oidc: OidcClient,
        settings: Callable[[], Awaitable[AccountSettings]],
        secret: Callable[[str], str | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`secret` returns what is kept under a name, or None; it may block."""
        self._accounts = accounts
        self._users = users
        self._oidc = oidc
        self._settings = settings
        self._secret = secret
        self._clock = clock
        self._flows: dict[str, _Flow] = {}

    async def begin(self, provider: str, callback: str, path: str) -> UpstreamStart:
        """See `Accounts.begin_upstream`."""
        chosen = await self._provider(provider)
        browser, state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(4))
        attempt = Attempt(state, nonce, verifier, callback)
        url = await self._oidc.url(chosen, attempt)
        now = self._clock()
        self._flows = {state: flow for state, flow in self._flows.items() if flow.ends_at > now}
        while len(self._flows) >= MOST_FLOWS:
            del self._flows[next(iter(self._flows))]
        self._flows[attempt.state] = _Flow(
            chosen, attempt, _digest(browser), own_path(path, "/"), now + FLOW_S
        )
        return UpstreamStart(url=url, browser=browser)

    async def finish(
        self, provider: str, answer: UpstreamAnswer, browser: str, expires_s: int
    ) -> UpstreamEnd:
        """See `Accounts.finish_upstream`."""
        flow = self._taken(provider, answer.state, browser)
        await self._check(flow, answer)
        secret = await asyncio.to_thread(self._secret, SECRETS + flow.provider.id)
        person = await self._oidc.person(flow.provider, flow.attempt, answer.code, secret or "")
        user = await self._users.user(flow.provider, person)
        made = await new_login(self._accounts, user.id, Scope.ADMIN, expires_s, LOCAL_PRINCIPAL)
        return UpstreamEnd(credential=made, next=flow.next)

    async def _provider(self, id: str) -> UpstreamProvider:
        settings = await self._settings()
        offered = settings.providers if settings.mode is AccountMode.OAUTH else ()
        if not offered and not id:
            raise NotFoundError("Nobody signs in at another server here.", code="no_upstream")
        found = offered[0] if not id else next((each for each in offered if each.id == id), None)
        if found is None:
            raise NotFoundError(f"Nobody signs in at {shorten(id, 60)!r} here.", code="upstream_not_found")
        return found

    def _taken(self, provider: str, state: str, browser: str) -> _Flow:
        """Returns a flow, which has ended with that, whatever comes of it."""
        flow = self._flows.get(state)
        if flow is None or flow.ends_at <= self._clock():
            raise InvalidError(
                "This sign-in has ended, or has taken too long; begin it again.", code="upstream_flow_ended"
            )
        if not hmac.compare_digest(flow.browser, _digest(browser)):
            # It stays: who only knows the state ends nobody's sign-in.
            raise InvalidError(
                "This sign-in was begun in another browser; begin it again here.",
                code="upstream_flow_foreign",
            )
        del self._flows[state]
        if flow.provider.id != provider:
            raise InvalidError(
                "This sign-in was begun at another provider; begin it again.", code="upstream_mixed_up"
            )
        return flow

    async def _check(self, flow: _Flow, answer: UpstreamAnswer) -> None:
        """Raises for an answer that is not the right provider's, or says no."""
        if await self._provider(flow.provider.id) != flow.provider:
            raise InvalidError(
                "What is known of the provider has changed meanwhile; begin again.",
                code="upstream_flow_ended",
            )
        described = await self._oidc.description(flow.provider)
        names_itself = described.authorization_response_iss_parameter_supported
        if (names_itself or answer.issuer) and answer.issuer != described.issuer:
            raise InvalidError(
                "The answer is of another provider than was asked; begin again.", code="upstream_mixed_up"
            )
        if answer.error or not answer.code:
            said = shorten(sanitize_line(answer.error), 100) or "no code"
            raise UpstreamError(f"{flow.provider.called} has let nobody in: {said}.", code="upstream_refused")


class ProviderWeb:
    """Asks providers through the one way to the web. What an administrator has written may be in a private
    network; what a server names has to be public."""

    def __init__(self, web: WebFetcher, settings: Callable[[], Settings]) -> None:
        self._web = web
        self._settings = settings

    async def __call__(self, ask: Ask) -> tuple[int, bytes]:
        """Returns the status and the body of an answer. Raises `ToolError`, `ForbiddenError`."""
        settings = await asyncio.to_thread(self._settings)
        request = WebRequest(WebAddress.parse(ask.url), ask.method, ask.headers, ask.content)
        found = await self._web.send(
            request,
            max_bytes=_LARGEST,
            allow_private=ask.chosen or settings.tools.allow_private_hosts,
            timeout_s=_TIMEOUT_S,
        )
        if isinstance(found, WebAddress):
            raise ToolError("it leads on to another address")
        if found.cut:
            raise ToolError("its answer is too large")
        return found.status, found.data


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
