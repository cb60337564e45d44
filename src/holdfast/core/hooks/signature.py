"""How what is sent is signed: HMAC-SHA256 over the raw body, with the webhook's secret as the key."""

from __future__ import annotations

import hashlib
import hmac

HEADER = "X-Holdfast-Signature"
_PREFIX = "sha256="


def sign(secret: str, body: bytes) -> str:
    """Returns the value of the signature's header for a body."""
    return _PREFIX + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
