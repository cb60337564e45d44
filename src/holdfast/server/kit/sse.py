"""Server-sent events: the frames that a server writes, and the reader of them.

Both follow the WHATWG text: lines end in LF, CR LF or CR, a blank line ends a frame, a line that starts
with a colon is a comment, and an id without data moves the cursor without being an event.
"""

from __future__ import annotations

from dataclasses import dataclass

PING = b": ping\n\n"
"""Keeps a quiet line open and shows that the other end lives."""

ERROR_EVENT = "error"
"""The `event:` of a frame that carries an `ErrorInfo` instead of an event of the log, and ends the stream."""


def write_frame(data: str, *, event: str = "", id: int | None = None) -> bytes:
    """Returns one frame. `event` must be one line; `data` may have several."""
    head = ("" if id is None else f"id: {id}\n") + (f"event: {event}\n" if event else "")
    if "\r" in data:
        data = data.replace("\r\n", "\n").replace("\r", "\n")
    body = data.replace("\n", "\ndata: ") if "\n" in data else data
    return f"{head}data: {body}\n\n".encode()


def write_cursor(id: int) -> bytes:
    """Returns a frame that is no event but tells the reader where it stands."""
    return b"id: %d\n\n" % id


@dataclass(frozen=True, slots=True)
class Frame:
    """One event as it came in."""

    data: str
    event: str = ""
    id: str = ""
    """The last id that was sent with this frame or before it."""


class FrameReader:
    """Takes bytes as they come, split anywhere, and gives frames. Linear in what it is fed."""

    def __init__(self) -> None:
        self.last_id = ""
        """The cursor: what `Last-Event-ID` should say at the next connection."""
        self._partial: list[bytes] = []
        self._after_cr = False
        self._id = ""
        self._event = ""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[Frame]:
        """Returns the frames that `chunk` completes."""
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._after_cr = False
        if not chunk:
            return []
        self._after_cr = chunk.endswith(b"\r")
        frames = []
        for line in chunk.splitlines(keepends=True):
            self._partial.append(line)
            if not line.endswith((b"\n", b"\r")):
                break
            whole = b"".join(self._partial).rstrip(b"\r\n")
            self._partial.clear()
            if whole:
                self._take(whole)
            elif (frame := self._dispatch()) is not None:
                frames.append(frame)
        return frames

    def _take(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")

    def _dispatch(self) -> Frame | None:
        self.last_id = self._id
        data, event = self._data, self._event
        self._data, self._event = [], ""
        if not data:
            return None
        return Frame(b"\n".join(data).decode("utf-8", "replace"), event, self._id)
