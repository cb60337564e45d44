"""A server where people sign in, on loopback: OpenID Connect with PKCE, as strict as it has to be, and as
wrong as a test wants it."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, quote, unquote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from joserfc.jws import JWSRegistry

CLIENT_ID = "holdfast-client"
CLIENT_SECRET = "client-secret-of-tests"
ALICE = {
    "sub": "subject-of-alice",
    "preferred_username": "alice",
    "name": "Alice Adams",
    "email": "alice@example.org",
    "email_verified": True,
}


@cache
def _signing_key(name: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig"})


@dataclass
class FakeProvider:
    """What the provider says, and what it was asked."""

    person: dict[str, Any] = field(default_factory=lambda: dict(ALICE))
    about: dict[str, Any] | None = None
    """What its page about the user says; None: as the person is."""
    described: dict[str, Any] = field(default_factory=dict)
    """Put over how it describes itself."""
    claims: dict[str, Any] = field(default_factory=dict)
    """Put over what its ID tokens say; None takes a claim out."""
    answer: dict[str, str] = field(default_factory=dict)
    """Put over what a browser brings back."""
    sign: Callable[[FakeProvider, dict[str, Any]], str] | None = None
    """Makes ID tokens instead."""
    key: str = "first"
    """The name of the key that signs."""
    shown_keys: tuple[str, ...] = ("first",)
    """The names of the keys that it shows."""
    failing: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """What it answers at a path instead."""
    plain: bool = False
    """Whether it is no OpenID provider: no ID tokens."""
    host: str = "127.0.0.1"
    """By which name browsers and others reach it."""
    asked: list[tuple[str, str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    """Method, path, headers, and the fields of the form or the query."""
    url: str = ""
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)
    _tokens: set[str] = field(default_factory=set)

    @contextmanager
    def serving(self) -> Iterator[FakeProvider]:
        """Serves inside the block."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        self.url = f"http://{self.host}:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def settings(self, **more: Any) -> dict[str, Any]:
        """Returns what an administrator writes of it."""
        found = {"id": "corp", "name": "Corp", "client_id": CLIENT_ID, **more}
        if self.plain:
            names = {"authorize_url": "authorize", "token_url": "token", "userinfo_url": "userinfo"}
            return {**found, **{name: f"{self.url}/{path}" for name, path in names.items()}}
        return {"discovery_url": f"{self.url}/.well-known/openid-configuration", **found}

    def requests(self, path: str) -> list[dict[str, str]]:
        """Returns the fields of the requests to a path."""
        return [fields for _, asked, _, fields in self.asked if asked == path]

    def signed(self, claims: dict[str, Any], key: str | None = None) -> str:
        """Returns an ID token."""
        name = key or self.key
        return jwt.encode({"alg": "RS256", "kid": name}, claims, _signing_key(name))

    def sign_in(self, url: str) -> str:
        """Does what a browser and a person do at the address: returns where they are sent back to."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert query["client_id"] == CLIENT_ID
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        answer = {"code": code, "state": query["state"], **self.answer}
        return f"{query['redirect_uri']}?{urlencode({k: v for k, v in answer.items() if v})}"

    def reply(self, path: str, headers: dict[str, str], fields: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Returns the status and the JSON that a request gets."""
        match path:
            case "/.well-known/openid-configuration":
                return 200, self._description()
            case "/jwks":
                keys = KeySet([_signing_key(name) for name in self.shown_keys])
                shown = keys.as_dict(private=False)["keys"]
                # Keys for other uses stand beside those that sign.
                return 200, {"keys": [{"kty": "new-kind", "kid": "odd"}, *shown]}
            case "/token":
                return self._tokens_for(headers, fields)
            case "/userinfo":
                token = headers.get("authorization", "").removeprefix("Bearer ")
                if token not in self._tokens:
                    return 401, {"error": "invalid_token"}
                return 200, self.person if self.about is None else self.about
        return 404, {}

    def _description(self) -> dict[str, Any]:
        found = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/jwks",
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            **self.described,
        }
        return {name: value for name, value in found.items() if value is not None}

    def _tokens_for(self, headers: dict[str, str], fields: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if not _is_client(headers, fields):
            return 401, {"error": "invalid_client"}
        asked = self._codes.pop(fields.get("code", ""), None)
        verifier = fields.get("code_verifier", "")
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        if (
            asked is None
            or asked["redirect_uri"] != fields.get("redirect_uri")
            or asked.get("code_challenge") != challenge
            or asked.get("code_challenge_method") != "S256"
        ):
            return 400, {"error": "invalid_grant"}
        access = secrets.token_urlsafe(24)
        self._tokens.add(access)
        found: dict[str, Any] = {"access_token": access, "token_type": "Bearer", "expires_in": 300}
        if not self.plain:
            claims = {
                "iss": self.url,
                "aud": CLIENT_ID,
                "iat": int(time.time()),
                "exp": int(time.time()) + 300,
                "nonce": asked["nonce"],
                **self.person,
                **self.claims,
            }
            claims = {name: value for name, value in claims.items() if value is not None}
            found["id_token"] = self.sign(self, claims) if self.sign else self.signed(claims)
        return 200, found


def unsigned(provider: FakeProvider, claims: dict[str, Any]) -> str:
    """Makes an ID token that nobody has signed."""
    parts = ({"alg": "none"}, claims)
    return ".".join(_part(json.dumps(each).encode()) for each in parts) + "."


def signed_with_the_public_key(provider: FakeProvider, claims: dict[str, Any]) -> str:
    """Makes an ID token by HMAC, with what everybody can read as the secret."""
    public = _signing_key("first").as_pem(private=False)
    header, payload = (
        _part(json.dumps(each).encode()) for each in ({"alg": "HS256", "kid": "first"}, claims)
    )
    import hmac

    mac = hmac.digest(public, f"{header}.{payload}".encode(), "sha256")
    return f"{header}.{payload}.{_part(mac)}"


def signed_with_the_client_secret(provider: FakeProvider, claims: dict[str, Any]) -> str:
    """Makes an ID token by HMAC with the client's secret."""
    registry = JWSRegistry(algorithms=["HS256"])
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET * 2), registry=registry)


def signed_by_nobody_known(provider: FakeProvider, claims: dict[str, Any]) -> str:
    """Makes an ID token with a key that is not shown, under the name of one that is."""
    return jwt.encode({"alg": "RS256", "kid": "first"}, claims, _signing_key("hidden"))


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _is_client(headers: dict[str, str], fields: dict[str, str]) -> bool:
    basic = headers.get("authorization", "")
    if basic:
        name, _, secret = base64.b64decode(basic.removeprefix("Basic ")).decode().partition(":")
        given = (unquote_plus(name), unquote_plus(secret))
    else:
        given = (fields.get("client_id", ""), fields.get("client_secret", ""))
    return given == (CLIENT_ID, CLIENT_SECRET)


def _handler(fake: FakeProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            fields = {name: values[0] for name, values in parse_qs(body or parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            fake.asked.append((self.command, parts.path, headers, fields))
            if parts.path in fake.failing:
                status, data = fake.failing[parts.path]
            elif parts.path == "/authorize":
                status, data = 302, fake.sign_in(self.path).encode()
            else:
                status, found = fake.reply(parts.path, headers, fields)
                data = json.dumps(found).encode()
            self.send_response(status)
            if status in (301, 302, 307):
                self.send_header("Location", quote(data.decode(), safe=":/?=&%"))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            """Says nothing."""

    return Handler
