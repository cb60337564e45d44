"""Secrets that Holdfast gives out: how they look, and the hash that is kept of them."""

from __future__ import annotations

import hashlib
import re
import secrets
import string

PREFIX = "hf_"
_LETTERS = string.ascii_letters + string.digits
_SHAPE = re.compile(r"hf_[A-Za-z0-9_-]{43}")


def new_secret() -> str:
    """Returns a new secret of 256 random bits, as URL-safe text."""
    return PREFIX + secrets.token_urlsafe(32)


def looks_right(secret: str) -> bool:
    """Says whether `secret` can be one that `new_secret` made."""
    return _SHAPE.fullmatch(secret) is not None


def digest(secret: str) -> str:
    """Returns the hash that is stored: with so many random bits, a slow or salted one adds nothing."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def new_bearer() -> str:
    """Returns a new code or token of OAuth: 48 letters and digits. No door takes it for a key."""
    return "".join(secrets.choice(_LETTERS) for _ in range(48))
