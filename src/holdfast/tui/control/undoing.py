"""Undo for what was deleted: the latest by a key, everything else out of the trash."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from holdfast.core.domain.errors import HoldfastError, NotFoundError
from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.values import all_items
from holdfast.tui.control.base import Context
from holdfast.tui.presenters.choices import Choice
from holdfast.tui.presenters.figures import age
from holdfast.tui.presenters.spans import line
from holdfast.tui.presenters.undoing import Deletion

if TYPE_CHECKING:
    from holdfast.core.domain.trash import Trashed, TrashKind

KINDS: dict[TrashKind, str] = {
    "session": "session",
    "memory_block": "memory block",
    "memory_entry": "memory entry",
    "agent": "agent",
    "collection": "collection",
    "skill": "skill",
    "prompt": "prompt",
    "tool": "tool",
}


class UndoingControl:
    """Remembers what this app has deleted, and brings it back."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.after: list[Callable[[], Awaitable[None]]] = []
        """What reads anew what may have come back."""
        self.actions: dict[str, Callable[[str], Awaitable[None]]] = {
            "undelete": self.undo,
            "trash": self.choose,
        }

    def deleted(self, what: str, things: Sequence[tuple[str, str]]) -> None:
        """Remembers what was deleted, and tells how it comes back."""
        self._context.view.say(self._context.model.undoing.add(Deletion(what, tuple(things))))

    async def undo(self, _: str = "") -> None:
        """Brings back what was deleted last."""
        deletion = self._context.model.undoing.take()
        if deletion is None:
            self._context.view.say("Nothing was deleted here. /trash shows what can be brought back.")
            return
        left: list[tuple[str, str]] = []
        problem = ""
        for kind, id in deletion.things:
            try:
                await self._context.workbench.trash.restore(kind, id)  # type: ignore[arg-type]
            except NotFoundError as error:  # restored elsewhere, or gone for good
                problem = error.message
            except HoldfastError as error:
                problem = error.message
                left.append((kind, id))
        if left:
            self._context.model.undoing.put_back(Deletion(deletion.what, tuple(left)))
        await self._refresh()
        if problem:
            self._context.view.say_error(problem)
        else:
            what = sanitize_line(deletion.what)
            self._context.view.say(f"{what[:1].upper()}{what[1:]} brought back.")

    async def choose(self, _: str = "") -> None:
        """Lets the person choose from the trash what is to come back."""
        workbench = self._context.workbench
        things = await all_items(lambda size, cursor: workbench.trash.list(None, size, cursor), most=1_000)
        if not things:
            self._context.view.say("The trash is empty.")
            return
        now = self._context.app.start.now()
        choices = [
            self._choice(thing, str(number), age(thing.deleted_at, now))
            for number, thing in enumerate(things)
        ]
        chosen = await self._context.app.dialogs.choose("Bring back out of the trash", choices)
        if chosen is None:
            return
        thing = things[int(chosen)]
        await workbench.trash.restore(thing.kind, thing.id)
        self._context.model.undoing.forget(thing.kind, thing.id)
        await self._refresh()
        self._context.view.say(f"Brought back: {sanitize_line(thing.title) or 'new session'}.")

    def _choice(self, thing: Trashed, number: str, deleted: str) -> Choice:
        title, kind = sanitize_line(thing.title) or "new session", KINDS[thing.kind]
        detail = [
            line((title, "strong")),
            line((kind, "muted")),
            line((f"deleted {deleted} ago", "muted")),
            line((f"gone for good on {thing.purged_at:%Y-%m-%d}", "muted")),
        ]
        return Choice(number, line(title, (f"  {kind}", "muted")), detail, f"{title} {kind}")

    async def _refresh(self) -> None:
        for read in self.after:
            await read()
