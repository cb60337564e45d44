"""Checks ID tokens: who has signed them, for whom, and for which sign-in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc.errors import JoseError

ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)
"""Only those with a public key: with a shared one, who can check a token could make one as well."""
_KINDS = frozenset({"RSA", "EC", "OKP"})
LEEWAY_S = 60
"""Seconds that clocks may differ."""
_LONGEST = 32_768


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token has to say."""

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    access_token: str = field(repr=False)
    algorithms: tuple[str, ...] = ("RS256",)


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why an ID token does not count."""

    reason: str
    key_known: bool = True
    """False: it may be of a newer key than those that were looked at."""


def verified(token: str, keys: Iterable[Mapping[str, Any]], expected: Expected) -> dict[str, Any] | Wrong:
    """Returns what an ID token says, when its signature is of one of the `keys` and it says what it has to;
    else why it does not count."""
    # They take a while to load, and few engines need them.
    from authlib.oidc.core import CodeIDToken
    from joserfc import jwt
    from joserfc.jwk import KeySet
    from joserfc.jws import JWSRegistry

    if not 0 < len(token) <= _LONGEST or not token.isascii():
        return Wrong("there is none")
    known = KeySet([key for each in keys if (key := _key(each)) is not None])
    allowed = ALGORITHMS & set(expected.algorithms)
    registry = JWSRegistry(algorithms=sorted(allowed), strict_check_header=False)
    try:
        found = jwt.decode(token, known, registry=registry)
    except (JoseError, ValueError) as error:
        reason = getattr(error, "error", "") or "it cannot be read"
        return Wrong(reason, key_known=reason not in ("invalid_key_id", "bad_signature", "missing_key"))
    claims = CodeIDToken(
        found.claims,
        found.header,
        {
            "iss": {"essential": True, "value": expected.issuer},
            "aud": {"essential": True, "value": expected.client_id},
        },
        {
            "nonce": expected.nonce,
            "client_id": expected.client_id,
            "access_token": expected.access_token,
        },
    )
    try:
        claims.validate(leeway=LEEWAY_S)
    except (JoseError, ValueError, TypeError) as error:  # a claim may be of any type
        return Wrong(str(error).rstrip(" .:"))
    return dict(found.claims)


def _key(given: Mapping[str, Any]) -> Any:
    """Returns a key that signs; None for one that is for something else, or not understood."""
    from joserfc.jwk import import_key  # see above

    if given.get("kty") not in _KINDS or given.get("use", "sig") != "sig":
        return None
    try:
        return import_key(dict(given))
    except (JoseError, ValueError, TypeError, KeyError):  # one that is none takes no other's place
        return None
