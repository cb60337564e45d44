"""The talk on the socket of h2oGPTe's own client: questions come in, and what is said of each goes out.

When the socket ends, what it has asked goes on: the client comes back without asking again, and the reply
stands in its chat.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from holdfast.core.domain.errors import ErrorInfo, ErrorKind, HoldfastError, InvalidError, RateLimitedError
from holdfast.server.dialects.h2ogpte.frames import message
from holdfast.server.dialects.h2ogpte.mapping_client import asked_of
from holdfast.server.dialects.h2ogpte.wire_client import Question
from holdfast.server.kit.body import check_values
from holdfast.server.kit.errors import retry_after_s
from holdfast.server.kit.reading import parsed
from holdfast.server.kit.sockets import Heard, SocketCall

MOST_AT_ONCE = 8
"""Questions of one socket that are answered at the same time."""


@dataclass(frozen=True, slots=True)
class Started:
    """A completion that goes on."""

    question_id: str
    uses_agent: bool
    messages: AsyncGenerator[str, None]
    """What is said of it, as messages of the socket, up to its end."""


Start = Callable[[SocketCall, str, dict[str, Any]], Awaitable[Started]]
"""Starts a completion in the chat of an id, for the body of a request. Raises `HoldfastError`."""


async def talk(call: SocketCall, chat_id: str, start: Start) -> None:
    """Opens the socket, and answers what is asked until it ends; `chat_id` is the chat it was opened for."""
    await call.accept()
    answering: dict[asyncio.Task[None], _Question] = {}
    try:
        async with asyncio.TaskGroup() as tasks:
            while (heard := await call.receive()) is not None:
                question = _Question(call, chat_id, start)
                if await question.read(heard, room=len(answering) < MOST_AT_ONCE):
                    task = tasks.create_task(question.answer())
                    answering[task] = question
                    task.add_done_callback(answering.pop)
            await asyncio.gather(*(question.settled.wait() for question in answering.values()))
            for task in answering:
                task.cancel()
    except* HoldfastError as group:  # of a message that was none: it ends the socket
        raise group.exceptions[0] from None


class _Question:
    """One question of a socket."""

    def __init__(self, call: SocketCall, chat_id: str, start: Start) -> None:
        self._call = call
        self._start = start
        self._asked = Question(t="", session_id=chat_id)
        self.settled = asyncio.Event()
        """Set when its completion goes on by itself, or there is none."""

    async def read(self, heard: Heard, *, room: bool) -> bool:
        """Reads it; says whether there is something to answer. What is wrong with it was said then."""
        try:
            self._asked = _read(heard.text, self._asked.session_id)
            if heard.refused is not None:
                raise heard.refused
            if not room:
                raise RateLimitedError(
                    f"{MOST_AT_ONCE} questions of this connection are being answered; wait for one.",
                    code="too_many_requests",
                )
        except HoldfastError as error:
            await self._refuse(error.info)
            return False
        return True

    async def answer(self) -> None:
        """Starts a completion, and says what comes of it."""
        asked = self._asked
        try:
            started = await self._start(self._call, asked.session_id, asked_of(asked))
        except HoldfastError as error:
            await self._refuse(error.info)
            return
        finally:
            self.settled.set()
        async with aclosing(started.messages) as messages:
            await self._acknowledge(started)
            async for each in messages:
                if not await self._call.send(each):
                    return

    async def _acknowledge(self, started: Started) -> None:
        acknowledgement = {
            "t": "cx",
            "session_id": self._asked.session_id,
            "correlation_id": self._asked.correlation_id,
            "message_id": started.question_id,
            "username": self._call.principal.name,
            "body": self._asked.body,
            "use_agent": started.uses_agent,
        }
        await self._call.send(message(acknowledgement))

    async def _refuse(self, error: ErrorInfo) -> None:
        """Says why there will be no answer. Clients know the question by its correlation, older ones by that
        there is nothing yet which the error replies to."""
        refusal: dict[str, Any] = {
            "t": "ce",
            "session_id": self._asked.session_id,
            "correlation_id": self._asked.correlation_id,
            "message_id": "",
            "reply_to_id": None,
            "body": "",
            "error": error.message,
        }
        if error.kind is ErrorKind.RATE_LIMITED:
            refusal |= {"error_type": "rate_limit", "retry_after": retry_after_s(error)}
        await self._call.send(message(refusal))


def _read(text: str, chat_id: str) -> Question:
    """Returns the question. Raises `InvalidError`, and `TooLargeError` for one of too many values."""
    check_values(text.encode())
    try:
        given = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidError(f"The message is no JSON: {error}", code="invalid_json") from None
    question: Question = parsed(Question, given)
    if question.t != "cq":
        raise InvalidError("Only questions (`cq`) are understood here.", code="invalid_request")
    return question if question.session_id else question.model_copy(update={"session_id": chat_id})
