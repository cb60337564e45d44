"""An image on the whole screen: by the terminal's graphics where it has such, else in half blocks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.screen import ModalScreen
from textual.widgets import Static
from textual.worker import Worker

from holdfast.tui.keys import bindings, foot
from holdfast.tui.presenters.graphics import Graphics
from holdfast.tui.presenters.pictures import picture_lines, size_of
from holdfast.tui.presenters.spans import line
from holdfast.tui.widgets.graphics import image_widget, load
from holdfast.tui.widgets.lines import LinesView
from holdfast.tui.widgets.paint import paint
from holdfast.tui.widgets.strips import KeyBar

KEYS = ("viewer.close", "viewer.editor")
FRAME = (12, 11)
"""Columns and rows around a picture."""


class PictureScreen(ModalScreen[None]):
    """Shows one image; it is decoded aside."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("viewer")]

    def __init__(
        self, title: str, note: str, data: str, graphics: Graphics, edit: Callable[[], None] | None = None
    ) -> None:
        """`data` is the image in base64; `edit` opens its file with another program."""
        super().__init__()
        self._title = title
        self._note = note
        self._data = data
        self._graphics = graphics
        self._edit = edit

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog whole"):
            yield Static("", classes="dialog-title", id="picture-title", markup=False)
            with Container(id="picture"):
                yield LinesView([line(("Reading…", "muted"))], id="document")
            yield KeyBar(id="picture-keys", action="screen.press")

    def on_mount(self) -> None:
        keys = [foot(key, "close") if key == "viewer.close" else foot(key, "editor") for key in KEYS]
        self.query_one(KeyBar).show(keys if self._edit is not None else keys[:1])
        self.query_one("#document").focus()
        _worker: Worker[None] = self.run_worker(self._draw, exclusive=True)

    async def on_resize(self) -> None:
        if self._graphics == "blocks":
            _worker: Worker[None] = self.run_worker(self._draw, exclusive=True)

    async def _draw(self) -> None:
        width, height = await asyncio.to_thread(size_of, self._data)
        facts = f"{width:,} × {height:,} pixels" if width else ""
        note = " · ".join(filter(None, (self._note, facts)))
        title = line((self._title, "heading"), (f"   {note}", "muted"))
        self.query_one("#picture-title", Static).update(paint(title))
        if self._graphics == "blocks" or not await self._draw_graphics():
            await self._draw_blocks()

    async def _draw_graphics(self) -> bool:
        """Says whether the image could be decoded."""
        image = await asyncio.to_thread(load, self._data)
        if image is None:
            return False
        await self.query_one("#document").remove()
        await self.query_one("#picture", Container).mount(image_widget(image, self._graphics, "graphics"))
        return True

    async def _draw_blocks(self) -> None:
        columns, rows = self.app.size.width - FRAME[0], self.app.size.height - FRAME[1]
        lines = await asyncio.to_thread(picture_lines, self._data, max(8, columns), max(4, rows))
        said = [line(("It cannot be shown here; o opens the file with your editor.", "muted"))]
        self.query_one("#document", LinesView).show(lines or said)

    async def action_press(self, name: str) -> None:
        """Does what a key of the last line does."""
        await self.run_action("leave" if name == "close" else "edit")

    def action_leave(self) -> None:
        self.dismiss()

    def action_edit(self) -> None:
        if self._edit is not None:
            self.dismiss()
            self._edit()
