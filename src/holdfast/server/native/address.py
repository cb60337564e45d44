"""Where an engine is reached over the network: a URL, the key that it wants, the certificate it shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.server.native.operation import PREFIX


@dataclass(frozen=True, slots=True)
class EngineUrl:
    """An engine that listens on TCP. Made by `parse`; the key is in no text that is made of it."""

    url: str
    """Scheme, host, port and the path that a reverse proxy has put before the API; no slash at the end."""
    key: str = field(default="", repr=False)
    """Empty: none is sent."""
    ca_file: str = ""
    """Certificates to trust instead of the usual ones, in a PEM file; empty: the usual ones."""
    login: str = ""
    """Of whom the key is a login that was kept, by the user's name; empty: it was given."""

    @classmethod
    def parse(cls, url: str, key: str = "", ca_file: str = "") -> EngineUrl:
        """Returns the address that a person has given. Raises `InvalidError`, which says what is wrong."""
        parts = _split(url.strip())
        secret = key.strip()
        if not (secret.isascii() and secret.isprintable()) or " " in secret:
            raise InvalidError("The key has characters that no key has; copy it again.", code="invalid_key")
        path = parts.path.rstrip("/").removesuffix(PREFIX)
        return cls(f"{parts.scheme}://{parts.netloc.lower()}{path}".rstrip("/"), secret, ca_file)

    @property
    def place(self) -> str:
        """The URL without its scheme: short enough for a status line."""
        return self.url.partition("://")[2]

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine, for example the near end of a tunnel."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")

    @property
    def is_open(self) -> bool:
        """Whether others on the way can read everything, the key included."""
        return self.url.startswith("http://") and not self.is_loopback


def _split(url: str) -> SplitResult:
    shown = shorten(sanitize_line(url.rpartition("@")[2]), 200)  # what stands before an @ may be a secret
    try:
        parts = urlsplit(url)
        known = parts.hostname is not None and (parts.port is None or parts.port > 0)
    except ValueError:
        raise _invalid(shown, "is not a URL") from None
    if parts.scheme not in ("http", "https"):
        raise _invalid(shown, "has no http:// or https:// before it")
    if not known or not url.isprintable() or " " in url:
        raise _invalid(shown, "is not a URL")
    if "@" in parts.netloc:
        raise _invalid(shown, "has a name before its host; the key is given apart")
    if parts.query or parts.fragment:
        raise _invalid(shown, "has more behind its path")
    return parts


def _invalid(shown: str, problem: str) -> InvalidError:
    return InvalidError(
        f"{shown!r} {problem}; an engine's address is like https://bench.example.org:8700", code="invalid_url"
    )
