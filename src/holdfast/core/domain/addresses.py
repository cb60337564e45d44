"""Which addresses may be reached: a name is resolved once, and the connection goes to what was checked."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from holdfast.core.domain.errors import ForbiddenError, InvalidError, ToolError

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host, as text."""

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?|[0-9a-f:.]+")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SAFE = "/%:@!$&'()*+,;=-._~"


@dataclass(frozen=True, slots=True)
class WebAddress:
    """An http or https address in one plain form."""

    scheme: str
    host: str
    port: int
    path: str
    """With the query."""

    @classmethod
    def parse(cls, text: str) -> WebAddress:
        """Returns the address that `text` says. Raises `InvalidError`."""
        text = text.strip()
        if re.search(r"[\x00-\x20\x7f\\]", text):
            raise InvalidError("An address must not have spaces, backslashes or control characters.")
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise InvalidError(f"{text[:200]!r} is not an address: {error}.") from error
        if parts.scheme not in _PORTS:
            raise InvalidError(f"{text[:200]!r} is not an http or https address.")
        if "@" in parts.netloc:
            raise InvalidError("An address must not have a user name or a password.")
        query = f"?{quote(parts.query, safe=_SAFE + '?')}" if parts.query else ""
        path = _plain_path(quote(parts.path, safe=_SAFE)) + query
        return cls(parts.scheme, _plain_host(parts.hostname or ""), port or _PORTS[parts.scheme], path)

    def join(self, location: str) -> WebAddress:
        """Returns where a redirection leads. Raises `InvalidError`."""
        return WebAddress.parse(urljoin(str(self), location))

    def same_site(self, other: WebAddress) -> bool:
        """Whether both are of one host, with or without `www.`, on their usual or the same port."""
        hosts = {self.host.removeprefix("www."), other.host.removeprefix("www.")}
        return len(hosts) == 1 and (self.port == other.port or (self._usual and other._usual))

    @property
    def _usual(self) -> bool:
        return self.port == _PORTS[self.scheme]

    @property
    def netloc(self) -> str:
        """Host and, where it is not the usual one, port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self._usual else f"{host}:{self.port}"

    def at(self, address: str) -> str:
        """Returns the URL with an IP address instead of the host."""
        host = f"[{address}]" if ":" in address else address
        return f"{self.scheme}://{host}:{self.port}{self.path}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.path}"


def _plain_host(host: str) -> str:
    host = host.lower().removesuffix(".")
    try:
        host = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise InvalidError(f"{host[:200]!r} is not the name of a host.") from error
    if not _HOST.fullmatch(host):
        raise InvalidError(f"{host[:200]!r} is not the name of a host.")
    return host


def _plain_path(path: str) -> str:
    """Returns `path` without `.` and `..`, so that a rule sees what a server sees."""
    kept: list[str] = []
    parts = re.sub("%2e", ".", path, flags=re.IGNORECASE).split("/")[1:]
    for part in parts:
        if part == "..":
            kept = kept[:-1]
        elif part != ".":
            kept.append(part)
    ending = "/" if parts and parts[-1] in (".", "..") and kept else ""
    return "/" + "/".join(kept) + ending


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """Asks the system. Raises `ToolError` when the name is not known.

    In a thread of its own: a name server that does not answer keeps it for long, and must hold up neither
    the others that wait for a thread nor the end of the process.
    """
    looked: Future[list[str]] = Future()
    looked.set_running_or_notify_cancel()  # the thread cannot be stopped

    def look() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or error
            looked.set_exception(ToolError(f"The host {host} is not known: {reason}.", code="unreachable"))
        else:
            looked.set_result(list(dict.fromkeys(str(info[4][0]) for info in found)))

    threading.Thread(target=look, name="resolver", daemon=True).start()
    return await asyncio.wrap_future(looked)


async def checked_addresses(
    address: WebAddress, resolve: Resolver, *, allow_private: bool, advice: str
) -> Sequence[str]:
    """Returns the IP addresses to connect to. Raises `ForbiddenError` when one of them is not public, with
    `advice` on what can be done; `ToolError` when there is none."""
    found = await resolve(address.host, address.port)
    if not found:
        raise ToolError(f"The host {address.host} has no address.", code="unreachable")
    if not allow_private and not all(map(is_public, found)):
        # Where it is, is not said: who may not reach a network may not ask for its addresses either.
        raise ForbiddenError(f"{address.host} is not at a public address. {advice}", code="private_address")
    return found


def is_public(text: str) -> bool:
    """Says whether an IP address belongs to a machine of the public internet; what is no address does not."""
    try:
        ip = ipaddress.ip_address(text)
    except ValueError:
        return False
    inside = _inside(ip) if isinstance(ip, ipaddress.IPv6Address) else []
    if isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local:
        return False  # given up as a kind of address, still private where it is used
    if inside:
        return all(map(is_public, inside))
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def _inside(ip: ipaddress.IPv6Address) -> list[str]:
    """Returns the IPv4 addresses that an IPv6 address stands for: that is where packets go."""
    inside = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if ip in _NAT64:
        inside.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return [str(found) for found in inside if found is not None]
