"""Keys that stand in the bodies of requests, as some systems' clients send them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope

from holdfast.core.domain.errors import InvalidError
from holdfast.server.kit.auth import InBody
from holdfast.server.kit.body import kept, spooled, too_large
from holdfast.server.kit.operations import Operation, SecretsIn
from holdfast.server.kit.reading import json_of_bytes

_PIECE = 128 * 1024


def keys_in_bodies(operation_of: Callable[[Scope], Operation | None], limit: int) -> InBody:
    """Returns what reads the keys of those operations that have them in their bodies. No more than `limit`
    bytes are taken in for who is not let in yet: a larger body, where a file may stand in it, has to have its
    key in those."""

    async def read(scope: Scope, receive: Receive) -> tuple[Sequence[str], Receive] | None:
        operation = operation_of(scope)
        if operation is None or operation.secrets is None:
            return None
        beginning = _Beginning(receive, limit)
        if operation.holds_file:
            reading = kept(beginning.chunks())
        else:
            reading = spooled(Request(scope, receive), limit, "send less")
        async with reading as file:
            body = file.read()
        secrets = _secrets(operation.secrets, body, cut=beginning.more)
        if beginning.more and not secrets:
            raise too_large(limit, "with a file in it, who asks has to stand before that")
        return secrets, _again(body, receive, more=beginning.more)

    return read


class _Beginning:
    """The first `limit` bytes of a body, or a piece more."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self.more = False
        """Whether others come after those."""

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yields them as they come."""
        size, self.more = 0, True
        while self.more and size <= self._limit:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            piece = message.get("body", b"")
            size += len(piece)
            self.more = message.get("more_body", False)
            yield piece


def _secrets(find: SecretsIn, body: bytes, *, cut: bool) -> Sequence[str]:
    """What is no JSON has none: who shows nothing is not told what is wrong with the rest."""
    try:
        return find(json_of_bytes(body, cut=cut))
    except InvalidError:
        return ()


def _again(body: bytes, receive: Receive, *, more: bool) -> Receive:
    """Gives what was read of a body, then what comes after it."""
    pieces = [body[start : start + _PIECE] for start in range(0, len(body), _PIECE)] or [b""]
    messages: list[Message] = [
        {"type": "http.request", "body": piece, "more_body": more or left > 0}
        for left, piece in zip(reversed(range(len(pieces))), pieces, strict=True)
    ]
    given = iter(messages)

    async def again() -> Message:
        return next(given, None) or await receive()

    return again
