"""What tools show, as blocks: diffs, commands, tables … by kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

from holdfast.tui.presenters.diffs import Row, is_split, number_width, rows_of, side_by_side, unified
from holdfast.tui.presenters.entries import (
    ArgumentsView,
    CodeView,
    CommandView,
    DiffView,
    ImageView,
    PassagesView,
    PlanView,
    TableView,
    TextView,
    View,
)
from holdfast.tui.presenters.figures import size
from holdfast.tui.presenters.passages import PassageView, figures_of, mark_of, score_of
from holdfast.tui.presenters.spans import Line as SpanLine
from holdfast.tui.presenters.spans import fit_end
from holdfast.tui.presenters.spans import plain as text_of
from holdfast.tui.widgets.transcript import styles
from holdfast.tui.widgets.transcript.highlight import language_of
from holdfast.tui.widgets.transcript.inline import FILE_LINK, link_style, source_style
from holdfast.tui.widgets.transcript.line import Gutter, Line, gutter_width, plain
from holdfast.tui.widgets.transcript.looks import Looks
from holdfast.tui.widgets.transcript.sources import CHUNK, Code, Fixed, Source, plain_chunks
from holdfast.tui.widgets.transcript.table import table_lines

BODY: Gutter = (("  ", ""), ("│ ", styles.BAR))
"""In front of everything that belongs to a tool call."""

MAX_ROWS = 200
"""Rows of a table that are shown."""

WIDEST_PICTURE = 60
"""Columns of an image."""
PICTURE_STEP = 10
"""An image is drawn in multiples of so many columns, so that a resize need not draw it anew."""

PLAN_MARKS = {"pending": ("○", ""), "in_progress": ("▸", styles.WARNING), "completed": ("✓", styles.SUCCESS)}


def view_blocks(view: View, subject: str = "", looks: Looks | None = None) -> list[Source]:
    """Returns the blocks that show `view`; `subject` was said above them."""
    match view:
        case TextView(text):
            return plain_chunks(text, gutter=BODY)
        case DiffView():
            return _diff(view, subject, looks or Looks())
        case CommandView():
            return _command(view)
        case CodeView(language, text):
            return _chunks_of_code(text, language_of(language))
        case TableView():
            return [Table(view)]
        case ImageView():
            return [Drawn(view, looks or Looks())]
        case ArgumentsView(items):
            return _arguments(items)
        case PlanView(items):
            return [Fixed(tuple(_step(*item) for item in items))]
        case PassagesView():
            return [Passages(view)]


@dataclass(slots=True, frozen=True)
class Table:
    """A table of plain cells."""

    view: TableView

    def lines(self, width: int) -> Sequence[Line]:
        headers = [_cell(text) for text in self.view.headers]
        shown = self.view.rows[:MAX_ROWS]
        rows = [[_cell(text) for text in row] for row in shown]
        room = max(8, width - gutter_width(BODY))
        contents = table_lines(headers, rows, [_side(column) for column in _columns(shown)], room)
        if (more := len(self.view.rows) - len(shown)) > 0:
            contents.append(plain(f"… {more:,} more rows", styles.MUTED))
        return [Line(content, BODY, BODY) for content in contents]

    def guess(self, width: int) -> int:
        return 2 + min(MAX_ROWS, len(self.view.rows))


@dataclass(slots=True, frozen=True)
class Drawn:
    """An image in half blocks, its name above it; the name alone until it is drawn, and in little room."""

    view: ImageView
    looks: Looks

    def lines(self, width: int) -> Sequence[Line]:
        name = plain(f"[image: {self.view.name or self.view.media_type}]", styles.MUTED)
        columns = min(WIDEST_PICTURE, (width - gutter_width(BODY)) // PICTURE_STEP * PICTURE_STEP)
        drawn = self.looks.picture(self.view.blob, columns) if columns > 0 else []
        return [Line(name, BODY, BODY), *(Line(_coloured(one), BODY, BODY) for one in drawn)]

    def guess(self, width: int) -> int:
        return 1


def _coloured(shown: SpanLine) -> Content:
    return Content.assemble(*shown)


@dataclass(slots=True, frozen=True)
class Passages:
    """What a retrieval found: a row a passage, each opens its document."""

    view: PassagesView

    def lines(self, width: int) -> Sequence[Line]:
        head = [plain(text_of([one]), styles.MUTED) for one in self.view.head]
        room = max(20, width - gutter_width(BODY))
        passages = self.view.passages[:MAX_ROWS]
        marks = max((len(mark_of(passage)) for _, passage in passages), default=1)
        rows = [_passage(key, passage, room, marks) for key, passage in passages]
        if (more := len(self.view.passages) - len(passages)) > 0:
            rows.append(plain(f"… {more:,} more passages", styles.MUTED))
        return [Line(content, BODY, BODY) for content in (*head, *rows)]

    def guess(self, width: int) -> int:
        return len(self.view.head) + min(MAX_ROWS, len(self.view.passages))


def _passage(key: int, passage: PassageView, room: int, marks: int) -> Content:
    """One row: number, place and headings, and at the right the score and why it was found."""
    figures = "  ".join(filter(None, (figures_of(passage), score_of(passage))))
    right = plain("" if passage.used else "dropped  ", styles.WARNING) + plain(figures, styles.MUTED)
    if room < 2 * right.cell_length:
        right = plain("" if passage.used else "dropped", styles.WARNING)
    left = room - marks - right.cell_length - 3
    name = plain(fit_end(passage.label, left), "bold" if passage.used else styles.MUTED)
    if passage.headings and left - name.cell_length > 8:
        name = name + plain(f"  {passage.headings}", styles.MUTED)
    name = name.truncate(max(4, left), ellipsis=True)
    mark = plain(mark_of(passage).rjust(marks), styles.CITATION if passage.number else styles.MUTED)
    content = mark + plain(" ") + name + plain(" " * max(1, left - name.cell_length + 2)) + right
    return content.stylize(source_style(key))


def _cell(text: str) -> Content:
    return plain(text.replace("\n", " ").replace("\t", " "))


def _columns(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    count = max(map(len, rows), default=0)
    return [[row[number] for row in rows if number < len(row)] for number in range(count)]


def _side(cells: Sequence[str]) -> str:
    """Columns of numbers stand at the right."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    numbers = all(cell.strip("+-$€£%").replace(",", "").replace(".", "", 1).isdigit() for cell in filled)
    return "right" if filled and numbers else ""


def _said(text: str, style: str = "") -> Fixed:
    return Fixed((Line(plain(text, style), BODY, BODY),))


DIFF_STYLES = {
    "added": styles.ADDED,
    "removed": styles.REMOVED,
    "added_word": styles.ADDED_WORD,
    "removed_word": styles.REMOVED_WORD,
    "hunk": styles.HUNK,
    "muted": styles.MUTED,
}


@dataclass(slots=True, frozen=True)
class Diff:
    """Some rows of a change, side by side or one below the other."""

    rows: tuple[Row, ...]
    whole: tuple[Row, ...]
    """All rows of the change: they decide how each part is shown."""
    looks: Looks

    def lines(self, width: int) -> Sequence[Line]:
        room = width - gutter_width(BODY)
        if is_split(self.looks.diff, room, self.whole):
            digits = number_width(self.whole)
            return [Line(_painted(one), BODY, BODY) for one in side_by_side(self.rows, room, digits)]
        return [_unified_line(one) for one in unified(self.rows)]

    def guess(self, width: int) -> int:
        return len(self.rows)


def _painted(shown: SpanLine) -> Content:
    return Content.assemble(*((text, DIFF_STYLES[role]) if role else text for text, role in shown))


def _unified_line(shown: SpanLine) -> Line:
    """A changed line is filled up to the right edge; only its words are painted in it."""
    role = shown[0][1]
    if role not in ("added", "removed"):
        return Line(_painted(shown), BODY, BODY)
    words = tuple((text, name if name.endswith("_word") else "") for text, name in shown)
    return Line(_painted(words), BODY, BODY, DIFF_STYLES[role])


def _diff(view: DiffView, subject: str, looks: Looks) -> list[Source]:
    said: list[Line] = []
    if view.path != subject:
        said.append(Line(plain(view.path, "bold"), BODY, BODY))
    if view.created:
        said.append(Line(plain("new file", styles.MUTED), BODY, BODY))
    rows = rows_of(view.diff)
    blocks: list[Source] = [Fixed(tuple(said))] if said else []
    return blocks + [Diff(rows[at : at + CHUNK], rows, looks) for at in range(0, len(rows), CHUNK)]


def _command(view: CommandView) -> list[Source]:
    first = (*BODY, ("$ ", styles.WARNING))
    rest = (*BODY, ("  ", ""))
    lines = view.command.split("\n")
    command = [
        Line(plain(text, styles.COMMAND), rest if number else first, rest, styles.CODE_FILL)
        for number, text in enumerate(lines)
    ]
    blocks: list[Source] = [Fixed(tuple(command))]
    if view.cwd:
        blocks.append(_said(f"in {view.cwd}", styles.MUTED))
    if view.output:
        blocks += plain_chunks(view.output.rstrip("\n"), gutter=BODY)
    if view.exit_code:
        blocks.append(_said(f"exit status {view.exit_code}", styles.ERROR))
    if view.whole:
        name = plain(f"the whole output: {view.whole}", styles.LINK).stylize(
            link_style(f"{FILE_LINK}{view.whole}")
        )
        content = name + plain(f"  {size(view.whole_bytes)}", styles.MUTED)
        blocks.append(Fixed((Line(content, BODY, BODY),)))
    return blocks


def _chunks_of_code(text: str, language: str) -> list[Source]:
    lines = text.removesuffix("\n").split("\n")
    parts = ["\n".join(lines[at : at + CHUNK]) for at in range(0, len(lines), CHUNK)]
    return [Code(part, language, BODY) for part in parts]


def _arguments(items: Sequence[tuple[str, str]]) -> list[Source]:
    blocks: list[Source] = []
    for name, value in items:
        first = (*BODY, (f"{name}: ", styles.MUTED))
        if "\n" in value:
            blocks.append(_said(f"{name}:", styles.MUTED))
            blocks += plain_chunks(value, gutter=(*BODY, ("  ", "")))
        elif name.isascii() and len(name) <= 24:
            blocks.append(Fixed((Line(plain(value), first, (*BODY, (" " * (len(name) + 2), ""))),)))
        else:
            blocks.append(_said(f"{name}: {value}"))
    return blocks


def _step(text: str, status: str) -> Line:
    mark, style = PLAN_MARKS.get(status, PLAN_MARKS["pending"])
    content = plain(text.replace("\n", " "), styles.MUTED if status == "completed" else "")
    return Line(content, (*BODY, (f"{mark} ", style)), (*BODY, ("  ", "")))
