"""Modes: how much the agent of the open session may do without asking."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.errors import ConflictError, HoldfastError, InvalidError
from holdfast.core.domain.modes import AutoLimits
from holdfast.tui.control.base import Context
from holdfast.tui.presenters.modes import (
    CYCLE,
    WORDS,
    ModeView,
    limits_text,
    mode_choices,
    parse_limits,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from holdfast.core.domain.events import LoggedEvent
    from holdfast.tui.control.runs import RunsControl

APPROVED = "The plan is approved. Carry it out."


class ModesControl:
    """Shows and changes the mode. The engine holds it: what is here is what it has said."""

    def __init__(self, context: Context, runs: RunsControl) -> None:
        self._context = context
        self._runs = runs
        self._changing = False
        self._own: list[str] = []
        """Changes that were made here and whose events are still to come."""
        self.actions: dict[str, Callable[[str], Awaitable[None]]] = {
            "mode": self.choose,
            "mode.next": self.next,
            "plan.approve": self.approve_plan,
        }

    def take(self, logged: LoggedEvent) -> None:
        """Tells of a change that was not made here."""
        event, model = logged.event, self._context.model
        if event.type != "session.mode_changed" or event.session_id != model.session_id:
            return
        if event.by == model.me and event.mode.value in self._own:
            self._own.remove(event.mode.value)
        else:
            self._context.view.say(told(event, model.me))

    async def next(self, _: str = "") -> None:
        """Goes to the next mode; to `auto` only when the person has seen its limits."""
        if self._changing:
            return  # the question about the last press is still open
        wanted = self._context.model.mode.after
        if wanted == "auto" and not await self._to_auto(None):
            wanted = "ask"
        if wanted != "auto":
            await self._change(wanted, None)

    async def choose(self, text: str) -> None:
        """Changes the mode to the one that is named, with limits behind `auto`; else lets the person
        choose."""
        usual = await self._usual()
        name, _, rest = text.strip().partition(" ")
        if not name:
            question = "How much may be done without asking?"
            choices = mode_choices(self._context.model.mode, usual)
            name = await self._context.app.dialogs.choose(question, choices) or ""
        if not name:
            return
        if name == "auto":
            limits = parse_limits(rest, usual)
            if limits is None:
                raise InvalidError(f"{rest!r} are no limits; write them as in: {limits_text(usual)}")
            await self._to_auto(limits)
        elif name in CYCLE:
            await self._change(name, None)
        else:
            raise InvalidError(f"There is no mode {name!r}; there are {', '.join(CYCLE)}.")

    async def approve_plan(self, _: str) -> None:
        """Leaves plan mode and tells the agent to begin; the person chooses how much it may do then."""
        model, dialogs = self._context.model, self._context.app.dialogs
        if model.mode.shown != "plan":
            raise ConflictError("There is no plan to approve: the session is not in plan mode.")
        if model.run.busy:
            raise ConflictError("The agent still works on the plan; approve it when the run has ended.")
        choices = [c for c in mode_choices(model.mode, await self._usual()) if c.value != "plan"]
        name = await dialogs.choose("Approve the plan. How much may be done without asking?", choices)
        if name is None or (name == "auto" and not await self._to_auto(None)):
            return
        if name != "auto":
            await self._change(name, None)
        await self._runs.send(APPROVED, [])

    async def _usual(self) -> AutoLimits:
        settings = await self._context.workbench.engine.settings(self._context.app.start.project or None)
        return settings.auto

    async def _to_auto(self, limits: AutoLimits | None) -> bool:
        """Asks with the limits, which can be changed there; says whether the mode is `auto` now."""
        usual = await self._usual()
        text = limits_text(limits or usual)
        question = "Autonomous: everything that no rule denies is done without asking, until one of these:"
        self._changing = True
        try:
            while True:
                opened = time.monotonic()
                said = await self._context.app.dialogs.ask_or_none(question, text)
                if said is None:
                    return False
                if not self._context.app.guard.admits(opened, time.monotonic()):
                    continue  # enter was on its way already when the question came: nobody has read it
                wanted = parse_limits(said, usual)
                if wanted is not None:
                    break
                text = limits_text(limits or usual)
                question = f"Limits are written as: {text}"
        finally:
            self._changing = False
        await self._change("auto", wanted)
        return True

    async def _change(self, name: str, limits: AutoLimits | None) -> None:
        model, view = self._context.model, self._context.view
        self._changing = True
        try:
            if model.session_id is not None:
                await self._tell_engine(model.session_id, name, limits)
            model.mode = ModeView(name, True, limits)
        finally:
            self._changing = False
        view.mark("header", "run", "hint")
        word, what = WORDS[name]
        view.say(f"{word.capitalize()}: {what}.")

    async def _tell_engine(self, session_id: str, name: str, limits: AutoLimits | None) -> None:
        self._own.append(name)
        try:
            with self._context.awaiting():
                await self._context.workbench.approvals.set_mode(session_id, ApproveMode(name), limits)
        except HoldfastError:
            if name in self._own:  # else it was done, and only the answer was lost
                self._own.remove(name)
            raise
