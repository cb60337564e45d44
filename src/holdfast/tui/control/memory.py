"""Memory: blocks and entries, read, edited, pinned, deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast

from holdfast.core.domain.errors import ForbiddenError, HoldfastError
from holdfast.core.domain.events import LoggedEvent
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.tui.control.base import Context
from holdfast.tui.control.listed import CHANGED, ListedControl, saving
from holdfast.tui.control.undoing import UndoingControl
from holdfast.tui.presenters.choices import Choice
from holdfast.tui.presenters.memory import (
    ACCESSES,
    INJECTIONS,
    BlockView,
    EntryView,
    MemoryState,
    block_views,
    entry_views,
    tags_of,
)
from holdfast.tui.presenters.spans import line

if TYPE_CHECKING:
    from holdfast.core.domain.memory import DefaultScope, Injection, MemoryAccess
    from holdfast.tui.screens.modelled import ModelScreen

ENTRIES = 200
FOUND = 100
ABOUT = {
    "injection": "Where runs that have the block see it.",
    "access": "What agents may do with it.",
    "default": "Runs that get it when their agent's file names no block. Once more takes it back.",
    "public": "Who else sees it.",
    "instructions": "Stands with the block before the model.",
    "name": "Agents name blocks in their files: a new name must be changed there, too.",
}
"""What each option of a block is about."""
Action = Callable[[str], Awaitable[None]]


class MemoryControl(ListedControl[MemoryState]):
    """What a person does with memory. Nothing is asked for before somebody looks."""

    PARTS = ("memory",)

    def __init__(self, context: Context, undoing: UndoingControl) -> None:
        super().__init__(context, context.model.memory)
        self._undoing = undoing
        self.actions: dict[str, Action] = {
            "memory": self.show,
            "memory.search": self.search,
            "memory.more": self.more,
            "memory.new_block": self.new_block,
            "memory.edit_block": self.edit_block,
            "memory.options": self.options,
            "memory.delete_block": self.delete_block,
            "memory.new_entry": self.new_entry,
            "memory.edit_entry": self.edit_entry,
            "memory.tags": self.tags,
            "memory.pin": self.pin,
            "memory.delete_entry": self.delete_entry,
        }

    # --- what is shown

    def _screen(self) -> type[ModelScreen]:
        from holdfast.tui.screens.memory import MemoryScreen  # start-up time: when it is opened

        return MemoryScreen

    def take(self, logged: LoggedEvent) -> None:
        """Takes an event of any session or of none."""
        if logged.event.type == "memory.changed" and self._looked:
            self._context.app.work(self.reload, "memory")

    async def _read(self) -> None:
        """Reads blocks and entries."""
        state, workbench = self._state, self._context.workbench
        me, blocks, defaults = await asyncio.gather(
            workbench.users.me(), workbench.memory.blocks(), workbench.memory.defaults()
        )
        state.blocks, state.error = block_views(blocks.items, defaults, me.user_id), ""
        await self._read_entries()

    async def search(self, words: str) -> None:
        """Shows the entries that fit; all, latest first, when nothing is looked for."""
        self._state.query = words
        await self._read_entries()
        self.mark()

    async def more(self, _: str = "") -> None:
        """Reads the next page of entries."""
        state = self._state
        if state.cursor is None or state.query:
            return
        page = await self._context.workbench.memory.entries(limit=ENTRIES, cursor=state.cursor)
        state.entries = [*(state.entries or []), *entry_views(page.items)]
        state.cursor = page.next_cursor
        self.mark()

    async def _read_entries(self) -> None:
        state, memory = self._state, self._context.workbench.memory
        words = state.query.strip()
        if words:
            hits = await memory.search(words, limit=FOUND)
            entries, cursor = entry_views(hit.entry for hit in hits), None
        else:
            page = await memory.entries(limit=ENTRIES)
            entries, cursor = entry_views(page.items), page.next_cursor
        if words == state.query.strip():
            state.entries, state.cursor = entries, cursor

    # --- blocks

    async def new_block(self, name: str) -> None:
        """Makes a block, and opens it to be written."""
        wanted = name or await self._context.app.dialogs.ask("New block: its name", "")
        if not wanted:
            return
        made = await self._context.workbench.memory.create_block(wanted)
        await self.reload()
        await self.edit_block(made.id)

    async def edit_block(self, block_id: str) -> None:
        """Lets the person edit a block's content; what others wrote meanwhile is not lost unseen."""
        block = self._state.block(block_id)
        if block is None:
            return
        if not block.can_edit:
            raise ForbiddenError(f"{block.name} is shared with you for reading.")
        memory = self._context.workbench.memory

        async def write(text: str, read: str | None) -> None:
            await memory.update_block(block_id, content=text, expected=read)

        save = saving(write, block.digest, "block_changed")
        await self._context.app.dialogs.edit_text(f"Block {block.name}", block.content, save)
        await self.reload()

    async def options(self, block_id: str) -> None:
        """Changes where a block is put, what agents may do, its default, its instructions, who sees it."""
        block = self._state.block(block_id)
        if block is None:
            return
        if not block.own:
            raise ForbiddenError(f"{block.name} is not yours: its content alone can be changed.")
        chosen = await self._context.app.dialogs.choose(f"Block {block.name}", _options(block))
        if chosen is not None:
            await self._set(block, *chosen.split("=", 1))
            await self.reload()

    async def _set(self, block: BlockView, what: str, value: str = "") -> None:
        memory, dialogs = self._context.workbench.memory, self._context.app.dialogs
        if what == "injection":
            await memory.update_block(block.id, injection=cast("Injection", value))
        elif what == "access":
            await memory.update_block(block.id, access=cast("MemoryAccess", value))
        elif what == "default":
            taken = value in block.defaults
            await memory.set_default(cast("DefaultScope", value), None if taken else block.id)
        elif what == "public":
            await memory.publish(block.id, value != "off", can_edit=value == "edit")
        elif what == "name":
            wanted = await dialogs.ask("Rename the block", block.name)
            if wanted:
                await memory.update_block(block.id, name=wanted)
        else:
            asked = "What is the model to do with it? It may stay empty."
            instructions = await dialogs.ask_or_none(asked, block.instructions)
            if instructions is not None:
                await memory.update_block(block.id, instructions=instructions)

    async def delete_block(self, block_id: str) -> None:
        """Deletes a block of the user's own."""
        block = self._state.block(block_id)
        if block is None:
            return
        await self._context.workbench.memory.delete_block(block_id)
        await self.reload()
        self._undoing.deleted(f"the block “{block.name}”", [("memory_block", block_id)])

    # --- entries

    async def new_entry(self, _: str = "") -> None:
        """Makes an entry."""
        memory = self._context.workbench.memory

        async def save(text: str) -> str:
            return await self._said(memory.remember(text.strip()))

        await self._context.app.dialogs.edit_text("Remember", "", save)
        await self.reload()

    async def edit_entry(self, entry_id: str) -> None:
        """Lets the person edit an entry."""
        entry = self._state.entry(entry_id)
        if entry is None:
            return
        memory, known = self._context.workbench.memory, entry.updated_at

        async def save(text: str) -> str:
            nonlocal known
            try:
                now = (await memory.entry(entry_id)).updated_at
            except HoldfastError as error:
                return sanitize_line(error.message)
            if now != known:
                known = now
                return CHANGED
            return await self._said(memory.update_entry(entry_id, content=text.strip()))

        await self._context.app.dialogs.edit_text("Edit what is remembered", entry.content, save)
        await self.reload()

    async def _said(self, work: Awaitable[object]) -> str:
        """Does `work`; returns what is wrong with it, or nothing."""
        try:
            await work
        except HoldfastError as error:
            return sanitize_line(error.message)
        return ""

    async def tags(self, entry_id: str) -> None:
        """Changes the tags of an entry."""
        entry = self._state.entry(entry_id)
        if entry is None:
            return
        given = await self._context.app.dialogs.ask(
            "Tags, with spaces between; - for none", " ".join(entry.tags)
        )
        if given:
            tags = () if given == "-" else tags_of(given)
            await self._context.workbench.memory.update_entry(entry_id, tags=tags)
            await self.reload()

    async def pin(self, entry_id: str) -> None:
        """Pins an entry, or no longer."""
        entry = self._state.entry(entry_id)
        if entry is not None:
            await self._context.workbench.memory.update_entry(entry_id, pinned=not entry.pinned)
            await self.reload()

    async def delete_entry(self, entry_id: str) -> None:
        """Deletes an entry."""
        entry = self._state.entry(entry_id)
        if entry is None:
            return
        await self._context.workbench.memory.forget(entry_id)
        await self.reload()
        self._undoing.deleted(f"“{_beginning(entry)}”", [("memory_entry", entry_id)])


def _beginning(entry: EntryView) -> str:
    return shorten(sanitize_line(entry.content), 80)


def _options(block: BlockView) -> list[Choice]:
    """Returns what can be changed of a block, what is so now marked."""
    made = [_option("injection", value, f"put {text}", block.injection) for value, text in INJECTIONS.items()]
    made += [_option("access", value, text, block.access) for value, text in ACCESSES.items()]
    for scope, runs in (("chat", "agents without tools"), ("agent", "agents with tools")):
        now = scope if scope in block.defaults else ""
        made.append(_option("default", scope, f"default for {runs}", now))
    public = "edit" if block.public_edit else "on" if block.public else "off"
    texts = {
        "off": "only you and whom you share it with",
        "on": "all users see it",
        "edit": "all users edit it",
    }
    made += [_option("public", value, text, public) for value, text in texts.items()]
    made.append(_option("instructions", "", "what the model is to do with it …", "-"))
    made.append(_option("name", "", "rename …", "-"))
    return made


def _option(what: str, value: str, text: str, now: str) -> Choice:
    mark = ("● ", "success") if value == now else ("○ ", "muted")
    detail = [line((ABOUT[what], "muted")), (), line(text)]
    return Choice(f"{what}={value}", line(mark, text), detail, f"{text} {what}")
