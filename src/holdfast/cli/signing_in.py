"""Signs in to engines elsewhere: asks for name and password, and says what came of it."""

from __future__ import annotations

import asyncio
import sys

from holdfast.cli.doors import RemoteEngine, doors
from holdfast.cli.output import advise
from holdfast.cli.passwords import read_known_password
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.text import sanitize_line

DAY_S = 86_400


def ask_name(place: str, before: str = "") -> str:
    """Asks as whom to sign in; empty: with a key instead. `before` is who it was last."""
    known = f" [{sanitize_line(before)}]" if before else " (empty: use a key)"
    print(f"Name at {place}{known}: ", end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise InvalidError("no name was given")
    return line.strip() or before


def sign_in(engine: RemoteEngine, name: str, days: int = 7) -> RemoteEngine:
    """Asks for the password, signs in, and keeps the login. Raises why that cannot be."""
    password = read_known_password(f"Password of {sanitize_line(name)} at {engine.place}")
    if not password:
        raise InvalidError("no password was given")
    let_in = asyncio.run(doors().sign_in(engine, name, password, expires_s=days * DAY_S))
    said = "1 day" if days == 1 else f"{days} days"
    advise(f"signed in as {sanitize_line(let_in.login)} for {said}; `holdfast logout {engine.url}` ends that")
    return let_in
