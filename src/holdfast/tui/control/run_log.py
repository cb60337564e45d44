"""The log of runs: read page by page, found, sorted; the logging of agents; and the map of a session."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.events import RUN_ENDS, LoggedEvent
from holdfast.core.domain.run_log import RUN_SORTS, RunsFound, RunSort
from holdfast.core.domain.text import sanitize_line
from holdfast.tui.control.base import Context
from holdfast.tui.control.listed import ListedControl
from holdfast.tui.control.sessions import SessionsControl
from holdfast.tui.presenters.choices import Choice
from holdfast.tui.presenters.run_log import PAGE, RunLogState, agent_rows
from holdfast.tui.presenters.session_map import SessionMapState
from holdfast.tui.presenters.spans import line

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp
    from holdfast.tui.control.desk import Action
    from holdfast.tui.screens.modelled import ModelScreen

PAUSE_S = 0.12
"""How long nothing must be typed, or the cursor stand still, before the engine is asked."""
SETTLE_S = 0.5
"""How long ends of runs gather before the list is read again."""


def _to_main(app: HoldfastApp) -> None:
    """Closes the screens above the main one: a session is opened there."""
    while len(app.screen_stack) > 1:
        app.pop_screen()


class RunLogControl(ListedControl[RunLogState]):
    """What a person does with the log of runs. Nothing is asked for before somebody looks."""

    PARTS = ("runs",)

    def __init__(self, context: Context, sessions: SessionsControl) -> None:
        super().__init__(context, context.model.run_log)
        self._sessions = sessions
        self.actions: dict[str, Action] = {
            "runs": self.show,
            "runs.page": self.page,
            "runs.agent": self.agent,
            "runs.sort": self.sort,
            "runs.reverse": self.reverse,
            "runs.refresh": self.look,
            "runs.open": self.open,
            "runs.map": self.map,
            "runs.logging": self.logging,
        }

    def take(self, logged: LoggedEvent) -> None:
        """Reads the list again when a run has begun or ended, while it is looked at."""
        if self._shown and (logged.event.type in RUN_ENDS or logged.event.type == "run.started"):
            self._context.app.work(self._settled, "runs again")

    async def _settled(self) -> None:
        await asyncio.sleep(SETTLE_S)
        if self._shown:
            kept = self._state.reports
            self._state.reports = {id: one for id, one in kept.items() if one.run.status.ended}
            await self.reload()

    @property
    def _shown(self) -> bool:
        return any(getattr(screen, "PART", "") == "runs" for screen in self._context.app.screen_stack)

    # --- what is shown

    def _screen(self) -> type[ModelScreen]:
        from holdfast.tui.screens.run_log import RunsScreen  # start-up time: when it is opened

        return RunsScreen

    async def show(self, agent: str = "") -> None:
        """Opens the screen; with the name of an agent, only its runs. The order stays as it was."""
        if agent or not self._shown:
            self._state.agent, self._state.text, self._state.wanted = agent, "", "0"
            self._state.pages.clear()
        await super().show()

    async def _read(self) -> None:
        """Reads the page with the cursor, or the first one; the others are read when they are looked at."""
        state, before = self._state, self._current
        page = int(before[0]) // PAGE if before is not None else 0
        found = await self._ask(page)
        if page and not found.runs:  # it has become shorter
            page, found = 0, await self._ask(0)
        state.take(found, page, anew=True)
        if before is not None:
            state.wanted = state.place_of(before[1]) or ""

    @property
    def _current(self) -> tuple[str, str] | None:
        """The row and the id of the run under the cursor."""
        for screen in self._context.app.screen_stack:
            if getattr(screen, "PART", "") == "runs":
                place = getattr(screen, "current", None)
                entry = self._state.named(place)
                return None if entry is None or place is None else (place, entry.id)
        return None

    async def _ask(self, page: int) -> RunsFound:
        state = self._state
        return await self._context.workbench.runs.search(
            state.text[:1_000],
            state.agent or None,
            sort=state.sort,
            descending=state.descending,
            offset=page * PAGE,
            limit=PAGE,
        )

    async def page(self, number: str) -> None:
        """Reads another page, for rows that have come into view."""
        state, page = self._state, int(number)
        asked = (state.text, state.agent, state.sort, state.descending)
        try:
            found = await self._ask(page)
        except BaseException:
            state.asked.discard(page)
            raise
        if asked == (state.text, state.agent, state.sort, state.descending):
            state.take(found, page, anew=found.total != state.total)
            self.mark()

    async def read(self, run_id: str) -> None:
        """Reads a run in full, when the cursor stands still on it."""
        await asyncio.sleep(PAUSE_S)
        if run_id not in self._state.reports:
            self._state.keep(await self._context.workbench.runs.report(run_id))
            self.mark()

    async def find(self, words: str) -> None:
        """Shows the runs that have the words; who types on ends this."""
        self._state.text = words
        await asyncio.sleep(PAUSE_S)
        await self._anew()

    async def _anew(self) -> None:
        self._state.pages.clear()
        self._state.wanted = "0"
        await self.reload()

    # --- what is done

    async def agent(self, _: str = "") -> None:
        """Lets the person choose whose runs are shown."""
        rows = agent_rows(self._state)
        choices = [Choice(name, line(said), [line((said, "heading"))], said) for name, said in rows]
        chosen = await self._context.app.dialogs.choose("Whose runs?", choices)
        if chosen is not None:
            self._state.agent = chosen
            await self._anew()

    async def sort(self, named: str = "") -> None:
        """Sorts by a column, the same once more the other way round; without a name, by the next one."""
        column: RunSort | None = next((each for each in RUN_SORTS if each == named), None)
        if column is not None:
            self._state.sort_by(column)
        else:
            self._state.next_sort()
        await self._anew()

    async def reverse(self, _: str = "") -> None:
        """Sorts the other way round."""
        self._state.descending = not self._state.descending
        await self._anew()

    async def open(self, run_id: str) -> None:
        """Opens the session of a run, where the run begins."""
        report = await self._context.workbench.runs.report(run_id)
        if not report.run.session:
            raise NotFoundError("Its session is deleted; the log keeps what it has used.")
        _to_main(self._context.app)
        place = report.way[0].event_id if report.way else None
        await self._sessions.open(report.run.session_id, place)

    async def map(self, run_id: str) -> None:
        """Opens the map of the session of a run, with the cursor on it."""
        entry = next((one for page in self._state.pages.values() for one in page if one.id == run_id), None)
        if entry is not None:
            self._context.app.do("map", f"{entry.session_id} {run_id}")

    async def logging(self, run_id: str) -> None:
        """Switches the logging of a run's agent off, or on again, from its next run on."""
        entry = next((one for page in self._state.pages.values() for one in page if one.id == run_id), None)
        if entry is None:
            return
        agents, project = self._context.workbench.agents, self._context.app.start.project or None
        info = await agents.get(entry.agent, project)
        on = info.spec is None or info.spec.logging
        name = sanitize_line(entry.agent_name or entry.agent)
        question = f"Keep nothing of what is said to {name}, and by it, in the log of runs from now on?"
        if on and not await self._context.app.dialogs.confirm(question, "stop logging"):
            return
        await agents.edit(entry.agent, {"logging": not on}, None, project)
        self._state.switched[entry.agent] = not on
        self._context.view.say(f"{name}: {'logged again' if not on else 'no longer logged'}.")
        self.mark()


class SessionMapControl(ListedControl[SessionMapState]):
    """What a person does with the map of a session."""

    PARTS = ("map",)

    def __init__(self, context: Context, sessions: SessionsControl) -> None:
        super().__init__(context, context.model.map)
        self._sessions = sessions
        self.actions: dict[str, Action] = {
            "map": self.show,
            "map.go": self.go,
            "map.older": self.older,
            "map.refresh": self.look,
        }

    def take(self, logged: LoggedEvent) -> None:
        """Reads the map again when something has happened in its session, while it is looked at."""
        ends = logged.event.type in (*RUN_ENDS, "step.completed", "tool_call.completed", "approval.requested")
        if ends and self._shown and logged.event.session_id in self._sessions_shown():
            self._context.app.work(self._settled, "map again")

    def _sessions_shown(self) -> set[str | None]:
        return {self._state.session_id, *(node.session_id for node in self._state.nodes or [])}

    @property
    def _shown(self) -> bool:
        return any(getattr(screen, "PART", "") == "map" for screen in self._context.app.screen_stack)

    async def _settled(self) -> None:
        await asyncio.sleep(SETTLE_S)
        if self._shown:
            await self.reload()

    def _screen(self) -> type[ModelScreen]:
        from holdfast.tui.screens.session_map import SessionMapScreen  # start-up time: when it is opened

        return SessionMapScreen

    async def show(self, named: str = "") -> None:
        """Opens the map of a session, by its id, else of the open one; behind a space, the id of a run."""
        session_id, _, run_id = named.partition(" ")
        wanted = session_id or self._context.model.session_id
        if wanted is not None:
            self._state.begin(wanted)
        else:
            self._state.session_id, self._state.nodes = None, None
        self._state.wanted = run_id
        self._state.folded.discard(run_id)
        await super().show()

    async def _read(self) -> None:
        state = self._state
        if state.session_id is None:
            return
        wanted = state.wanted
        found = await self._context.workbench.runs.map(state.session_id)
        if found.session_id == state.session_id:
            state.take(found)
            while wanted and state.older is not None and state.node(wanted) is None:
                await self._read_older()
            state.wanted = wanted or state.wanted

    async def _read_older(self) -> None:
        state = self._state
        if state.session_id is None or state.older is None:
            return
        state.take_older(await self._context.workbench.runs.map(state.session_id, before=state.older))

    async def older(self, _: str = "") -> None:
        """Reads the runs before those that are shown."""
        await self._read_older()
        self.mark()

    async def go(self, node_id: str) -> None:
        """Opens the transcript at the place of what is under the cursor."""
        node = self._state.node(node_id)
        if node is not None:
            _to_main(self._context.app)
            await self._sessions.open(node.session_id, node.event_id or None)
