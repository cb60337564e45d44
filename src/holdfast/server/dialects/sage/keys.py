"""Where Sage's clients put what they signed in with: `Authorization: Bearer`, or the cookie of a session."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers

from holdfast.server.kit.auth import shown_secret

COOKIE = "sage_session"
PROXIED = "x-sage-internal-userid"
"""The header in which a trusted proxy names the user; it has to take it out of what others send."""


def secret_of(headers: Headers) -> str:
    """Returns the login of a request; empty where it has none, or two cookies."""
    return shown_secret(headers) or _in_cookie(headers)


def other_secret_of(headers: Headers) -> str:
    """Returns the login of the cookie, where another secret stands before it."""
    return _in_cookie(headers) if shown_secret(headers) else ""


def name_of(headers: Headers) -> str:
    """Returns whom a proxy says that a request is from; empty where none does, or two."""
    named = headers.getlist(PROXIED)
    return named[0].strip() if len(named) == 1 else ""


def _in_cookie(headers: Headers) -> str:
    given = headers.getlist("cookie")
    if len(given) != 1:
        return ""
    try:
        found = SimpleCookie(given[0]).get(COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value
