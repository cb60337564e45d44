"""Prompts: listed, tried, written, and sent as slash commands."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.core.domain.errors import (
    ForbiddenError,
    HoldfastError,
    InvalidError,
    NotFoundError,
    TooLargeError,
)
from holdfast.core.domain.paths import path_of
from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.control.base import Context
from holdfast.tui.control.listed import ListedControl, saving
from holdfast.tui.control.runs import RunsControl
from holdfast.tui.control.sessions import SessionsControl
from holdfast.tui.control.undoing import UndoingControl
from holdfast.tui.presenters.choices import prompt_choices
from holdfast.tui.presenters.forms.fields import form_of
from holdfast.tui.presenters.prompts import (
    NEW,
    ArgumentView,
    PromptsState,
    PromptView,
    Slash,
    message_of,
    prompt_views,
    schema_of,
    slashes,
    text_of,
)
from holdfast.tui.presenters.spans import line

if TYPE_CHECKING:
    from holdfast.core.domain.prompts import FoundPrompt, ResolvedPrompt
    from holdfast.tui.control.desk import Action
    from holdfast.tui.screens.modelled import ModelScreen

ATTACH = "A file of at most 10 MB that goes with it; empty: none"


class PromptsControl(ListedControl[PromptsState]):
    """What a person does with prompts. Nothing is asked for before somebody looks, or types a slash."""

    PARTS = ("prompts",)

    def __init__(
        self, context: Context, sessions: SessionsControl, runs: RunsControl, undoing: UndoingControl
    ) -> None:
        super().__init__(context, context.model.prompts)
        self._sessions = sessions
        self._runs = runs
        self._undoing = undoing
        self._current = ""
        self.actions: dict[str, Action] = {
            "prompts": self.show,
            "prompts.send": self.send,
            "prompts.new": self.new,
            "prompts.edit": self.edit,
            "prompts.attach": self.attach,
            "prompts.remove": self.remove,
            "prompts.try": self.try_it,
            "prompt": self.use,
        }

    def _place(self) -> dict[str, str | None]:
        """Returns from where prompts are looked for: the open session, else the one that would be made."""
        model = self._context.model
        if model.session_id is not None:
            return {"session_id": model.session_id}
        return {"project": self._context.app.start.project or None, "agent": model.agent or None}

    # --- what is shown

    def _screen(self) -> type[ModelScreen]:
        from holdfast.tui.screens.prompts import PromptsScreen  # start-up time: when it is opened

        return PromptsScreen

    async def _read(self) -> None:
        """Reads the prompts that can be seen."""
        state = self._state
        state.prompts, state.error, state.texts = await self._seen(), "", {}
        if state.prompt(self._current) is None:
            self._current = next((one.key for one in state.prompts), "")
        await self._read_text(self._current)

    async def _seen(self) -> list[PromptView]:
        try:
            found = await self._context.workbench.prompts.list(**self._place())
        except NotFoundError:  # the agent of the next session is gone: the others are still there
            found = await self._context.workbench.prompts.list(
                project=self._context.app.start.project or None
            )
        return prompt_views(found)

    async def look_at(self, key: str) -> None:
        """Reads the text of a prompt."""
        self._current = key
        if key not in self._state.texts:
            await self._read_text(key)
            self.mark()

    async def _read_text(self, key: str) -> None:
        one = self._state.prompt(key)
        if one is None or one.origin == "mcp":  # its server has the text
            return
        try:
            self._state.texts[key] = text_of(await self._get(key))
        except HoldfastError:  # gone meanwhile: the list will say so
            return

    async def _get(self, key: str) -> FoundPrompt:
        return await self._context.workbench.prompts.get(key, **self._place())

    # --- the message field

    async def offered(self) -> list[Slash]:
        """Returns the prompts that can be sent from here."""
        return slashes(await self._seen())

    async def send(self, given: str) -> None:
        """Sends the prompt that `given` begins with, filled in with what stands behind it."""
        word, _, written = given.partition(" ")
        try:
            made = await self._resolved(word, written, sending=True)
            if made is not None:
                await self._runs.send_parts(*message_of(made.parts))
                return
        except HoldfastError as error:
            self._context.view.box.give_back(f"/{given}".rstrip())
            if error.code == "prompt_not_found":
                message = f"There is no command /{sanitize_line(word)}. / alone lists them all."
                raise NotFoundError(message, code=error.code) from error
            raise
        self._context.view.box.give_back(f"/{given}".rstrip())

    async def use(self, name: str) -> None:
        """Puts a prompt into the message field, filled in: to be read and changed before it is sent."""
        if not name:
            prompts = await self._seen()
            if not any(one.usable for one in prompts):
                raise NotFoundError("There are no prompts; /prompts is where one is written.")
            name = await self._context.app.dialogs.choose("Which prompt?", prompt_choices(prompts)) or ""
        made = await self._filled(name) if name else None
        if made is None:
            return
        box = self._context.view.box
        text, along = message_of(made.parts)
        written = box.area.text.rstrip()
        box.set_text("\n\n".join(part for part in (written, sanitize(text)) if part))
        if along:
            self._context.view.say(f"What goes along with it is sent with /{sanitize_line(name)} alone.")

    async def try_it(self, key: str) -> None:
        """Shows the message that a prompt would be, without sending it."""
        made = await self._filled(key)
        if made is None:
            return
        text, along = message_of(made.parts)
        lines = [line(each.expandtabs(4)) for each in sanitize(text).split("\n")]
        lines += [
            line((f"goes along: {sanitize_line(part.name)}", "muted"))
            for part in along
            if part.type != "text"
        ]
        self._context.app.dialogs.show_lines(f"/{sanitize_line(key)}", "not sent", lines)

    async def _filled(self, name: str) -> ResolvedPrompt | None:
        """Asks for all that a prompt asks for; returns the message, None when the person left it."""
        (one,) = prompt_views([(await self._get(name)).info])
        values: dict[str, str] | None = {}
        if one.arguments:
            values = await self._ask(one, one.arguments, "fill it in")
        if values is None:
            return None
        words: str | None = ""
        if one.takes_words:
            words = await self._context.app.dialogs.ask_or_none(f"/{one.word}: words", "")
        return None if words is None else await self._resolved(one.key, words, values)

    async def _ask(
        self, one: PromptView, arguments: Sequence[ArgumentView], verb: str
    ) -> dict[str, str] | None:
        about = [line((one.description, "muted"))] if one.description else []
        form = form_of(schema_of(arguments))
        return await self._context.app.dialogs.form(f"/{one.word}", form, verb, about=about)

    async def _resolved(
        self, name: str, written: str, values: Mapping[str, str] | None = None, *, sending: bool = False
    ) -> ResolvedPrompt | None:
        """Returns the message that a prompt is; asks for what is needed and was not written. None when the
        person left that. A session is made where files go along, and before it is sent."""
        given = dict(values or {})
        while True:
            place = self._place()
            try:
                made = await self._context.workbench.prompts.resolve(
                    name, given or None, (), written, **place
                )
            except InvalidError as error:
                if error.code == "session_missing" and "session_id" not in place:
                    await self._sessions.ensure()
                    continue
                missing = set(error.details.get("missing", ())) - given.keys()
                if error.code != "missing_arguments" or not missing:
                    raise
                (one,) = prompt_views([(await self._get(name)).info])
                wanted = [each for each in one.arguments if each.name in missing]
                more = await self._ask(one, wanted, "send")
                if more is None:
                    return None
                given |= {each.name: "" for each in wanted} | more
            else:
                if not sending or "session_id" in place:
                    return made
                await self._sessions.ensure()  # whose files it may mention

    # --- what is done

    async def new(self, name: str = "") -> None:
        """Writes a prompt of the person's own."""
        dialogs, prompts = self._context.app.dialogs, self._context.workbench.prompts
        wanted = name or await dialogs.ask("New prompt: its name, as it is written after the slash", "")
        if not wanted:
            return
        made: list[FoundPrompt] = []

        async def save(text: str) -> str:
            try:
                made.append(await prompts.create(await prompts.parse(wanted, text)))
            except HoldfastError as error:
                return sanitize_line(error.message)
            return ""

        await dialogs.edit_text(f"{wanted}.md", NEW, save)
        if made:
            self._state.wanted = made[0].info.key
            await self.show()

    async def edit(self, key: str) -> None:
        """Lets the person edit a prompt of their own."""
        one = self._own(key)
        if one is None:
            return
        prompts = self._context.workbench.prompts
        found = await self._get(key)

        async def write(text: str, read: str | None) -> None:
            await prompts.update(found.info.id, await prompts.parse(one.name, text), read)

        save = saving(write, found.digest, "prompt_changed")
        await self._context.app.dialogs.edit_text(f"{one.name}.md", sanitize(found.source), save)
        await self.reload()

    async def attach(self, key: str) -> None:
        """Attaches a file of this machine to a prompt of the person's own, or takes it away."""
        one = self._own(key)
        if one is None:
            return
        prompts, id = self._context.workbench.prompts, (await self._get(key)).info.id
        named = await self._context.app.dialogs.ask_or_none(ATTACH, "")
        if named is None:
            return
        if named.strip():
            path = self._context.app.start.folder / path_of(named.strip())
            await prompts.attach(id, await asyncio.to_thread(_content, path), path.name)
        elif one.attachment:
            await prompts.detach(id)
        await self.reload()

    async def remove(self, key: str) -> None:
        """Puts a prompt of the person's own into the trash."""
        one = self._own(key)
        if one is None:
            return
        id = (await self._get(key)).info.id
        await self._context.workbench.prompts.delete(id)
        await self.reload()
        self._undoing.deleted(f"the prompt “{one.name}”", [("prompt", id)])

    def _own(self, key: str) -> PromptView | None:
        one = self._state.prompt(key)
        if one is not None and one.origin != "own":
            where = one.path or f"the MCP server {one.whose}"
            raise ForbiddenError(f"{one.name} is not one that you have made here: change it in {where}.")
        return one


def _content(path: Path) -> bytes:
    from holdfast.core.domain.prompts import MAX_ATTACHMENT_BYTES  # start-up time: when a file is attached

    try:
        with path.open("rb") as file:
            data = file.read(MAX_ATTACHMENT_BYTES + 1)
    except OSError as error:
        raise NotFoundError(f"{path.name} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_ATTACHMENT_BYTES:
        raise TooLargeError(f"{path.name} is larger than 10 MB.", code="attachment_too_large")
    return data
