"""The playground: a conversation is built, run by an agent, and gone on with."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.errors import ConflictError, HoldfastError, InvalidError, NotFoundError
from holdfast.core.domain.events import RUN_ENDS, EventFilter, LoggedEvent
from holdfast.core.domain.messages import TextPart, ToolResultPart, UserPart
from holdfast.core.domain.runs import RunOptions, Submitted
from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.control.base import Context
from holdfast.tui.control.connection import fairly
from holdfast.tui.control.listed import ListedControl
from holdfast.tui.control.trying import show_waiting
from holdfast.tui.presenters.choices import agent_choices
from holdfast.tui.presenters.forms.fields import form_of
from holdfast.tui.presenters.playground.code import LANGUAGES
from holdfast.tui.presenters.playground.played import Played
from holdfast.tui.presenters.playground.requests import DEFAULT_ADDRESS, SNIPPETS
from holdfast.tui.presenters.playground.sending import options_of, tools_of, tools_text, turn_of
from holdfast.tui.presenters.playground.state import OpenCall, PlaygroundState

if TYPE_CHECKING:
    from holdfast.tui.control.desk import Action
    from holdfast.tui.screens.modelled import ModelScreen

TITLE = "Playground"


class PlaygroundControl(ListedControl[PlaygroundState]):
    """What a person does in the playground. Each agent that is tried has a session for it."""

    PARTS = ("playground",)

    def __init__(self, context: Context) -> None:
        super().__init__(context, context.model.playground)
        self._sessions: dict[str, str] = {}
        """Where agents are tried, by their names."""
        self._follows = False
        """Whether the run that goes on here is followed: not while the engine is looked for."""
        self.actions: dict[str, Action] = {
            "playground": self.show,
            "playground.agent": self.choose_agent,
            "playground.new": self.add,
            "playground.edit": self.edit,
            "playground.role": self.turn_role,
            "playground.up": lambda key: self._move(key, -1),
            "playground.down": lambda key: self._move(key, 1),
            "playground.remove": self.remove,
            "playground.clear": self.clear,
            "playground.run": self.run,
            "playground.stop": self.stop,
            "playground.waiting": self.show_waiting,
            "playground.keep": self.keep,
            "playground.results": self.results,
            "playground.tools": self.edit_tools,
            "playground.dialect": self.next_dialect,
            "playground.language": self.next_language,
        }

    def take(self, logged: LoggedEvent) -> None:
        """Shows what the run that goes on here asks for."""
        played, event = self._state.played, logged.event
        asks = event.type in ("approval.requested", "question.asked")
        if asks and played is not None and event.run_id == played.run_id:
            show_waiting(self._context, played.run_id)

    # --- what is shown

    def _screen(self) -> type[ModelScreen]:
        from holdfast.tui.screens.playground import PlaygroundScreen  # start-up time: when it is opened

        return PlaygroundScreen

    async def show(self, name: str = "") -> None:
        """Opens the playground, with an agent if one is named."""
        if name:
            await self._take_agent(name)
        await super().show()

    async def _read(self) -> None:
        state, model = self._state, self._context.model
        state.error = ""
        if not state.agent and model.agent:
            await self._take_agent(model.agent)
        await self._find_address()

    async def resume(self) -> None:
        """Follows the run once more that goes on here, from its beginning, after the engine was lost."""
        await super().resume()
        played = self._state.played
        if played is not None and not played.ended and not self._follows:
            again = self._state.played = Played(played.session_id, played.run_id)
            self._context.app.work(partial(self._follow, again), "playground")

    async def _find_address(self) -> None:
        state = self._state
        try:
            doors = [one for one in await self._context.workbench.engine.listeners() if not one.closing]
        except HoldfastError:
            doors = []  # who may not look at the engine's doors is shown the usual one
        state.served = bool(doors)
        state.address = sanitize_line(doors[0].url) if doors else DEFAULT_ADDRESS

    async def _take_agent(self, name: str) -> None:
        info = await self._context.workbench.agents.get(name, self._project)
        if info.name != self._state.agent:
            self._state.played = None
        self._state.agent, self._state.agent_id = sanitize_line(info.name), info.id

    @property
    def _project(self) -> str | None:
        return self._context.app.start.project or None

    async def choose_agent(self, _: str = "") -> None:
        """Lets another agent answer."""
        self._refuse_busy()
        found = agent_choices(await self._context.workbench.agents.list(self._project))
        name = await self._context.app.dialogs.choose("Which agent answers?", found, None, self._state.agent)
        if name is not None:
            await self._take_agent(name)
            self.mark()

    # --- building

    async def add(self, _: str = "") -> None:
        """Adds a message, and lets the person write it."""
        place = self._state.add()
        self.mark()
        await self.edit(str(place))

    async def edit(self, key: str) -> None:
        """Lets the person write a message."""
        place = self._state.at(key)
        if place is None:
            return
        one = self._state.messages[place]

        async def save(text: str) -> str:
            self._state.write(place, text)
            return ""

        await self._context.app.dialogs.edit_text(f"Message of the {one.role}", one.text, save)
        self.mark()

    async def turn_role(self, key: str) -> None:
        """Gives a message the next role."""
        place = self._state.at(key)
        if place is not None:
            self._state.turn_role(place)
            self.mark()

    async def _move(self, key: str, step: int) -> None:
        place = self._state.at(key)
        if place is not None:
            self._state.move(place, step)
            self.mark()

    async def remove(self, key: str) -> None:
        """Takes a message out."""
        place = self._state.at(key)
        if place is not None:
            self._state.remove(place)
            self.mark()

    async def clear(self, _: str = "") -> None:
        """Begins anew."""
        self._refuse_busy()
        self._state.clear()
        self.mark()

    async def keep(self, _: str = "") -> None:
        """Puts the reply behind the conversation, to go on from it."""
        if not self._state.keep():
            raise InvalidError("There is no reply yet.", code="no_reply")
        self.mark()

    async def edit_tools(self, _: str = "") -> None:
        """Lets the person describe tools that they execute themselves."""

        async def save(text: str) -> str:
            try:
                self._state.tools = tools_of(text)
            except InvalidError as error:
                return error.message
            return ""

        title = "Tools that you execute, as JSON; an empty text: none"
        await self._context.app.dialogs.edit_text(title, sanitize(tools_text(self._state.tools)), save)
        self.mark()

    # --- code

    async def next_dialect(self, _: str = "") -> None:
        """Shows how the next API is asked the same."""
        self._state.dialect = (self._state.dialect + 1) % len(SNIPPETS)
        self.mark()

    async def next_language(self, _: str = "") -> None:
        """Shows the code in the next language."""
        self._state.language = (self._state.language + 1) % len(LANGUAGES)
        self.mark()

    # --- running

    async def run(self, _: str = "") -> None:
        """Lets the agent answer the last message, after the others."""
        self._refuse_busy()
        if not self._state.agent:
            raise NotFoundError("There is no agent yet: g chooses one.", code="no_agent")
        text, options = turn_of(self._state, self._approve)
        await self._send((TextPart(text=text),), options)

    async def results(self, _: str = "") -> None:
        """Asks what the tools gave that the person executes, and lets the agent go on with that."""
        self._refuse_busy()
        played = self._state.played
        if played is None or not played.open_calls:
            return
        form = form_of({"properties": {one.call_id: _field(one) for one in played.open_calls}})
        filled = await self._context.app.dialogs.form("What did the tools give?", form, "go on")
        if filled is None:
            return
        given = [(one, str(filled.get(one.call_id, ""))) for one in played.open_calls]
        parts = tuple(
            ToolResultPart(call_id=one.call_id, name=one.name, content=(TextPart(text=text),))
            for one, text in given
        )
        await self._send(parts, options_of(self._state, self._approve), given)

    async def show_waiting(self, _: str = "") -> None:
        """Shows once more what the run waits for."""
        if self._state.played is not None:
            show_waiting(self._context, self._state.played.run_id)

    async def stop(self, _: str = "") -> None:
        """Cancels the run."""
        if self._state.played is not None and self._state.busy:
            await self._context.workbench.runs.cancel(self._state.played.run_id)

    @property
    def _approve(self) -> ApproveMode:
        return ApproveMode(self._context.model.approve)

    def _refuse_busy(self) -> None:
        if self._state.busy:
            raise ConflictError("The agent is still answering: x stops it.", code="busy")

    async def _send(
        self,
        parts: tuple[UserPart, ...],
        options: RunOptions,
        given: list[tuple[OpenCall, str]] | None = None,
    ) -> None:
        submitted = await self._submit(parts, options)
        if submitted.run_id is None:
            raise ConflictError("The playground's session is busy elsewhere.", code="busy")
        if given:
            self._state.keep_results(given)
        played = self._state.played = Played(submitted.session_id, submitted.run_id)
        self.mark()
        await self._follow(played)

    async def _submit(self, parts: tuple[UserPart, ...], options: RunOptions) -> Submitted:
        runs = self._context.workbench.runs
        try:
            return await runs.send(await self._session(), parts, options)
        except NotFoundError:  # it was deleted meanwhile
            if options.history is None:
                raise
            del self._sessions[self._state.agent]
            return await runs.send(await self._session(), parts, options)

    async def _session(self) -> str:
        agent = self._state.agent
        if agent not in self._sessions:
            project = self._context.app.start.project or ""
            made = await self._context.workbench.sessions.create(agent, project, f"{TITLE}: {agent}")
            self._sessions[agent] = made.id
        return self._sessions[agent]

    async def _follow(self, played: Played) -> None:
        events = self._context.workbench.events.follow(EventFilter(run_id=played.run_id), after=0)
        self._follows = True
        try:
            async for logged in fairly(events):
                played.apply(logged)
                self.mark()
                if logged.event.type in RUN_ENDS:
                    break
        finally:
            self._follows = False
        played.run = await self._context.workbench.runs.get(played.run_id)
        self.mark()


def _field(call: OpenCall) -> dict[str, Any]:
    given = ", ".join(f"{name}: {value}" for name, value in call.arguments.items())
    return {"type": "string", "title": call.name, "description": f"Called with {given or 'nothing'}."}
