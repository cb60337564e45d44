"""Images by the terminal's own graphics: widgets of textual-image, loaded without asking the terminal."""

from __future__ import annotations

import base64
import io
import struct
import sys
from typing import TYPE_CHECKING

from textual.widget import Widget

from holdfast.tui.presenters.graphics import Graphics
from holdfast.tui.presenters.pictures import FORMATS, MAX_PIXELS, size_of

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST = (2_400, 1_600)
"""Pixels of an image that is sent to a terminal; a larger one is made smaller."""
CELL = (10, 20)
"""Pixels of a cell where the terminal does not say."""


def load(data: str) -> Image | None:
    """Returns an image in base64, made smaller where it is large; None when it cannot be decoded.

    Blocks while it decodes, and loads what draws it: call it in a thread.
    """
    from PIL import Image  # start-up time: only previews need it

    _import_quietly()
    width, height = size_of(data)
    if not width or width * height > MAX_PIXELS:
        return None
    try:
        with Image.open(io.BytesIO(base64.b64decode(data)), formats=FORMATS) as image:
            image.draft("RGB", LARGEST)
            pixels = image.convert("RGBA")
    except (OSError, ValueError, SyntaxError):
        return None
    pixels.thumbnail(LARGEST)
    return pixels


def _import_quietly() -> None:
    """Imports textual-image. It asks the terminal what it can when it is imported, and for the size of a cell
    later, and waits for the answers; Textual would read them. Where there is no terminal it asks nothing."""
    terminal = sys.__stdout__
    sys.__stdout__ = io.StringIO()  # type: ignore[misc,assignment]  # for a moment; the app writes elsewhere
    try:
        import textual_image.widget  # noqa: F401  # start-up time: only previews need it
        from textual_image import _terminal
    finally:
        sys.__stdout__ = terminal  # type: ignore[misc]
    _terminal.get_cell_size._result = _terminal.CellSize(*_cell_size())  # type: ignore[attr-defined]


def _cell_size() -> tuple[int, int]:
    """Returns the pixels of a cell: what the operating system knows of the terminal."""
    if sys.platform == "win32" or sys.__stdout__ is None:
        return CELL
    import fcntl
    import termios

    try:
        answer = fcntl.ioctl(sys.__stdout__.fileno(), termios.TIOCGWINSZ, b"\0" * 8)
    except (OSError, ValueError):
        return CELL
    rows, columns, width, height = struct.unpack("HHHH", answer)
    if not (rows and columns and width and height):
        return CELL
    return max(1, width // columns), max(1, height // rows)


def image_widget(image: Image, graphics: Graphics, id: str) -> Widget:
    """Returns a widget that draws an image of `load` by `graphics`, which is not `blocks`."""
    from textual_image.widget import SixelImage, TGPImage  # start-up time: only previews need it

    kind = TGPImage if graphics == "kitty" else SixelImage
    widget: Widget = kind(image, id=id)
    return widget
