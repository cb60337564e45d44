"""Tools: what the agent has, what is one's own; tried, made, edited, exported, deleted."""

from __future__ import annotations

import asyncio
import os
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.core.config.tool_text import PYTHON, ending, spec_of, written
from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.errors import HoldfastError, InvalidError, UnavailableError, UnsupportedError
from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.control.base import Context
from holdfast.tui.control.keeping import free_path
from holdfast.tui.control.listed import ListedControl, saving
from holdfast.tui.control.trying import TryingControl
from holdfast.tui.control.undoing import UndoingControl
from holdfast.tui.presenters.choices import kind_choices
from holdfast.tui.presenters.tool_form import KINDS, TEMPLATE, http_form, http_spec, version_choices
from holdfast.tui.presenters.tools import ToolsState, given_views, own_view, tool_view

if TYPE_CHECKING:
    from holdfast.core.domain.custom_tools import CustomTool, ToolSpec
    from holdfast.core.domain.given_tools import GivenTools
    from holdfast.tui.control.desk import Action
    from holdfast.tui.control.sessions import SessionsControl
    from holdfast.tui.screens.modelled import ModelScreen


class ToolsControl(ListedControl[ToolsState]):
    """What a person does with tools. Nothing is asked for before somebody looks."""

    PARTS = ("tools",)

    def __init__(self, context: Context, sessions: SessionsControl, undoing: UndoingControl) -> None:
        super().__init__(context, context.model.tools)
        self._undoing = undoing
        self._current = ""
        self.trying = TryingControl(context, sessions)
        self.actions: dict[str, Action] = {
            "tools": self.show,
            "tools.try": self.trying.begin,
            "tools.new": self.new,
            "tools.edit": self.edit,
            "tools.editor": self.edit_outside,
            "tools.versions": self.versions,
            "tools.export": self.export,
            "tools.secret": self.secret,
            "tools.delete": self.delete,
        }

    # --- what is shown

    def _screen(self) -> type[ModelScreen]:
        from holdfast.tui.screens.tools import ToolsScreen  # start-up time: when it is opened

        return ToolsScreen

    async def _read(self) -> None:
        """Reads the tools; those of one's own also where the agent's file has mistakes."""
        state, tools = self._state, self._context.workbench.tools
        state.agent = sanitize_line(self._context.model.agent)
        known = await tools.list(self._context.app.start.project or None)
        state.known, state.error, state.own = [tool_view(one) for one in known], "", {}
        await self._read_own(self._current)
        given = await self._given()
        state.given, state.missing = given_views(given), tuple(map(sanitize_line, given.missing))
        if state.tool(self._current) is None:
            self._current = next((one.name for one in state.given), "")
            await self._read_own(self._current)

    async def _given(self) -> GivenTools:
        model = self._context.model
        mode = ApproveMode(model.mode.shown if model.mode.chosen else model.approve)
        project = self._context.app.start.project or None
        return await self._context.workbench.tools.given(model.agent, project, model.session_id, mode)

    async def look_at(self, name: str) -> None:
        """Reads what is known of a tool of the person's own."""
        self._current = name
        if await self._read_own(name):
            self.mark()

    async def _read_own(self, name: str) -> bool:
        """Says whether there was something to be read."""
        one = self._state.tool(name)
        if one is None or one.source != "custom" or name in self._state.own:
            return False
        tool = await self._context.workbench.tools.get(name)
        self._state.own[name] = own_view(tool, written(tool.spec))
        return True

    # --- one's own

    async def new(self, _: str = "") -> None:
        """Makes a tool of the person's own."""
        chosen = await self._context.app.dialogs.choose("What kind of tool?", kind_choices(KINDS))
        if chosen == "http":
            await self._new_http()
        elif chosen == "python":
            await self._new_python()

    async def _new_http(self) -> None:
        made: list[CustomTool] = []

        async def take(filled: dict[str, Any]) -> dict[str, str] | None:
            spec, wrong = http_spec(filled)
            if spec is None:
                return wrong
            made.append(await self._context.workbench.tools.create(spec))
            return None

        title = "New tool: a request over HTTP"
        if await self._context.app.dialogs.form(title, http_form(), "make it", take):
            await self._made(made[-1])

    async def _new_python(self) -> None:
        made: list[CustomTool] = []

        async def save(text: str) -> str:
            try:
                made.append(await self._context.workbench.tools.create(_spec(text, PYTHON)))
            except HoldfastError as error:
                return sanitize(error.message)
            return ""

        await self._context.app.dialogs.edit_text("New tool: a function in Python", TEMPLATE, save)
        if made:
            await self._made(made[-1])

    async def _made(self, tool: CustomTool) -> None:
        name = tool.spec.name
        self._current = self._state.wanted = name
        await self.show()
        for secret in tool.missing:
            await self._ask_secret(name, secret)
        self._context.view.say(f"{name} is made. `tools: [{name}]` in an agent's file gives it to the agent.")

    async def _own(self, name: str) -> CustomTool | None:
        one = self._state.tool(name)
        if one is None:
            return None
        if one.source != "custom":
            raise InvalidError(f"{name} is no tool of your own; it cannot be changed.", code="not_own")
        return await self._context.workbench.tools.get(name)

    async def edit(self, name: str) -> None:
        """Lets the person edit a tool of their own; what others wrote meanwhile is not lost unseen."""
        tool = await self._own(name)
        if tool is None:
            return
        kind = ending(tool.spec)

        async def write(text: str, version: int | None) -> None:
            changed = await self._context.workbench.tools.update(tool.id, _spec(text, kind), version)
            self._current = self._state.wanted = changed.spec.name

        save = saving(write, tool.version, "tool_changed")
        title = f"{name}, version {tool.version}"
        await self._context.app.dialogs.edit_text(title, sanitize(written(tool.spec)), save)
        await self.reload()

    async def edit_outside(self, name: str) -> None:
        """Opens a tool of the person's own in $VISUAL or $EDITOR."""
        tool = await self._own(name)
        if tool is None:
            return
        if not self._context.app.start.at_hand:
            raise UnsupportedError("There is no editor in a browser; e edits it here.")
        kind, prefix = ending(tool.spec), f"{tool.spec.name}-"
        with tempfile.NamedTemporaryFile(
            "w", suffix=kind, prefix=prefix, delete=False, encoding="utf-8"
        ) as draft:
            draft.write(written(tool.spec))
        path = Path(draft.name)
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
        problem = self._context.app.dialogs.run_aside([*shlex.split(editor), "--", str(path)])
        if problem:
            self._context.view.say_error(problem)
            return
        try:
            spec = _spec(await asyncio.to_thread(path.read_text, "utf-8"), kind)
            await self._context.workbench.tools.update(tool.id, spec, tool.version)
        except (HoldfastError, OSError, ValueError) as error:
            raise InvalidError(f"{error} Your version is kept in {path}.", code="not_saved") from error
        path.unlink(missing_ok=True)
        await self.reload()

    async def versions(self, name: str) -> None:
        """Shows what a tool has been, and makes one of that its newest version, after a question."""
        tool = await self._own(name)
        if tool is None:
            return
        dialogs, tools = self._context.app.dialogs, self._context.workbench.tools
        known = {str(one.version): one.spec for one in await tools.versions(tool.id)}
        now = self._context.app.start.now()
        rows = version_choices(await tools.versions(tool.id), now)
        chosen = await dialogs.choose(f"Versions of {name}: enter brings one back", rows)
        if chosen is None or chosen == str(tool.version):
            return
        if await dialogs.confirm(f"Make version {chosen} of {name} the newest?", "make it the newest"):
            await tools.update(tool.id, known[chosen], tool.version)
            await self.reload()

    async def export(self, name: str) -> None:
        """Writes a tool of the person's own into a file of this folder, without its secrets."""
        tool = await self._own(name)
        if tool is None:
            return
        path = free_path(self._context.app.start.folder, tool.spec.name, ending(tool.spec)[1:])
        try:
            await asyncio.to_thread(path.write_text, written(tool.spec), "utf-8")
        except OSError as error:
            raise UnavailableError(f"Cannot write {path}: {error.strerror or error}") from error
        self._context.view.say(f"{name} is in {path.name}; `holdfast tools import` takes it.")

    async def secret(self, name: str) -> None:
        """Asks for a secret that a tool's headers refer to, and keeps it."""
        tool = await self._own(name)
        if tool is None:
            return
        secrets = tool.spec.secrets
        if not secrets:
            self._context.view.say("It refers to no secret: ${secret:NAME} in a header does.")
            return
        wanted: str | None = secrets[0]
        if len(secrets) > 1:
            wanted = await self._context.app.dialogs.choose_word("Which secret?", secrets)
        if wanted is not None:
            await self._ask_secret(name, wanted)
            await self.reload()

    async def _ask_secret(self, name: str, secret: str) -> None:
        question = f"{secret}, a secret of {name}: it is kept where keys are kept"
        value = await self._context.app.dialogs.ask_hidden(question)
        if value:
            await self._context.workbench.tools.set_secret(name, secret, value)

    async def delete(self, name: str) -> None:
        """Puts a tool of the person's own into the trash."""
        tool = await self._own(name)
        if tool is None:
            return
        await self._context.workbench.tools.delete(tool.id)
        await self.reload()
        self._undoing.deleted(f"the tool “{name}”", [("tool", tool.id)])


def _spec(text: str, kind: str) -> ToolSpec:
    return spec_of(text.encode(), f"tool{kind}")
