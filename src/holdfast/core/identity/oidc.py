"""Asks servers of others who a person is: OpenID Connect's code flow, with state, nonce and PKCE.

The protocol is authlib's: its addresses, its client authentication, its checks of ID tokens. How a server is
reached is the caller's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from holdfast.core.domain.errors import HoldfastError, UpstreamError
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.upstream import DISCOVERY, UpstreamPerson, UpstreamProvider, is_confidential
from holdfast.core.identity.id_tokens import ALGORITHMS, Expected, Wrong, verified

KEPT_S = 3_600
"""Seconds for which a provider is not asked again how it describes itself, and for its keys."""
_FAILED_S = 5
"""Seconds for which one that has not answered is not asked again."""
_LONGEST_TEXT = 200
"""Characters of a name."""
_ASKED_AGAIN_S = 60
"""Seconds after which its keys are asked for again, where one is missing."""

B = TypeVar("B", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to a server."""

    url: str
    chosen: bool
    """Whether an administrator has written the host of its address: else a server has named it."""
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = field(default=None, repr=False)


Web = Callable[[Ask], Awaitable[tuple[int, bytes]]]
"""Returns the status and the body that a server answers with. Raises `HoldfastError` where it cannot be
reached."""


class _Said(BaseModel):
    """Part of what a server answers; what else it says does not count."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Description(_Said):
    """How a provider describes itself (OpenID Connect Discovery, 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str = ""
    jwks_uri: str = ""
    """Empty: it signs nothing."""
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class _Tokens(_Said):
    access_token: str = ""
    token_type: str = "Bearer"
    id_token: str = ""
    error: str = ""


class _Keys(_Said):
    keys: tuple[dict[str, Any], ...]


class _Claims(_Said):
    model_config = ConfigDict(extra="allow", frozen=True)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt to sign in is tied to; the provider learns the nonce, and a hash of the verifier."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    callback: str


@dataclass(frozen=True, slots=True)
class _Described:
    """How a provider describes itself, or why it does not, for as long as that is believed."""

    found: Description | UpstreamError
    ends_at: float


class OidcClient:
    """Asks providers. What they say of themselves is kept for a while."""

    def __init__(self, web: Web, clock: Callable[[], float] = time.monotonic) -> None:
        self._web = web
        self._clock = clock
        self._asking: dict[UpstreamProvider, asyncio.Task[_Described]] = {}
        self._keys: dict[UpstreamProvider, tuple[float, _Keys]] = {}

    async def description(self, provider: UpstreamProvider) -> Description:
        """Returns how a provider describes itself, or how an administrator does. Raises `UpstreamError`."""
        if not provider.discovery_url:
            return Description(
                issuer=provider.issuer or provider.userinfo_url,
                authorization_endpoint=provider.authorize_url,
                token_endpoint=provider.token_url,
                userinfo_endpoint=provider.userinfo_url,
                token_endpoint_auth_methods_supported=("client_secret_post",),
            )
        asking = self._asking.get(provider)
        if asking is None or (asking.done() and asking.result().ends_at <= self._clock()):
            # One question for all who wait: strangers can begin as many sign-ins as they like.
            self._asking[provider] = asking = asyncio.create_task(self._describe(provider))
        found = (await asyncio.shield(asking)).found
        if isinstance(found, UpstreamError):
            raise UpstreamError(found.message)
        return found

    async def _describe(self, provider: UpstreamProvider) -> _Described:
        try:
            found = await self._ask(provider, Ask(provider.discovery_url, chosen=True), Description)
            _check(provider, found)
        except UpstreamError as error:
            return _Described(error, self._clock() + _FAILED_S)
        return _Described(found, self._clock() + KEPT_S)

    async def url(self, provider: UpstreamProvider, attempt: Attempt) -> str:
        """Returns where a browser goes to sign in. Raises `UpstreamError`."""
        # Loaded when somebody signs in elsewhere: most engines have nobody who does.
        from authlib.oauth2.client import OAuth2Client

        described = await self.description(provider)
        client = OAuth2Client(
            session=None,
            client_id=provider.client_id,
            scope=provider.scope,
            redirect_uri=attempt.callback,
            code_challenge_method="S256",
        )
        url, _ = client.create_authorization_url(
            described.authorization_endpoint,
            state=attempt.state,
            code_verifier=attempt.verifier,
            nonce=attempt.nonce,
        )
        return str(url)

    async def person(
        self, provider: UpstreamProvider, attempt: Attempt, code: str, secret: str
    ) -> UpstreamPerson:
        """Returns who has signed in, for the `code` that came back. `secret` is our own at the provider;
        empty: there is none. Raises `UpstreamError`."""
        described = await self.description(provider)
        tokens = await self._tokens(provider, described, attempt, code, secret)
        claims: dict[str, Any] = {}
        if described.jwks_uri:
            expected = Expected(
                described.issuer,
                provider.client_id,
                attempt.nonce,
                tokens.access_token,
                described.id_token_signing_alg_values_supported,
            )
            claims = await self._id_token(provider, described, tokens.id_token, expected)
        if described.userinfo_endpoint:
            about = await self._about(provider, described, tokens.access_token)
            if claims and about.get("sub") != claims["sub"]:
                raise _refused(provider, "its page about the user is about somebody else")
            if provider.email_claim in about:  # one that is verified is not the other one
                claims.pop("email_verified", None)
            claims = {**claims, **about}
        return _person(provider, described.issuer, claims)

    async def _tokens(
        self,
        provider: UpstreamProvider,
        described: Description,
        attempt: Attempt,
        code: str,
        secret: str,
    ) -> _Tokens:
        ask = _token_request(provider, described, attempt, code, secret)
        found = await self._ask(provider, ask, _Tokens, refusals=True)
        if found.error or not found.access_token or found.token_type.lower() != "bearer":
            said = shorten(sanitize_line(found.error), 100) or "no token"
            raise _refused(provider, f"for the code that it gave it gives nothing: {said}")
        return found

    async def _id_token(
        self, provider: UpstreamProvider, described: Description, token: str, expected: Expected
    ) -> dict[str, Any]:
        keys = await self._key_set(provider, described, KEPT_S)
        found = await asyncio.to_thread(verified, token, keys.keys, expected)
        if isinstance(found, Wrong) and not found.key_known:
            keys = await self._key_set(provider, described, _ASKED_AGAIN_S)
            found = await asyncio.to_thread(verified, token, keys.keys, expected)
        if isinstance(found, Wrong):
            raise _refused(provider, f"its ID token is not right: {found.reason}")
        return found

    async def _key_set(self, provider: UpstreamProvider, described: Description, kept_s: float) -> _Keys:
        known = self._keys.get(provider)
        if known is None or self._clock() - known[0] > kept_s:
            ask = Ask(described.jwks_uri, _is_chosen(provider, described.jwks_uri))
            self._keys[provider] = known = (self._clock(), await self._ask(provider, ask, _Keys))
        return known[1]

    async def _about(
        self, provider: UpstreamProvider, described: Description, access_token: str
    ) -> dict[str, Any]:
        url = described.userinfo_endpoint
        headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
        found = await self._ask(provider, Ask(url, _is_chosen(provider, url), headers=headers), _Claims)
        return found.model_dump()

    async def _ask(self, provider: UpstreamProvider, ask: Ask, kind: type[B], *, refusals: bool = False) -> B:
        """Returns what a server says; with `refusals` also what it says beside a status under 500."""
        try:
            status, data = await self._web(ask)
        except HoldfastError as error:
            raise _refused(provider, error.message.rstrip(".")) from error
        if not 200 <= status < (500 if refusals else 300):
            raise _refused(provider, f"it answers {status}")
        try:
            return kind.model_validate_json(data)
        except ValidationError:
            raise _refused(provider, "it does not answer as the protocol says") from None


def _token_request(
    provider: UpstreamProvider, described: Description, attempt: Attempt, code: str, secret: str
) -> Ask:
    from authlib.oauth2.auth import ClientAuth  # see above
    from authlib.oauth2.rfc6749.parameters import prepare_token_request

    url, method = described.token_endpoint, str(provider.token_auth)
    if not secret:
        method = "none"
    elif method == "auto":
        ways = described.token_endpoint_auth_methods_supported
        posted = "client_secret_post" in ways and "client_secret_basic" not in ways
        method = "client_secret_post" if posted else "client_secret_basic"
    body = prepare_token_request(
        "authorization_code", code=code, redirect_uri=attempt.callback, code_verifier=attempt.verifier
    )
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    auth = ClientAuth(provider.client_id, secret, method)
    url, headers, body = auth.prepare("POST", url, headers, body)
    return Ask(url, _is_chosen(provider, url), "POST", headers, body.encode())


def _check(provider: UpstreamProvider, found: Description) -> None:
    expected = provider.issuer or provider.discovery_url.removesuffix(DISCOVERY)
    if found.issuer != expected:
        shown = shorten(sanitize_line(found.issuer), 200)
        raise _refused(provider, f"it calls itself {shown!r} and not {expected!r}")
    if not found.jwks_uri or not set(found.id_token_signing_alg_values_supported) & ALGORITHMS:
        raise _refused(provider, "it signs ID tokens in no way that can be checked")
    places = (
        found.authorization_endpoint,
        found.token_endpoint,
        found.userinfo_endpoint,
        found.jwks_uri,
    )
    if not all(map(is_confidential, filter(None, places))):
        raise _refused(provider, "it names an address that is not https")


def _is_chosen(provider: UpstreamProvider, url: str) -> bool:
    written = (provider.discovery_url, provider.token_url, provider.userinfo_url)
    return urlsplit(url).hostname in {urlsplit(each).hostname for each in written if each}


def _person(provider: UpstreamProvider, issuer: str, claims: Mapping[str, Any]) -> UpstreamPerson:
    subject = claims.get(provider.subject_claim)
    if isinstance(subject, int) and not isinstance(subject, bool):
        subject = str(subject)
    if not isinstance(subject, str) or not 1 <= len(subject) <= 500:
        raise _refused(provider, f"it does not say who it is about (`{provider.subject_claim}`)")
    # What is said of `email` is not said of another claim.
    checked = claims.get("email_verified") if provider.email_claim == "email" else None
    return UpstreamPerson(
        issuer=issuer,
        subject=subject,
        username=_exact(claims.get(provider.username_claim)),
        name=_text(claims.get(provider.name_claim)),
        email=_address(claims.get(provider.email_claim)),
        email_verified=provider.trust_emails if checked is None else checked in (True, "true"),
        roles=_roles(claims.get(provider.role_claim)) if provider.role_claim else None,
    )


def _text(value: object) -> str:
    return shorten(sanitize_line(value).strip(), _LONGEST_TEXT) if isinstance(value, str) else ""


def _exact(value: object) -> str:
    """Returns what people are told apart by, as it was said; nothing of what was not plain text: without the
    signs that nobody sees it could be somebody else's."""
    return _text(value) if isinstance(value, str) and sanitize_line(value).strip() == value else ""


def _address(value: object) -> str:
    """Returns an e-mail address in small letters. Only of ASCII: the sign of kelvin, too, becomes a k."""
    address = _exact(value)
    return address.lower() if address.isascii() else ""


def _roles(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    listed = value if isinstance(value, list) else [value]
    return tuple(each for each in listed if isinstance(each, str))


def _refused(provider: UpstreamProvider, reason: str) -> UpstreamError:
    return UpstreamError(f"{provider.called} has let nobody in: {reason}.")
