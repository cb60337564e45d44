"""The agent editor: reads an agent's file, has it checked as it is typed, saves it, tries it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from holdfast.core.domain.agents import Layer
from holdfast.core.domain.errors import (
    AgentFileError,
    ConflictError,
    HoldfastError,
    InvalidError,
    UnavailableError,
)
from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.presenters.author.asking import (
    CONFLICT,
    LEAVING,
    RULES,
    model_rows,
    rules_of,
    tool_rows,
)
from holdfast.tui.presenters.author.completion import Known
from holdfast.tui.presenters.author.form import BY_ID, Field, listed, values_of, with_field
from holdfast.tui.presenters.author.state import EditorState
from holdfast.tui.presenters.choices import agent_choices

if TYPE_CHECKING:
    from holdfast.core.domain.agents import AgentInfo, AgentSource
    from holdfast.core.services.workbench import Agents
    from holdfast.tui.control.agents import AgentsControl
    from holdfast.tui.control.base import Context
    from holdfast.tui.screens.author import AuthorScreen


class AuthorControl:
    """What an author does with an agent file. The screen shows the state, and hands over what is wanted."""

    def __init__(self, context: Context, agents: AgentsControl) -> None:
        self._context = context
        self._agents = agents

    @property
    def _project(self) -> str | None:
        return self._context.app.start.project or None

    @property
    def _service(self) -> Agents:
        return self._context.workbench.agents

    # --- opening

    async def edit(self, name: str = "") -> None:
        """Opens the file of an agent; without a name it is chosen, and one with mistakes can be, too."""
        dialogs, model = self._context.app.dialogs, self._context.model
        if not name:
            found = agent_choices(await self._service.list(self._project))
            choices = [replace(one, valid=True) for one in found]
            name = await dialogs.choose("Edit which agent?", choices, None, model.agent) or ""
        if name:
            info = await self._service.get(name, self._project)
            source = await self._service.source(name, self._project)
            await self._open(_state_of(info, source))

    async def new(self, name: str = "") -> None:
        """Opens a file to start from; nothing is written until it is saved."""
        asked = "The new agent's name"
        while name or (name := await self._context.app.dialogs.ask(asked, "")):
            try:
                text = await self._service.template(name)
            except InvalidError as error:
                asked, name = error.message, ""
                continue
            await self._open(EditorState(name=name, origin="new", saved=text, text=text))
            return

    async def _open(self, state: EditorState) -> None:
        from holdfast.tui.screens.author import AuthorScreen  # start-up time: when it is opened

        app = self._context.app
        if any(isinstance(one, AuthorScreen) for one in app.screen_stack):
            raise ConflictError("The editor is open already; leave it first.", code="editor_open")
        screen = AuthorScreen(self, state)
        await app.push_screen(screen)
        await self.check(screen)
        state.known = await self._known()
        screen.redraw()

    async def _known(self) -> Known:
        bench = self._context.workbench
        tools = await bench.tools.list(self._project)
        return Known(
            schema=await self._service.schema(),
            models=[(one.name, one.provider) for one in await bench.models.list()],
            agents=[(one.name, one.description) for one in await self._service.list(self._project)],
            tools=[(one.name, one.description.partition("\n")[0]) for one in tools],
        )

    # --- mistakes

    async def check(self, screen: AuthorScreen) -> None:
        """Has the text checked as it is now, and shows what is wrong with it."""
        state = screen.state
        text = state.text
        try:
            problems = await self._service.check(text, state.target, self._project)
        except HoldfastError as error:
            self._failed(screen, error)
            return
        state.take_problems(text, problems)
        screen.redraw()

    def _failed(self, screen: AuthorScreen, error: HoldfastError) -> None:
        """Shows what went wrong below the text. Raises `UnavailableError` again: the engine is looked for."""
        screen.state.error = sanitize(error.message)
        screen.redraw()
        if isinstance(error, UnavailableError):
            raise error

    # --- saving

    async def save(self, screen: AuthorScreen) -> bool:
        """Writes the text into the file, and says whether that was done: not with mistakes in it, and where
        the file has changed meanwhile only when the person wants it."""
        if screen.state.saving:
            return False
        screen.state.saving = True
        try:
            return await self._save(screen)
        finally:
            screen.state.saving = False

    async def _save(self, screen: AuthorScreen) -> bool:
        state = screen.state
        text, before = state.text, state.name
        try:
            info = await self._write(state, text)
        except AgentFileError as error:
            state.take_problems(text, error.diagnostics)
            state.note = "Not saved"
            screen.redraw()
            screen.show_problem(state.next_problem(-1, -1))
            return False
        except ConflictError as error:
            if error.code != "agent_changed":
                self._failed(screen, error)
                return False
            return await self._settle(screen)
        except HoldfastError as error:
            self._failed(screen, error)
            return False
        await self._saved(screen, info, text, before)
        return True

    async def _write(self, state: EditorState, text: str) -> AgentInfo:
        if state.origin in ("new", "shipped"):
            return await self._service.create(text)
        project = self._project if state.origin == "project" else None
        return await self._service.update(state.name, text, state.digest, project)

    async def _saved(self, screen: AuthorScreen, info: AgentInfo, text: str, before: str) -> None:
        state = screen.state
        source = await self._service.source(info.name, self._project)
        replaced = state.origin in ("user", "project") and state.saved != text
        fresh = _state_of(info, source)
        state.name, state.origin, state.path = fresh.name, fresh.origin, fresh.path
        state.digest, state.saved, state.cleaned = fresh.digest, fresh.saved, False
        if state.text == text:  # nobody has typed meanwhile; an id may have come into it
            screen.show_text(fresh.saved)
        told = await self._agents.renew(before, info.name)
        kept = "The text before is beside it, in .bak." if replaced else ""
        state.note = " ".join(part for part in (f"{info.name} is saved.", told, kept) if part)
        await self.check(screen)

    async def _settle(self, screen: AuthorScreen) -> bool:
        """Asks what is to become of a file that somebody else has changed since it was read."""
        state = screen.state
        answer = await self._context.app.dialogs.choose("The file has changed since you opened it.", CONFLICT)
        if answer is None:
            return False
        source = await self._service.source(state.name, self._project)
        state.digest = source.digest
        if answer == "mine":
            return await self._save(screen)
        state.saved = sanitize(source.text)
        screen.show_text(state.saved)
        await self.check(screen)
        return False

    async def may_leave(self, screen: AuthorScreen) -> bool:
        """Asks before a text that is not saved is lost."""
        state = screen.state
        if state.asking or not state.unsaved:
            return not state.asking
        state.asking = True
        try:
            answer = await self._context.app.dialogs.choose(f"{state.name} is not saved.", LEAVING)
        finally:
            state.asking = False
        return answer == "lose" or (answer == "save" and await self._save_and_tell(screen))

    async def _save_and_tell(self, screen: AuthorScreen) -> bool:
        """Saves the text, and says so where it is seen when the editor is closed. False also when more was
        typed meanwhile, which would be lost."""
        if not await self.save(screen):
            return False
        self._context.view.say(screen.state.note)
        return not screen.state.unsaved

    async def leave(self, screen: AuthorScreen) -> None:
        """Closes the editor, if the person may and wants to."""
        if await self.may_leave(screen) and screen.is_there:
            screen.dismiss()

    async def try_it(self, screen: AuthorScreen) -> None:
        """Saves the text, and opens a new session with the agent."""
        state = screen.state
        if (state.unsaved or state.origin == "new") and not await self._save_and_tell(screen):
            return
        if state.mistakes:  # what it builds on may be broken now
            screen.show_problem(state.next_problem(-1, -1))
            return
        screen.dismiss()
        await self._agents.new(state.name)

    # --- the form

    async def change(self, screen: AuthorScreen, field_id: str) -> None:
        """Lets the person change a field of the form; the text changes with it."""
        values = values_of(screen.state.text)
        if values is None:
            return
        field = BY_ID[field_id]
        value = values[field_id]
        text = value if isinstance(value, str) else ""
        dialogs = self._context.app.dialogs
        if field.how == "text":
            await dialogs.edit_text(f"The {field.label}", sanitize(text), self._taker(screen, field))
        elif field.how == "rules":
            title = f"{RULES[field.label]} One rule in a line: TOOL or TOOL(PATTERN)"
            rules = "\n".join(map(sanitize_line, listed(value)))
            await dialogs.edit_text(title, rules, self._taker(screen, field))
        else:
            given = await self._ask(screen.state, field, text, listed(value))
            if given is not None:
                self._put(screen, field, given)

    async def _ask(
        self, state: EditorState, field: Field, text: str, names: list[str]
    ) -> str | list[str] | None:
        dialogs = self._context.app.dialogs
        if field.how == "tools":
            return await dialogs.pick("Which tools may it call?", tool_rows(state.known.tools, names), names)
        if field.how == "model":
            return await dialogs.choose("Which model?", model_rows(state.known.models), None, text)
        return await dialogs.ask_or_none(f"The {field.label}", text)

    def _taker(self, screen: AuthorScreen, field: Field) -> Callable[[str], Awaitable[str]]:
        async def take(text: str) -> str:
            try:
                self._put(screen, field, rules_of(text) if field.how == "rules" else text)
            except InvalidError as error:
                return error.message
            return ""

        return take

    def _put(self, screen: AuthorScreen, field: Field, value: str | list[str]) -> None:
        wanted = None if value == "" and field.how == "model" else value
        screen.show_text(with_field(screen.state.text, field.id, wanted))


def _state_of(info: AgentInfo, source: AgentSource) -> EditorState:
    text = sanitize(source.text)
    origins = {Layer.USER: "user", Layer.PROJECT: "project", Layer.SHIPPED: "shipped"}
    return EditorState(
        name=info.name,
        origin=origins[info.layer],  # type: ignore[arg-type] # the three of them are origins
        path=source.path,
        digest=source.digest,
        saved=text,
        text=text,
        cleaned=text != source.text.replace("\r\n", "\n"),
    )
