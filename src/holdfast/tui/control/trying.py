"""Trying a tool: a form of its arguments, the call under the rules, its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.events import LoggedEvent
from holdfast.core.domain.runs import RunOptions, ToolRun
from holdfast.core.domain.text import sanitize_line
from holdfast.tui.control.base import Context
from holdfast.tui.presenters.forms.fields import Raw, form_of
from holdfast.tui.presenters.forms.values import raw_of
from holdfast.tui.presenters.spans import Line, line
from holdfast.tui.presenters.tools import VERDICTS, ToolView
from holdfast.tui.presenters.trying import tried_lines

if TYPE_CHECKING:
    from holdfast.tui.control.sessions import SessionsControl
    from holdfast.tui.screens.trying import TriedScreen

WAIT_S = 20.0
"""So long one look waits for the end of a call; then it is looked again."""


class TryingControl:
    """Runs a tool for a person, in the open session or a new one."""

    def __init__(self, context: Context, sessions: SessionsControl) -> None:
        self._context = context
        self._sessions = sessions
        self._last: dict[str, dict[str, Any]] = {}
        """What each tool was tried with last."""
        self._under_way: set[str] = set()
        """Runs whose approvals are shown at once."""

    def take(self, logged: LoggedEvent) -> None:
        """Shows what a call that is tried would do, when it is asked for."""
        event = logged.event
        if event.type == "approval.requested" and event.run_id in self._under_way:
            show_waiting(self._context, event.run_id)

    async def begin(self, name: str) -> None:
        """Asks for the arguments of a tool, runs it and shows what came of it."""
        one = self._context.model.tools.tool(name)
        if one is None:
            return
        pinned = dict(one.pinned)
        form = form_of(one.parameters, without=pinned)
        last = self._last.get(name)
        raw: dict[str, Raw] | None = None if last is None else raw_of(form, last)
        started: list[tuple[ToolRun, dict[str, Any]]] = []

        async def take(filled: dict[str, Any]) -> None:
            self._last[name] = filled
            arguments = {**filled, **pinned}
            started.append((await self._start(name, arguments), arguments))

        about = _about(one)
        if (
            await self._context.app.dialogs.form(f"Try {name}", form, "run it", take, about=about, raw=raw)
            is not None
        ):
            await self._follow(name, *started[-1])

    async def _start(self, name: str, arguments: dict[str, Any]) -> ToolRun:
        session_id = await self._sessions.ensure()
        model = self._context.model
        options = RunOptions(approve=None if model.mode.chosen else ApproveMode(model.approve))
        return await self._context.workbench.tools.run(session_id, name, arguments, options)

    async def _follow(self, name: str, run: ToolRun, arguments: dict[str, Any]) -> None:
        from holdfast.tui.screens.trying import TriedScreen  # start-up time: when a tool is tried

        app = self._context.app
        screen = TriedScreen(name, tried_lines(run, arguments), lambda: app.do("tools.try", name))
        app.push_screen(screen)
        self._under_way.add(run.run_id)
        try:
            show_waiting(self._context, run.run_id)
            while not run.status.ended:
                run = await self._context.workbench.tools.result(run.run_id, WAIT_S)
                self._show(screen, run, arguments)
        finally:
            self._under_way.discard(run.run_id)
        self._show(screen, run, arguments)

    def _show(self, screen: TriedScreen, run: ToolRun, arguments: dict[str, Any]) -> None:
        if screen.is_attached:
            screen.show(tried_lines(run, arguments, max(20, screen.size.width - 8)))


def show_waiting(context: Context, run_id: str) -> None:
    """Shows what a run waits for, if there is such a thing, and lets keys decide it."""
    item = context.model.inbox.of_run(run_id)
    if item is not None:
        context.panes.select(item.id)
        context.panes.show_whole(item)


def _about(one: ToolView) -> list[Line]:
    lines = [line((sanitize_line(one.description.partition("\n")[0]), "muted"))]
    if one.given and one.verdict:
        lines.append(line((f"{VERDICTS[one.verdict]}: {one.reason}", "muted")))
    lines += [line(("pinned  ", "accent"), name) for name, _ in one.pinned]
    return lines
