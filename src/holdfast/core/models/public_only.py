"""Keeps a process off private networks: whatever connects in it, and wherever a name leads at that moment.

The models that users keep for themselves are asked in such a process. An address that was looked at before
the call may lead elsewhere a moment later, and a server may send a client on; the connection itself is what
is looked at here.
"""

from __future__ import annotations

import errno
import socket
import sys
from typing import Any

from holdfast.core.domain.addresses import is_public

_INTERNET = (socket.AF_INET, socket.AF_INET6)


def stay_public() -> None:
    """From now on this process connects to public addresses only; others raise `PermissionError`. Nothing
    takes it back."""
    sys.addaudithook(_look)


def _look(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    place, address = arguments
    if place.family not in _INTERNET:
        return
    # A name instead of an address would be looked up after this: it is refused as well.
    if not is_public(str(address[0])):
        raise PermissionError(errno.EACCES, "This address is not a public one")
