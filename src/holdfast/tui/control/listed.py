"""What the controllers of lists on whole screens share: what opens them, reads them again, saves a text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

from holdfast.core.domain.errors import HoldfastError
from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.control.base import Context

if TYPE_CHECKING:
    from holdfast.tui.screens.modelled import ModelScreen

CHANGED = "It was changed meanwhile. ctrl+s again writes yours over that."
"""What is said when others have written what a person edits."""


class Listing(Protocol):
    """What such a screen shows."""

    error: str


S = TypeVar("S", bound=Listing)
Read = TypeVar("Read")


class ListedControl(ABC, Generic[S]):
    """A controller of one list. Nothing is asked for before somebody looks."""

    PARTS: ClassVar[tuple[str, ...]]
    """The parts of the model that are drawn anew when the list was read."""

    def __init__(self, context: Context, state: S) -> None:
        """`state` is what the model keeps of it."""
        self._context = context
        self._state = state
        self._looked = False

    @abstractmethod
    def _screen(self) -> type[ModelScreen]:
        """Returns its screen; imported when it is opened, for start-up time."""

    @abstractmethod
    async def _read(self) -> None:
        """Reads what is shown. Raises `HoldfastError`, which is shown in its place."""

    async def show(self, _: str = "") -> None:
        """Opens the screen."""
        app, wanted = self._context.app, self._screen()
        if not any(isinstance(screen, wanted) for screen in app.screen_stack):
            app.push_screen(wanted())
        await self.look()

    async def look(self, _: str = "") -> None:
        """Reads it, and keeps it up to date from now on."""
        self._looked = True
        await self.reload()

    async def resume(self) -> None:
        """Reads again what was shown: after the engine was reached again, or something was brought back."""
        if self._looked:
            await self.reload()

    async def reload(self) -> None:
        """Reads it, and draws it anew; an error is shown in its place."""
        await self._try_to_read()
        self.mark()

    async def _try_to_read(self) -> None:
        try:
            await self._read()
        except HoldfastError as error:
            self._state.error = sanitize_line(error.message)

    def mark(self) -> None:
        """Says that it is to be drawn anew."""
        self._context.view.mark(*self.PARTS)


def saving(
    write: Callable[[str, Read | None], Awaitable[object]], read: Read, changed: str
) -> Callable[[str], Awaitable[str]]:
    """Returns what saves a text that a person edits, and says what is wrong with it.

    `write` is told what was `read`, so that what others wrote since is not lost unseen: then it raises the
    code `changed`, the person is told, and what they save the next time is written over that.
    """
    known: Read | None = read

    async def save(text: str) -> str:
        nonlocal known
        try:
            await write(text, known)
        except HoldfastError as error:
            if error.code != changed:
                return sanitize(error.message)
            known = None
            return CHANGED
        return ""

    return save
