"""Where Sage's clients put what they signed in with: `Authorization: Bearer`, or the cookie of a session."""

from __future__ import annotations

from starlette.datastructures import Headers

from holdfast.server.kit.auth import shown_secret
from holdfast.server.kit.cookies import cookie_of

COOKIE = "sage_session"
PROXIED = "x-sage-internal-userid"
"""The header in which a trusted proxy names the user; it has to take it out of what others send."""


def secret_of(headers: Headers) -> str:
    """Returns the login of a request; empty where it has none, or two cookies."""
    return shown_secret(headers) or in_cookie(headers)


def in_cookie(headers: Headers) -> str:
    """Returns the login of a request's cookie; empty where it has none."""
    return cookie_of(headers, COOKIE)


def other_secret_of(headers: Headers) -> str:
    """Returns the login of the cookie, where another secret stands before it."""
    return in_cookie(headers) if shown_secret(headers) else ""


def name_of(headers: Headers) -> str:
    """Returns whom a proxy says that a request is from; empty where none does, or two."""
    named = headers.getlist(PROXIED)
    return named[0].strip() if len(named) == 1 else ""
