"""One agent as a form: read, changed key by key in its file, tried."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from holdfast.core.domain.agreements import DECENTRALIZED
from holdfast.core.domain.errors import AgentFileError, HoldfastError, InvalidError, UnsupportedError
from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.control.base import Context
from holdfast.tui.control.listed import ListedControl
from holdfast.tui.control.playground import PlaygroundControl
from holdfast.tui.control.trust import AgreementsControl
from holdfast.tui.presenters.author.asking import tool_rows
from holdfast.tui.presenters.choices import agent_choices, kind_choices
from holdfast.tui.presenters.details import (
    BY_ID,
    PLANS,
    DetailsState,
    Field,
    agent_view,
    changes_of,
    greyed,
    key_names,
    mistakes_of,
    number_of,
    usage_lines,
)

if TYPE_CHECKING:
    from holdfast.core.domain.errors import Diagnostic
    from holdfast.tui.control.agents import AgentsControl
    from holdfast.tui.control.desk import Action
    from holdfast.tui.screens.modelled import ModelScreen

LEFT = object()
"""Stands for a value that was not given: the person left the dialog."""
ANY = "any"
"""Stands for no key of the agent's own."""


class DetailsControl(ListedControl[DetailsState]):
    """What a person does with one agent. Each change is written into the agent's file at once."""

    PARTS = ("details",)

    def __init__(
        self,
        context: Context,
        agents: AgentsControl,
        agreements: AgreementsControl,
        playground: PlaygroundControl,
    ) -> None:
        super().__init__(context, context.model.details)
        self._agents = agents
        self._agreements = agreements
        self._playground = playground
        self.actions: dict[str, Action] = {
            "details": self.show,
            "details.agent": self.choose_agent,
            "details.change": self.change,
            "details.playground": self.try_it,
            "details.chat": self.chat,
            "details.file": self.open_file,
            "details.runs": self.runs,
        }

    @property
    def _project(self) -> str | None:
        return self._context.app.start.project or None

    # --- what is shown

    def _screen(self) -> type[ModelScreen]:
        from holdfast.tui.screens.details import DetailsScreen  # start-up time: when it is opened

        return DetailsScreen

    async def show(self, name: str = "") -> None:
        """Opens the form of an agent: of the one that is named, else of the open session's."""
        name = name or self._state.agent or self._context.model.agent
        if name != self._state.agent:
            self._state.agent, self._state.view = name, None
        await super().show()

    async def choose_agent(self, _: str = "") -> None:
        """Shows another agent."""
        found = agent_choices(await self._context.workbench.agents.list(self._project))
        name = await self._context.app.dialogs.choose("Which agent?", found, None, self._state.agent)
        if name is not None:
            await self.show(name)

    async def _read(self) -> None:
        state, bench, now = self._state, self._context.workbench, self._context.app.start.now()
        if not state.agent:
            return
        info = await bench.agents.get(state.agent, self._project)
        state.agent, state.view = info.name, agent_view(info)
        state.error = (
            ""
            if state.view is not None
            else f"The file of {sanitize_line(info.name)} has mistakes: /edit-agent."
        )
        state.regions = (await bench.usage.plans()).regions
        summary = await bench.usage.report(by="agent", agent=info.name)
        state.usage = usage_lines(summary, now)
        state.keys = await self._key_names()

    async def _key_names(self) -> dict[str, str]:
        try:
            return key_names(await self._context.workbench.keys.list(), self._context.app.start.now())
        except HoldfastError:
            return {}  # who may not look at keys chooses none

    # --- changing

    async def change(self, field_id: str) -> None:
        """Lets the person change a field, and writes it."""
        one, view = BY_ID.get(field_id), self._state.view
        if one is None or view is None:
            return
        if one.how == "copy":
            self._context.app.copy_to_clipboard(view.id)
            self._context.view.say(f"Copied: {view.id}")
            return
        if reason := greyed(self._state, field_id):
            raise UnsupportedError(reason)
        if not await self._own():
            return
        if one.how == "script":
            await self._edit_script(view.values["script"] or "", view.script_file)
        elif one.how == "text":
            await self._edit_text(one, view.values[field_id])
        else:
            value = await self._ask(one, view.values[field_id])
            if value is not LEFT and await self._agreed(one, value):
                await self._write(field_id, value)

    async def _agreed(self, one: Field, value: Any) -> bool:
        """Says whether the person has agreed to what comes with a value."""
        asks = one.how == "plan" and value == "decentralized"
        return not asks or await self._agreements.ensure(DECENTRALIZED)

    async def _ask(self, one: Field, value: Any) -> Any:
        dialogs, state = self._context.app.dialogs, self._state
        if one.how == "switch":
            return not value if one.id == "logging" else (not value or None)
        if one.how == "plan":
            given = await dialogs.choose("Which plan?", kind_choices(PLANS), None, value or "none")
            return LEFT if given is None else given
        if one.how == "region":
            return await dialogs.choose_word("Which region?", state.regions) or LEFT
        if one.how == "key":
            rows = [(ANY, "any of yours", "No key of its own."),
                    *((id, name, id) for id, name in state.keys.items())]  # fmt: skip
            given = await dialogs.choose("Which key may call it?", kind_choices(rows), None, value or ANY)
            return LEFT if given is None else (None if given == ANY else given)
        if one.how == "tools":
            return await self._pick_tools(list(value))
        return await self._ask_line(one, value)

    async def _ask_line(self, one: Field, value: Any) -> Any:
        text = "" if value is None else f"{value:g}" if one.how == "number" else value
        given = await self._context.app.dialogs.ask_or_none(f"The {one.label}", text)
        if given is None:
            return LEFT
        if one.how != "number":
            return given or None
        try:
            return number_of(one.id, given)
        except ValueError as error:
            raise InvalidError(f"{error}.") from None

    async def _pick_tools(self, names: list[str]) -> Any:
        known = await self._context.workbench.tools.list(self._project)
        rows = [(one.name, one.description.partition("\n")[0]) for one in known]
        picked = await self._context.app.dialogs.pick(
            "Which tools may it call?", tool_rows(rows, names), names
        )
        if picked is None:
            return LEFT
        values = (await self._context.workbench.agents.source(self._state.agent, self._project)).values
        entries = values.get("tools")
        said = {one["tool"]: one for one in entries or () if isinstance(one, dict) and "tool" in one}
        return [said.get(name, name) for name in picked]

    async def _edit_text(self, one: Field, text: str) -> None:
        async def save(text: str) -> str:
            return await self._try_to_write(one.id, text if text.strip() else None)

        await self._context.app.dialogs.edit_text(f"The {one.label} message", text, save)

    async def _edit_script(self, code: str, file: str) -> None:
        if file:
            raise UnsupportedError(f"The script stands in {file}, beside the agent's file: edit it there.")
        from holdfast.tui.screens.details import ScriptScreen  # start-up time: when it is opened

        async def save(text: str) -> str:
            return await self._try_to_write("script", text if text.strip() else None)

        model = self._context.model.header.model or "offline"
        title = f"The script of {self._state.agent}; an empty one: the usual loop"
        screen = ScriptScreen(title, sanitize(code), model, self._check_script, save)
        await self._context.app.push_screen_wait(screen)

    async def _check_script(self, code: str) -> list[tuple[int, str]]:
        # On one line in its file, a script's mistakes are said with the lines of the script.
        yaml = f"version: 1\nname: script\nscript: {{code: {json.dumps(code)}}}\n"
        return mistakes_of(one.message for one in _serious(await self._context.workbench.agents.check(yaml)))

    async def _try_to_write(self, field_id: str, value: Any) -> str:
        """Writes a field; returns what is wrong with it."""
        try:
            await self._write(field_id, value)
        except AgentFileError as error:
            return sanitize("; ".join(one.message for one in _serious(error.diagnostics)))
        except HoldfastError as error:
            return sanitize(error.message)
        return ""

    async def _write(self, field_id: str, value: Any) -> None:
        state, agents = self._state, self._context.workbench.agents
        before = state.agent
        project = self._project if state.view is not None and state.view.layer == "project" else None
        info = await agents.edit(before, changes_of(state, field_id, value), None, project)
        said = await self._agents.renew(before, info.name)
        state.agent = info.name
        await self.reload()
        if said:
            self._context.view.say(said)

    async def _own(self) -> bool:
        """Says whether the agent can be written; one that comes with Holdfast is copied first, if the person
        wants that."""
        state = self._state
        if state.view is None or state.view.layer != "shipped":
            return state.view is not None
        question = f"{state.view.name} comes with Holdfast. Make a copy of your own, and change that?"
        if not await self._context.app.dialogs.confirm(question, "copy it"):
            return False
        await self._context.workbench.agents.install(state.agent)
        await self.reload()
        return True

    # --- trying

    async def try_it(self, _: str = "") -> None:
        """Opens the agent in the playground."""
        await self._playground.show(self._state.agent)

    async def chat(self, _: str = "") -> None:
        """Opens a new session with the agent."""
        self._close()
        await self._agents.new(self._state.agent)

    async def open_file(self, _: str = "") -> None:
        """Opens the agent's file in the editor."""
        self._close()
        self._context.app.command("agent.edit", self._state.agent)

    async def runs(self, _: str = "") -> None:
        """Opens the log of the agent's runs."""
        self._context.app.command("runs", self._state.agent)

    def _close(self) -> None:
        screen = self._context.app.screen
        if isinstance(screen, self._screen()):
            screen.dismiss()


def _serious(diagnostics: Any) -> list[Diagnostic]:
    return [one for one in diagnostics if not one.warning]
