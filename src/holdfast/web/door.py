"""Which requests are heard: those that name this server, and come from its own pages."""

from __future__ import annotations

from collections.abc import Mapping

from multidict import CIMultiDictProxy

from holdfast.server.security import HostNames, is_at

HEADERS: Mapping[str, str] = {
    # xterm.js writes style elements of its own; a script is taken from this server alone, and none inline.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "font-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: forms would then say that they come from nowhere.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), clipboard-read=()",
}
"""In every answer."""

Headers = CIMultiDictProxy[str]


def is_named(headers: Headers, names: HostNames) -> bool:
    """Says whether a request names this server: a page can give another name our address."""
    return len(headers.getall("Host", [])) == 1 and names.admits(headers["Host"])


def is_own(headers: Headers) -> bool:
    """Says whether a page of this server has made the request. Browsers say so of every form and socket; what
    does not say it is no browser and has no business here."""
    if headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    origins = headers.getall("Origin", [])
    return len(origins) == 1 and is_at(origins[0], headers["Host"])
