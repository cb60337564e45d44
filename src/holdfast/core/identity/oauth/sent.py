"""What came with a request of OAuth, as it can be relied on."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_plus

from holdfast.core.domain.oauth import OAuthRefusal

_LONGEST = 4_096
"""Characters of one value."""


@dataclass(frozen=True, slots=True)
class ClientProof:
    """Which client a request says that it is from, and how it shows it."""

    client_id: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    """`Authorization` as authlib reads it; nothing where that was not sent."""


def parameters(sent: Iterable[tuple[str, str]]) -> dict[str, str] | OAuthRefusal:
    """Returns what was sent, without what is empty (RFC 6749, 3.1), or why it cannot be taken: what is there
    twice is read differently by who looks at it."""
    given = [(name, value) for name, value in sent if value]
    twice = [name for name, times in Counter(name for name, _ in given).items() if times > 1]
    if twice:
        return OAuthRefusal(error="invalid_request", description="a parameter is repeated")
    if any(len(value) > _LONGEST for _, value in given):
        return OAuthRefusal(error="invalid_request", description="a parameter is too long")
    return dict(given)


def client_proof(sent: dict[str, str], authorization: str) -> ClientProof | OAuthRefusal:
    """Returns which client asks for tokens: by the header `Authorization: Basic`, or by what stands in the
    form, and not by both."""
    named = sent.get("client_id", "")
    scheme, _, text = authorization.strip().partition(" ")
    if not scheme:
        if not named:
            return OAuthRefusal(error="invalid_client", description="missing client authentication")
        return ClientProof(named)
    basic = _basic(text.strip()) if scheme.lower() == "basic" else None
    if basic is None:
        return OAuthRefusal(error="invalid_client", description="the header Authorization cannot be read")
    if "client_secret" in sent or named not in ("", basic[0]):
        return OAuthRefusal(error="invalid_request", description="the client is named in two ways")
    # Written anew, for authlib fails at what it cannot read.
    pair = ":".join(quote(each, safe="") for each in basic)
    return ClientProof(basic[0], {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"})


def _basic(text: str) -> tuple[str, str] | None:
    try:
        name, colon, secret = base64.b64decode(text, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        return None
    return (unquote_plus(name), unquote_plus(secret)) if name and colon else None
