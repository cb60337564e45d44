"""Reading: a document at a passage, from a citation, a retrieval, a search or a list."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from holdfast.core.domain.errors import NotFoundError, UnavailableError
from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.control.base import Context
from holdfast.tui.presenters.choices import Choice
from holdfast.tui.presenters.knowledge.collections import DocumentView, document_view
from holdfast.tui.presenters.knowledge.reading import (
    WINDOW,
    ChunkView,
    Window,
    found_again,
    window_start,
)
from holdfast.tui.presenters.passages import (
    PassageView,
    headings_of,
    mark_of,
    passage_detail,
    where_of,
)
from holdfast.tui.presenters.spans import line

if TYPE_CHECKING:
    from holdfast.core.domain.knowledge import Chunk

CHUNKS = 200
"""Chunks of one page."""
GONE = "This document is no longer in its collection; this is the passage as it was found."
MOVED = "The document has changed since: the passage is not in it any more."


class Reader:
    """One open document: a window on its text, the passage that is marked, and the list of its chunks."""

    def __init__(self, context: Context, document: DocumentView, passage: PassageView | None = None) -> None:
        self._context = context
        self.document = document
        self.passage = passage
        """The passage that it was opened at; None: at its start."""
        self.window: Window | None = None
        self.marked: tuple[int, int] | None = None
        self.note = ""
        """What should be known of the passage: that it is gone."""
        self.chunks: list[ChunkView] = []
        self._cursor: str | None = None
        self._complete = False

    async def open(self) -> None:
        """Reads the text around the passage. Raises `HoldfastError`."""
        passage = self.passage
        start, end = (passage.start, passage.end) if passage is not None else (None, None)
        window = await self._read(window_start(start, self.document.characters))
        if start is not None and end is not None and passage is not None:
            self.marked = found_again(window, start, end, passage.excerpt)
            self.note = "" if self.marked is not None else MOVED

    async def list(self) -> None:
        """Reads the chunks up to the passage, and some behind it. Raises `HoldfastError`."""
        wanted = self.marked[1] if self.marked is not None else 0
        await self.more_chunks()
        while not self._complete and self.chunks[-1].end < wanted:
            await self.more_chunks()

    async def more_chunks(self) -> bool:
        """Reads the next page of chunks; says whether there was one. Raises `HoldfastError`."""
        if self._complete:
            return False
        knowledge = self._context.workbench.knowledge
        page = await knowledge.chunks(self.document.id, limit=CHUNKS, cursor=self._cursor)
        self.chunks += [_chunk(one) for one in page.items]
        self._cursor, self._complete = page.next_cursor, page.next_cursor is None
        return bool(page.items)

    async def mark(self, index: int) -> None:
        """Marks a chunk of the list. Raises `HoldfastError`."""
        chunk = self.chunks[index]
        self.marked, self.note = (chunk.start, chunk.end), ""
        if self.window is None or not self.window.holds(chunk.start, chunk.end):
            await self._read(window_start(chunk.start, self.document.characters))

    @property
    def current(self) -> int | None:
        """Where the marked passage stands in the list of chunks."""
        if self.marked is None:
            return None
        start = self.marked[0]
        return next((i for i, chunk in enumerate(self.chunks) if chunk.start <= start < chunk.end), None)

    async def _read(self, start: int) -> Window:
        text = await self._context.workbench.knowledge.text(self.document.id, start, WINDOW)
        self.window = Window(start, text, max(self.document.characters, start + len(text)))
        return self.window


def _chunk(chunk: Chunk) -> ChunkView:
    place = chunk.place
    text = sanitize(chunk.text[:200])
    return ChunkView(
        chunk.id, chunk.number, place.start, place.end, where_of(place), headings_of(place), text
    )


class ReadingControl:
    """Opens documents."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def open_passage(self, passage: PassageView) -> None:
        """Shows the document of a passage with the passage marked; where it is gone, the passage alone."""
        if passage.document_id is None:
            self._context.app.dialogs.show_lines(passage.label, "", passage_detail(passage))
            return
        try:
            document = await self._context.workbench.knowledge.document(passage.document_id)
        except NotFoundError:
            lines = [line((GONE, "warning")), (), *passage_detail(passage)]
            self._context.app.dialogs.show_lines(passage.label, "", lines)
            return
        self._show(Reader(self._context, document_view(document), passage))

    async def open_document(self, document: DocumentView) -> None:
        """Shows a document from its start."""
        self._show(Reader(self._context, document))

    def _show(self, reader: Reader) -> None:
        from holdfast.tui.screens.reader import ReaderScreen  # start-up time: when a document is opened

        self._context.app.push_screen(ReaderScreen(reader))

    async def sources(self, number: str) -> None:
        """Opens what a number of this session stands for; without one, offers what the last answer cites."""
        answers = self._context.model.answers
        if number.strip("[] ").isdigit():
            passage = answers.find(int(number.strip("[] ")))
            if passage is None:
                raise NotFoundError(
                    f"No answer of this session, as far as it is read, cites [{int(number)}]."
                )
            await self.open_passage(passage)
            return
        turn = answers.current
        if turn is None or not turn.sources:
            raise UnavailableError(
                "No answer here cites anything yet: agents with knowledge do.", code="no_sources"
            )
        choices = [_choice(passage) for passage in turn.sources.values()]
        chosen = await self._context.app.dialogs.choose("Which source?", choices)
        if chosen is not None:
            self._context.app.work(partial(self.open_passage, turn.sources[int(chosen)]), "reading")


def _choice(passage: PassageView) -> Choice:
    label = line(
        (mark_of(passage), "number"), " ", (passage.label, "strong"), (f"  {passage.headings}", "muted")
    )
    words = f"{passage.label} {passage.headings} {passage.excerpt}"
    return Choice(str(passage.number), label, passage_detail(passage), sanitize_line(words))
