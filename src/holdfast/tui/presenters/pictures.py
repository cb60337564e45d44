"""Pictures in characters: each cell is an upper half block, one pixel above another."""

from __future__ import annotations

import base64
import io

from holdfast.tui.presenters.spans import Line

COLUMNS = 96
"""Widest picture, in cells."""
ROWS = 36
MAX_PIXELS = 40_000_000
"""Larger pictures are not decoded: a small file can hold a very large one."""

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")


def size_of(data: str) -> tuple[int, int]:
    """Returns width and height of an image in base64; (0, 0) when it is none that can be shown."""
    from PIL import Image  # start-up time: only previews need it

    # Its own limit would print a warning over the screen; ours is lower.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(io.BytesIO(base64.b64decode(data)), formats=FORMATS) as image:
            return image.size
    except (OSError, ValueError, SyntaxError):
        return 0, 0


def picture_lines(data: str, columns: int = COLUMNS, rows: int = ROWS) -> list[Line]:
    """Returns the image in base64 as lines whose roles are colours, at most so many columns and rows; none
    when it cannot be decoded.

    Blocks while it decodes: call it in a thread.
    """
    from PIL import Image  # start-up time: only previews need it

    width, height = size_of(data)
    if not width or width * height > MAX_PIXELS:
        return []
    scale = min(1.0, columns / width, 2 * rows / height)
    small = (max(1, round(width * scale)), max(2, round(height * scale / 2) * 2))
    try:
        with Image.open(io.BytesIO(base64.b64decode(data)), formats=FORMATS) as image:
            image.draft("RGB", small)
            pixels = image.convert("RGBA").resize(small)
    except (OSError, ValueError, SyntaxError):
        return []
    paper = Image.new("RGBA", small, "white")
    colours = Image.alpha_composite(paper, pixels).convert("RGB").load()
    assert colours is not None
    return [
        tuple(
            ("▀", f"{_hex(colours[x, y])} on {_hex(colours[x, y + 1])}")  # type: ignore[arg-type]
            for x in range(small[0])
        )
        for y in range(0, small[1], 2)
    ]


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
