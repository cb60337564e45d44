"""One entry in the column: its blocks, made when it is first seen, and its growing text."""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.tui.presenters.entries import Entry
from holdfast.tui.widgets.transcript import pieces, styles
from holdfast.tui.widgets.transcript.block import Block, key_of, place_of
from holdfast.tui.widgets.transcript.index import Heights
from holdfast.tui.widgets.transcript.line import INDENT, Paint
from holdfast.tui.widgets.transcript.looks import Looks
from holdfast.tui.widgets.transcript.sources import Fixed, Source, guess_rows
from holdfast.tui.widgets.transcript.splitter import Splitter
from holdfast.tui.widgets.transcript.views import BODY

_BESIDE = ("tool", "reasoning")
"""Kinds that follow each other without an empty line while they are closed."""
_NO_HEIGHTS = Heights()
"""Of every item that is not built: there are thousands of them."""


class Item:
    """An entry with its blocks. `height` is a guess until all blocks are made and laid out."""

    __slots__ = (
        *("_bare", "_chunks", "_heads", "_splitter", "_tail", "_taken", "blocks", "built", "entry", "gap"),
        *("height", "heights", "looks", "number", "wish"),
    )

    def __init__(self, entry: Entry, number: int, looks: Looks | None = None) -> None:
        self.entry = entry
        self.looks = looks if looks is not None else Looks()
        self.number = number
        """Grows in reading order; never changes, so that a selection holds."""
        self.gap = False
        """Whether an empty line stands before it."""
        self.wish: bool | None = None
        """What the person said about opening and closing it; None: as the entry says."""
        self.blocks: list[Block] = []
        self.heights = _NO_HEIGHTS
        self.built = False
        self.height = 0
        self._splitter: Splitter | None = None
        self._chunks: list[str] | None = None
        self._taken = 0
        self._tail: Block | None = None
        self._heads = 0
        self._bare = False

    @property
    def collapsed(self) -> bool:
        if self.wish is not None:
            return self.wish
        folded = self.looks.folded
        # What waits for a decision is never hidden by closing everything.
        if folded is not None and self.entry.kind in _BESIDE and self.entry.state != "waiting":
            return folded
        return self.entry.collapsed

    @property
    def flows(self) -> bool:
        """Whether its text is Markdown that may come in pieces, and is shown."""
        return self.entry.kind == "reply" or (self.entry.kind == "reasoning" and not self.collapsed)

    @property
    def shut(self) -> bool:
        """Whether only its header is shown."""
        return self.entry.kind in _BESIDE and (
            self.collapsed or not (pieces.toggles(self.entry) or self.entry.note)
        )

    def stands_apart(self, before: Item | None) -> bool:
        """Says whether an empty line belongs between `before` and this one."""
        if before is None:
            return False
        return bool(self.entry.speaker) or not (self.entry.kind in _BESIDE and before.shut)

    def guess(self, width: int) -> int:
        """Sets a height from the length of the text, without looking into it."""
        room = max(8, width - 2)
        entry = self.entry
        rows = int(self.gap) + bool(entry.speaker) + 2 * bool(entry.kind == "reply" and entry.sources)
        if entry.kind in _BESIDE:
            rows += 1
        if not (self.collapsed and pieces.toggles(entry)):
            rows += sum(guess_rows(chunk, room) for chunk in entry.chunks) + 4 * len(entry.blocks)
        elif entry.kind == "user":
            rows += pieces.SHORT_LINES + 1
        self.height = max(1, rows)
        return self.height

    def build(self, width: int) -> None:
        """Makes the blocks; their heights are guesses still."""
        self.blocks.clear()
        self._tail = None
        self._splitter = None
        entry, collapsed = self.entry, self.collapsed
        self._add(pieces.head(entry, collapsed), width)
        self._heads = len(self.blocks)
        if self.flows:
            quiet = entry.kind == "reasoning"
            cites = () if quiet else entry.sources
            self._splitter = Splitter(BODY if quiet else INDENT, styles.MUTED if quiet else "", cites)
            self._chunks, self._taken = entry.chunks, 0
            self._read(width, None)
            self._add(pieces.foot(entry), width)
        else:
            self._add(pieces.body(entry, collapsed, self.looks), width)
        self._bare = not self.blocks
        if self._bare:
            # Something to stand on while there is no text yet.
            self._add([pieces.Piece(Fixed(()))], width)
        self.built = True
        self._sum()

    def grow(self, width: int, paint: Paint) -> int:
        """Takes in new text of a flowing entry; returns the first row that may look different."""
        splitter = self._splitter
        if not self.built or self._bare or splitter is None or self._chunks is not self.entry.chunks:
            self.build(width)
            return 0
        old = self._tail
        row = self.heights.top(len(self.blocks) - 1 if old else len(self.blocks))
        before = old.rows if old is not None else None
        self._read(width, paint)
        self._sum()
        if old is None or before is None:
            return row
        new = self.blocks[self._position_of(old)].rows or []
        same = 0
        for one, other in zip(before, new, strict=False):
            if one is not other:
                break
            same += 1
        return row + same

    def drop(self) -> None:
        """Forgets the blocks of an entry that is out of sight; the height stays."""
        self.blocks = []
        self.heights = _NO_HEIGHTS
        self._splitter = None
        self._tail = None
        self._chunks = None
        self.built = False

    def laid(self, position: int) -> bool:
        """Takes over the height of a block that was laid out; returns whether it is another one."""
        block = self.blocks[position]
        if self.heights[position] == block.height:
            return False
        self.heights[position] = block.height
        self.height = self.heights.total
        return True

    def _position_of(self, old: Block) -> int:
        return min(place_of(old.key)[1], len(self.blocks) - 1)

    def _sum(self) -> None:
        self.heights = Heights(block.height for block in self.blocks)
        self.height = self.heights.total

    def _add(self, made: Iterable[pieces.Piece], width: int) -> None:
        for piece in made:
            gap = piece.gap or (self.gap and not self.blocks)
            key = key_of(self.number, len(self.blocks), 0)
            self.blocks.append(Block(piece.source, key, gap=gap, toggles=piece.toggles, width=width))

    def _read(self, width: int, paint: Paint | None) -> None:
        """Feeds the splitter with the chunks that it has not seen, and makes blocks of what it gives."""
        splitter, chunks = self._splitter, self.entry.chunks
        if splitter is None:
            return
        old = self._tail
        if old is not None:
            self.blocks.pop()
            self._tail = None
        done = splitter.feed("".join(chunks[self._taken :]))
        self._taken = len(chunks)
        if not self.entry.open:
            done = done + splitter.finish()
        for source, joined in done:
            self._flow(source, joined, width)
        if (tail := splitter.tail) is not None:
            self._tail = self._flow(tail, splitter.joined, width)
        if old is not None and paint is not None:
            position = place_of(old.key)[1]
            if position < len(self.blocks):
                self.blocks[position].take_over(old, width, paint)

    def _flow(self, source: Source, joined: bool, width: int) -> Block:
        first = len(self.blocks) == self._heads
        self._add([pieces.Piece(source, gap=not joined and not first)], width)
        return self.blocks[-1]
