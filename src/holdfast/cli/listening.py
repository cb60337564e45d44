"""What the commands about listeners share: how they are named, shown and warned about."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.core.domain.errors import InvalidError, NotFoundError

if TYPE_CHECKING:
    from holdfast.core.domain.status import Listener
    from holdfast.core.services.workbench import Workbench


def pick(text: str, listeners: Sequence[Listener]) -> Listener:
    """Returns the listener that `text` names: its URL, its port, or the start of its id; empty: the only one.

    Raises `NotFoundError` when there is none, `InvalidError` when it may be several.
    """
    found = [
        each
        for each in listeners
        if not text or text in (each.url, str(each.port)) or each.id.startswith(text)
    ]
    if not found:
        raise NotFoundError(f"there is no listener {text}".rstrip() + "; `holdfast serve list` shows all")
    if len(found) > 1:
        urls = ", ".join(each.url for each in found)
        raise InvalidError(f"there are several listeners: {urls}; name one by its URL")
    return found[0]


def state(listener: Listener) -> str:
    """Returns how a listener ends, or that it does."""
    if listener.closing:
        return "closing"
    return "foreground" if listener.leased else "background"


def describe(listener: Listener) -> str:
    """Returns a listener in one line."""
    notes = [
        *(["without keys"] if not listener.auth else []),
        *([f"log {listener.log}"] if listener.log else ["in the foreground"]),
        *(["closing"] if listener.closing else []),
    ]
    return f"{listener.url} ({', '.join(notes)})"


async def warnings(workbench: Workbench, listener: Listener) -> list[str]:
    """Returns what a person should know about a listener that was just opened."""
    said = []
    if not listener.auth:
        said.append("Whoever reaches this port can do everything that you can: it asks for no key.")
    elif not await _has_key(workbench):
        said.append("There is no key yet: `holdfast keys create NAME` makes one.")
    if not listener.tls and not _is_loopback(listener.host):
        said.append("Keys and messages travel unencrypted: --tls-cert and --tls-key change that.")
    if (key := listener.tls_key or listener.tls_cert) and _is_open_to_others(Path(key)):
        said.append(f"Every user of this machine can read the key in {key}: `chmod o-rwx` closes it.")
    return said


async def _has_key(workbench: Workbench) -> bool:
    now = datetime.now(UTC)
    return any(
        key.revoked_at is None and (key.expires_at is None or key.expires_at > now)
        for key in await workbench.keys.list()
    )


def _is_open_to_others(file: Path) -> bool:
    try:
        return bool(file.stat().st_mode & stat.S_IRWXO)
    except OSError:  # it is read already, and may be gone
        return False


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
