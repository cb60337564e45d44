"""Keys that stand in the bodies of requests, as some systems' clients send them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.types import Message, Receive, Scope

from holdfast.core.domain.errors import InvalidError
from holdfast.server.kit.auth import InBody
from holdfast.server.kit.body import spooled
from holdfast.server.kit.operations import Operation, SecretsIn
from holdfast.server.kit.reading import json_of_bytes

_PIECE = 128 * 1024


def keys_in_bodies(operation_of: Callable[[Scope], Operation | None], limit: int) -> InBody:
    """Returns what reads the keys of those operations that have them in their bodies, of `limit` bytes at
    most."""

    async def read(scope: Scope, receive: Receive) -> tuple[Sequence[str], Receive] | None:
        operation = operation_of(scope)
        if operation is None or operation.secrets is None:
            return None
        async with spooled(Request(scope, receive), limit, "send less") as file:
            body = file.read()
        return _secrets(operation.secrets, body), _again(body, receive)

    return read


def _secrets(find: SecretsIn, body: bytes) -> Sequence[str]:
    """What is no JSON has none: who shows nothing is not told what is wrong with the rest."""
    try:
        return find(json_of_bytes(body))
    except InvalidError:
        return ()


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives the body that was read, then what comes after it."""
    pieces = [body[start : start + _PIECE] for start in range(0, len(body), _PIECE)] or [b""]
    messages: list[Message] = [
        {"type": "http.request", "body": piece, "more_body": left > 0}
        for left, piece in zip(reversed(range(len(pieces))), pieces, strict=True)
    ]
    given = iter(messages)

    async def again() -> Message:
        return next(given, None) or await receive()

    return again
