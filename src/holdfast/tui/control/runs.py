"""Runs: send messages, queue, interrupt, continue, steer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.errors import (
    ConflictError,
    ForbiddenError,
    HoldfastError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)
from holdfast.core.domain.messages import TextPart, text_of
from holdfast.core.domain.runs import RunOptions
from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.core.domain.values import new_id
from holdfast.tui.control.base import CLOSED, LOST, Context
from holdfast.tui.control.decisions import DecisionsControl
from holdfast.tui.control.local_files import is_rooted, local_file, send_along
from holdfast.tui.control.mcp_resources import attached_resource, resource_of
from holdfast.tui.control.sessions import SessionsControl
from holdfast.tui.presenters.draft import Mention, renamed
from holdfast.tui.presenters.model import Waiting

if TYPE_CHECKING:
    from holdfast.core.domain.messages import UserPart


SHOWN_AFTER_S = 0.4
"""After so long a message that is not taken yet is shown as one that is sent."""


BeforeSending = Callable[[list[Mention]], Awaitable[tuple[tuple["UserPart", ...], list[Mention]]]]


async def _as_they_are(mentions: list[Mention]) -> tuple[tuple[UserPart, ...], list[Mention]]:
    return (), mentions


class RunsControl:
    """What a person does with the run of the open session."""

    def __init__(self, context: Context, sessions: SessionsControl, decisions: DecisionsControl) -> None:
        self._context = context
        self._sessions = sessions
        self._decisions = decisions
        self._sending = asyncio.Lock()
        self.before_sending: BeforeSending = _as_they_are
        """Awaited with the mentions of a message before it is taken; returns what goes along with it, and the
        mentions that are to be attached still."""

    async def send(self, text: str, mentions: list[Mention]) -> None:
        """Sends a message, or the answer to the question that waits in this session; one after the other."""
        try:
            along, mentions = await self.before_sending(mentions)
        except HoldfastError:
            self._context.view.box.give_back(text)
            raise
        await self._deliver(Waiting(new_id(), text, tuple(mentions), along=along))

    async def send_parts(self, text: str, along: tuple[UserPart, ...]) -> None:
        """Sends a message that is complete as it is."""
        await self._deliver(Waiting(new_id(), text, along=along))

    async def _deliver(self, waiting: Waiting) -> None:
        with self._shown(waiting):
            async with self._sending:
                await self._send(waiting)

    @contextmanager
    def _shown(self, waiting: Waiting) -> Iterator[None]:
        """Shows a message above the message field while it is on its way, if that takes a while."""
        model, view = self._context.model, self._context.view

        def show() -> None:
            model.sending.append(waiting)
            view.mark("queue")

        timer = asyncio.get_running_loop().call_later(SHOWN_AFTER_S, show)
        try:
            yield
        finally:
            timer.cancel()
            if waiting in model.sending:
                model.sending.remove(waiting)
                view.mark("queue")

    async def _send(self, waiting: Waiting) -> None:
        question = self._context.model.answering()
        try:
            if question is not None and not waiting.sent:
                await self._decisions.answer(question, waiting.text)
                return
            if not self._context.model.header.may_send:
                raise ForbiddenError("This key may look, but not send: its scope is `read`.")
            lost = await self._send_message(waiting)
        except HoldfastError:
            self._context.view.box.give_back(waiting.text)
            raise
        if lost is not None:
            message = "The engine does not answer: your message is sent once it is reached again."
            raise UnavailableError(message, code=lost.code) from lost
        self._context.panes.transcript.follow()

    async def _send_message(self, waiting: Waiting) -> UnavailableError | None:
        """Sends a message under its id. When the engine is lost, nobody knows whether it has arrived: then it
        is kept, to be sent again under the same id, and the reason is returned."""
        session_id, sent = waiting.session_id, waiting.sent
        try:
            session_id = session_id or await self._sessions.ensure()
            parts = await self._parts(session_id, waiting)
            sent = True
            with self._context.awaiting():
                await self._context.workbench.runs.send(session_id, parts, self._options(), waiting.id)
        except UnavailableError as error:
            if error.code not in (*LOST, CLOSED):
                raise
            self._context.model.outbox.append(replace(waiting, session_id=session_id, sent=sent))
            self._context.view.mark("queue")
            return error
        except ConflictError as error:
            if not waiting.sent or error.code != "message_exists":
                raise
        return None  # it has arrived, now or before

    async def _parts(self, session_id: str, waiting: Waiting) -> tuple[UserPart, ...]:
        message, attached = waiting.text, []
        for mention in waiting.mentions:
            part, called = await self._attach(session_id, mention)
            if part is not None:
                attached.append(part)
                message = renamed(message, mention.path, called)
        said = (TextPart(text=message),) if message or not waiting.along else ()
        return (*said, *attached, *waiting.along)

    async def _attach(self, session_id: str, mention: Mention) -> tuple[UserPart | None, str]:
        """Returns the file of a mention and how the message calls it; None for a word that is no file. A
        resource of an MCP server is one, too."""
        if (resource := resource_of(mention.path)) is not None:
            part = await attached_resource(self._context.workbench, session_id, *resource)
            return part, mention.path
        files, remote = self._context.workbench.files, self._context.remote
        start = self._context.app.start
        here = local_file(mention.path, start.folder) if remote is not None and start.at_hand else None
        if here is not None and is_rooted(mention.path):
            return await send_along(files, session_id, here), here.name
        try:
            return await files.attach(session_id, mention.path), mention.path
        except (NotFoundError, InvalidError):
            if here is not None:
                self._context.view.say(f"{sanitize_line(str(here))} is sent along from this machine.")
                return await send_along(files, session_id, here), here.name
            if mention.chosen:
                raise
        if "." in mention.path or "/" in mention.path:
            self._context.view.say(f"There is no file {sanitize_line(mention.path)}: it is sent as text.")
        return None, mention.path

    async def flush_outbox(self) -> None:
        """Sends what was written before the engine was reached, in order."""
        model = self._context.model
        while model.outbox:
            waiting = model.outbox.pop(0)
            waiting = waiting if waiting.sent else replace(waiting, id=new_id())
            self._context.view.mark("queue")
            try:
                await self._deliver(waiting)
            except HoldfastError:
                if model.outbox and model.outbox[-1].id == waiting.id:  # it is the first one again
                    model.outbox.insert(0, model.outbox.pop())
                raise

    async def pull_back(self, _: str = "") -> None:
        """Takes the last waiting message back into the message field."""
        model, box = self._context.model, self._context.view.box
        if model.queue and model.session_id:
            last = model.queue[-1]
            try:
                message = await self._context.workbench.sessions.pull_back(model.session_id, last.id)
            except NotFoundError:
                self._context.view.say("That message is on its way already.")
            else:
                box.set_text(sanitize(text_of(tuple(p for p in message.parts if isinstance(p, TextPart)))))
            model.queue = [one for one in model.queue if one.id != last.id]
        self._context.view.mark("queue")

    async def interrupt(self, _: str = "") -> None:
        with self._context.awaiting():
            await self._context.workbench.runs.cancel(self._busy())

    async def pause(self, _: str) -> None:
        await self._context.workbench.runs.pause(self._busy())

    async def resume(self, _: str) -> None:
        await self._context.workbench.runs.resume(self._busy())

    async def finish(self, _: str) -> None:
        await self._context.workbench.runs.finish(self._busy())

    async def steer(self, text: str) -> None:
        run_id = self._busy()
        words = text or await self._context.app.dialogs.ask(
            "Steer the run: say something before its next step", ""
        )
        if words:
            await self._context.workbench.runs.steer(run_id, (TextPart(text=words),))

    async def steer_with(self, text: str, mentions: list[Mention]) -> None:
        """Gives what stands in the message field to the run under way, before its next step."""
        try:
            run_id = self._busy()
            session_id = await self._sessions.ensure()
            parts = await self._parts(session_id, Waiting("", text, tuple(mentions)))
            with self._context.awaiting():
                await self._context.workbench.runs.steer(run_id, parts)
        except HoldfastError:
            self._context.view.box.give_back(text)
            raise

    async def go_on(self, _: str) -> None:
        model = self._context.model
        if model.session_id is None or not model.run.continuable:
            raise ConflictError("There is nothing to continue: the last run came to its end.")
        await self._context.workbench.runs.go_on(model.session_id, self._options())
        self._context.panes.transcript.follow()

    def _options(self) -> RunOptions:
        """The mode is the session's; the setting counts where nobody has chosen one."""
        model = self._context.model
        return RunOptions(approve=None if model.mode.chosen else ApproveMode(model.approve))

    def _busy(self) -> str:
        run = self._context.model.run.current
        if run is None or not run.busy:
            raise ConflictError("No run is busy in this session: there is nothing to steer or to stop.")
        return run.id
