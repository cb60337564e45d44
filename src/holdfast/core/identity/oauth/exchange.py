"""One request to the authorization server: authlib decides on it, over a copy of what the database has.

authlib's server calls its storage and waits for it. Here everything that a request can touch is read before,
and what comes out is written afterwards, at once and only if nothing of it has changed: so no thread waits
for another, and of two requests with the same code one wins.
"""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

from authlib.oauth2.rfc6749 import (
    AuthorizationCodeMixin,
    AuthorizationServer,
    ClientMixin,
    OAuth2Error,
    OAuth2Payload,
    OAuth2Request,
    TokenMixin,
)
from authlib.oauth2.rfc6749.errors import AccessDeniedError, InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7636.challenge import create_s256_code_challenge
from authlib.oauth2.rfc9207 import IssuerParameter

from holdfast.core.domain.oauth import (
    ACCESS_S,
    SCOPES,
    Challenge,
    OAuthClient,
    OAuthCode,
    OAuthRefusal,
    OAuthToken,
)
from holdfast.core.identity.oauth.redirects import is_registered
from holdfast.core.identity.oauth.sent import ClientProof
from holdfast.core.identity.tokens import digest, new_bearer

_ADDRESS = "https://authorization.invalid/"
"""authlib refuses addresses without TLS; whether a door has it is the door's matter."""
_GRANTS = ("authorization_code", "refresh_token")


@dataclass(frozen=True, slots=True)
class Known:
    """What the database has of a request."""

    client: OAuthClient | None = None
    secret_hash: str = ""
    code: OAuthCode | None = None
    """That of the code that was shown, if it is still good or was used before."""
    refresh: OAuthToken | None = None
    """Likewise."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to be let in that may be put before the user."""

    client: OAuthClient
    redirect_uri: str
    scope: str


@dataclass(frozen=True, slots=True)
class Redirection:
    """Where the browser goes."""

    url: str = field(repr=False)
    code: str = field(repr=False, default="")
    """In the URL; empty: the user has said no."""
    made: OAuthCode | None = None
    """What is to be kept of the code, its grant not named yet."""


@dataclass(frozen=True, slots=True)
class Exchanged:
    """Tokens for a code, or for a refresh token."""

    grant_id: str
    scope: str
    """Of the access token."""
    whole_scope: str
    """Of the refresh token, with which more can be had than with an access token for part of it."""
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reused:
    """A code or a refresh token was shown once more: two have it, and one of them has stolen it."""

    grant_id: str
    client_id: str


def ask(known: Known, sent: Mapping[str, str]) -> Asked | OAuthRefusal:
    """Says what a browser's request to let a client in asks for, or what is wrong with it."""
    if "client_id" not in sent:
        return OAuthRefusal(error="invalid_request", description="client_id is missing")
    if known.client is None or not known.client.enabled:
        return OAuthRefusal(error="invalid_client", description="there is no such client")
    try:
        grant = _Server(known).consent_grant(sent)
    except OAuth2Error as error:
        return _refusal(error)
    request = grant.request
    return Asked(request.client.client, grant.redirect_uri, request.scope)


def answer(
    known: Known, sent: Mapping[str, str], user_id: str, issuer: str, *, allowed: bool
) -> Redirection | OAuthRefusal:
    """Says where the browser goes when the user has allowed what was asked, or has not."""
    server = _Server(known)
    server.register_extension(_Issuer(issuer))
    try:
        grant = server.consent_grant(sent)
        response = server.create_authorization_response(grant.request, user_id if allowed else None, grant)
    except OAuth2Error as error:
        return _refusal(error)
    return Redirection(response.location, server.new_code, server.made)


def exchange(known: Known, sent: Mapping[str, str], proof: ClientProof) -> Exchanged | Reused | OAuthRefusal:
    """Returns what a client gets for what it has sent to the address of tokens."""
    server = _Server(known)
    request = _Request("POST", sent, proof.headers)
    try:
        server.create_token_response(request)
    except OAuth2Error as error:
        if server.reused is not None:
            return Reused(server.reused.grant_id, server.reused.client_id)
        return _refusal(error)
    got, token = server.exchanged, server.issued
    assert got is not None, "authlib takes what was shown when it has saved the tokens"
    return Exchanged(got.grant_id, token["scope"], got.scope, token["access_token"], token["refresh_token"])


_SAID = {
    "unsupported_response_type": "only response_type=code is supported",
    "unsupported_grant_type": f"only {' and '.join(_GRANTS)} are supported",
    "invalid_client": "client authentication failed",
}
"""In the place of texts that repeat what was sent, or that say more than a stranger has to know."""


def _refusal(error: OAuth2Error) -> OAuthRefusal:
    said = _SAID.get(error.error) or error.get_error_description() or error.error
    return OAuthRefusal(error=error.error, description=said)


class _Payload(OAuth2Payload):  # type: ignore[misc]  # authlib has no types
    def __init__(self, sent: Mapping[str, str]) -> None:
        self._sent = dict(sent)

    @property
    def data(self) -> dict[str, str]:
        return self._sent

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return defaultdict(list, {name: [value] for name, value in self._sent.items()})


class _Request(OAuth2Request):  # type: ignore[misc]
    def __init__(self, method: str, sent: Mapping[str, str], headers: Mapping[str, str]) -> None:
        super().__init__(method, _ADDRESS, headers=headers)
        self.payload = _Payload(sent)

    @property
    def args(self) -> dict[str, str]:
        return self.payload.data if self.method == "GET" else {}

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data if self.method == "POST" else {}


class _Client(ClientMixin):  # type: ignore[misc]
    def __init__(self, client: OAuthClient, secret_hash: str) -> None:
        self.client = client
        self._secret_hash = secret_hash

    def get_client_id(self) -> str:
        return self.client.id

    def get_default_redirect_uri(self) -> str | None:
        uris = self.client.redirect_uris
        return uris[0] if len(uris) == 1 else None

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """All that it may have when it names nothing; None for more than it may have."""
        own = self.client.scope.split()
        wanted = own if scope is None else scope.split()
        return " ".join(dict.fromkeys(wanted)) if wanted and set(wanted) <= set(own) else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return is_registered(redirect_uri, self.client.redirect_uris, public=self.client.public)

    def check_client_secret(self, client_secret: str) -> bool:
        return bool(self._secret_hash) and hmac.compare_digest(self._secret_hash, digest(client_secret))

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self.client.auth_method

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in _GRANTS


class _Code(AuthorizationCodeMixin):  # type: ignore[misc]
    def __init__(self, code: OAuthCode) -> None:
        self.code = code
        self.code_challenge = code.challenge
        self.code_challenge_method = code.challenge_method or None

    def get_redirect_uri(self) -> str:
        return self.code.redirect_uri

    def get_scope(self) -> str:
        return self.code.scope


class _Token(TokenMixin):  # type: ignore[misc]
    def __init__(self, token: OAuthToken) -> None:
        self.token = token

    def check_client(self, client: _Client) -> bool:
        return self.token.client_id == client.client.id

    def get_scope(self) -> str:
        return self.token.scope


class _Challenge(CodeChallenge):  # type: ignore[misc]
    """PKCE: asked of every client without a secret, and compared in constant time."""

    CODE_CHALLENGE_METHODS: ClassVar = {
        "plain": lambda verifier, challenge: hmac.compare_digest(verifier, challenge),
        "S256": lambda verifier, challenge: hmac.compare_digest(
            create_s256_code_challenge(verifier), challenge
        ),
    }

    def validate_code_challenge(self, grant: _CodeGrant, redirect_uri: str) -> None:
        if grant.request.client.client.public and not grant.request.payload.data.get("code_challenge"):
            raise InvalidRequestError("public clients must use PKCE")
        super().validate_code_challenge(grant, redirect_uri)


class _CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = ["client_secret_basic", "client_secret_post", "none"]

    @staticmethod
    def validate_authorization_redirect_uri(request: _Request, client: _Client) -> str:
        """Not authlib's, whose error repeats the address, and fails for what may not stand in one."""
        wanted = request.payload.redirect_uri
        uri = wanted if wanted is not None else client.get_default_redirect_uri()
        if uri is None:
            raise InvalidRequestError("redirect_uri is missing")
        if not client.check_redirect_uri(uri):
            raise InvalidRequestError("redirect_uri is invalid")
        return uri

    def generate_authorization_code(self) -> str:
        return new_bearer()

    def save_authorization_code(self, code: str, request: _Request) -> None:
        data = request.payload.data
        challenge = data.get("code_challenge", "")
        method = data.get("code_challenge_method", "plain") if challenge else ""
        self.server.new_code = code
        self.server.made = OAuthCode(
            grant_id="",
            client_id=request.client.client.id,
            user_id=request.user,
            scope=request.scope,
            redirect_uri=data.get("redirect_uri") or request.client.get_default_redirect_uri(),
            redirect_given="redirect_uri" in data,
            challenge=challenge,
            challenge_method=cast(Challenge, method),
        )

    def query_authorization_code(self, code: str, client: _Client) -> _Code | None:
        found = self.server.known.code
        if found is None or found.client_id != client.client.id:
            return None
        if found.used:
            self.server.reused = found
            return None
        if "redirect_uri" not in self.request.form:
            if found.redirect_given:
                raise InvalidRequestError("Missing 'redirect_uri' in request.")
            self.request.form["redirect_uri"] = found.redirect_uri  # there is only one that it can be
        return _Code(found)

    def delete_authorization_code(self, authorization_code: _Code) -> None:
        """The store takes it, when it keeps the tokens."""
        self.server.exchanged = authorization_code.code

    def authenticate_user(self, authorization_code: _Code) -> str:
        return authorization_code.code.user_id


class _RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = _CodeGrant.TOKEN_ENDPOINT_AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> _Token | None:
        found = self.server.known.refresh
        if found is None or found.client_id != self.request.client.client.id:
            return None
        if found.used:
            self.server.reused = found
            return None
        return _Token(found)

    def authenticate_user(self, refresh_token: _Token) -> str:
        return refresh_token.token.user_id

    def revoke_old_credential(self, refresh_token: _Token) -> None:
        """The store takes it, when it keeps the new ones."""
        self.server.exchanged = refresh_token.token


class _Issuer(IssuerParameter):  # type: ignore[misc]
    """Says in each answer whose it is, so that clients of several servers cannot be misled (RFC 9207)."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def get_issuer(self) -> str:
        return self._issuer


@dataclass
class _Response:
    status: int
    body: Any
    location: str


class _Issued(dict[str, Any]):
    """Tokens, which authlib would write into its log."""

    def __repr__(self) -> str:
        return "<tokens>"


class _Server(AuthorizationServer):  # type: ignore[misc]
    """authlib's server, for one request."""

    def __init__(self, known: Known) -> None:
        super().__init__(SCOPES)
        self.known = known
        self.new_code = ""
        self.made: OAuthCode | None = None
        self.issued = _Issued()
        self.exchanged: OAuthCode | OAuthToken | None = None
        self.reused: OAuthCode | OAuthToken | None = None
        self.register_grant(_CodeGrant, [_Challenge(required=True)])
        self.register_grant(_RefreshGrant)
        bearer = BearerTokenGenerator(_new_bearer, _new_bearer, ACCESS_S)
        self.register_token_generator("default", lambda **asked: _Issued(bearer(**asked)))

    def consent_grant(self, sent: Mapping[str, str]) -> Any:
        """Returns what authlib makes of a request that may be put before the user. Raises `OAuth2Error`."""
        if sent.get("response_type") != "code":
            raise OAuth2Error(error="unsupported_response_type")
        return self.get_consent_grant(_Request("GET", sent, {}))

    def query_client(self, client_id: str) -> _Client | None:
        client = self.known.client
        if client is None or client.id != client_id or not client.enabled:
            return None
        return _Client(client, self.known.secret_hash)

    def save_token(self, token: _Issued, request: _Request) -> None:
        self.issued = token

    def create_oauth2_request(self, request: _Request) -> _Request:
        return request

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def handle_response(self, status: int, body: Any, headers: Sequence[tuple[str, str]]) -> _Response:
        return _Response(status, body, dict(headers).get("Location", ""))

    def handle_error_response(self, request: _Request, error: OAuth2Error) -> _Response:
        """Only that the user has said no goes to the client's address; what else is wrong is told the
        browser, which a page may have led here by a made-up one."""
        if not isinstance(error, AccessDeniedError):
            raise error
        return cast(_Response, super().handle_error_response(request, error))


def _new_bearer(**asked: Any) -> str:
    return new_bearer()
