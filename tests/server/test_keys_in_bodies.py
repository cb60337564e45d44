"""Keys in the bodies of requests: what is read for who is not let in yet."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from holdfast.core.domain.errors import TooLargeError
from holdfast.server.kit.body_keys import keys_in_bodies
from holdfast.server.kit.operations import Operation

LIMIT = 60
SCOPE: dict[str, Any] = {"type": "http", "method": "POST", "headers": []}


async def _nothing(call: Any) -> None:
    """Answers nothing."""


def _key(body: Any) -> tuple[str, ...]:
    return tuple(filter(None, [body.get("key")])) if isinstance(body, dict) else ()


class Sender:
    """Sends a body in pieces, and counts those that were taken."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.waiting = list(pieces)
        self.taken = 0

    async def __call__(self) -> Message:
        if not self.waiting:
            return {"type": "http.disconnect"}
        self.taken += 1
        body = self.waiting.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(self.waiting)}


async def _read(sender: Receive, *, holds_file: bool = True) -> tuple[Any, bytes]:
    """Returns the keys of a body, and all of the body as it is read after that."""
    operation = Operation("x", "POST", "/x", _nothing, secrets=_key, holds_file=holds_file)
    found = await keys_in_bodies(lambda scope: operation, LIMIT)(dict(SCOPE), sender)
    assert found is not None
    secrets, again = found
    body, more = b"", True
    while more:
        message = await again()
        body, more = body + message["body"], message["more_body"]
    return secrets, body


@given(st.integers(0, 200), st.integers(1, 70))
async def test_a_key_before_a_file_is_found_and_nothing_of_the_body_is_lost(file: int, piece: int) -> None:
    body = json.dumps({"key": "k", "file": "A" * file}).encode()
    sender = Sender(body[start : start + piece] for start in range(0, len(body), piece))
    assert await _read(sender) == (("k",), body)


async def test_a_key_behind_a_file_counts_as_long_as_all_of_it_is_small() -> None:
    small = json.dumps({"file": "A" * 20, "key": "k"}).encode()
    assert await _read(Sender([small])) == (("k",), small)
    large = json.dumps({"file": "A" * 100, "key": "k"}).encode()
    sender = Sender([large[:50], large[50:80], large[80:], b"", b""])
    with pytest.raises(TooLargeError):
        await _read(sender)
    assert sender.taken == 2, "no more than that is read for a stranger"


async def test_where_no_file_stands_nothing_is_larger() -> None:
    body = json.dumps({"key": "k", "file": "A" * 100}).encode()
    with pytest.raises(TooLargeError):
        await _read(Sender([body]), holds_file=False)


async def test_who_leaves_before_the_end_has_left() -> None:
    with pytest.raises(ClientDisconnect):
        await _read(Sender([]))
