"""Addresses to which a browser may be sent back: as they are registered, to the letter."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from holdfast.core.domain.errors import InvalidError

_LONGEST = 1_000
_PLAIN = re.compile(r"[!$%&'()*+,./0-9:;=?@A-Z_a-z~\[\]-]+")
"""What stands in a URI without a fragment."""
_APP = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:/[^?]*(\?.*)?")
"""An address of an app on a device: its scheme is a domain turned round (RFC 8252, 7.1)."""
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?|[0-9a-f:]+")
"""A host's name or address: what else a URI may have there, some take for its end, as a page's rules do."""
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\])(?::\d{1,5})?((?:[/?].*)?)")
_LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")


def check_redirect_uri(uri: str, *, public: bool) -> None:
    """Raises `InvalidError` for what cannot be registered, of a client without a secret where `public`."""
    if mistake := _mistake(uri, public=public):
        raise InvalidError(f"{uri[:200]!r} cannot be a redirect URI: {mistake}.", code="invalid_redirect_uri")


def _mistake(uri: str, *, public: bool) -> str:
    if len(uri) > _LONGEST:
        return f"it is longer than {_LONGEST} characters"
    if "#" in uri or not _PLAIN.fullmatch(uri):
        return "it must be an absolute URI without spaces and without a fragment"
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "its host or its port is none"
    if parts.scheme not in ("http", "https"):
        if public and _APP.fullmatch(uri) and not parts.netloc:
            return ""
        return "the scheme must be https; of a public client also that of an app, such as com.example.app:/"
    if (
        not host
        or not _HOST.fullmatch(host)
        or port == 0
        or "@" in parts.netloc
        or not uri.startswith(f"{parts.scheme}://")
    ):
        return "it must have a host, and no name or password"
    if parts.scheme == "http" and host not in _LOOPBACK_HOSTS:
        return "without TLS the host must be 127.0.0.1, [::1] or localhost"
    return ""


def is_registered(uri: str, registered: Iterable[str], *, public: bool) -> bool:
    """Says whether a browser may be sent to `uri`. An app on a device takes any port that is free there, at
    the addresses of the loopback (RFC 8252, 7.3); all else is compared letter by letter."""
    if not public:
        return uri in registered
    return any(uri == each or _differ_in_port(uri, each) for each in registered)


def _differ_in_port(uri: str, registered: str) -> bool:
    given, known = _LOOPBACK.fullmatch(uri), _LOOPBACK.fullmatch(registered)
    return given is not None and known is not None and given.groups() == known.groups()
