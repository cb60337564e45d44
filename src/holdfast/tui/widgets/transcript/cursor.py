"""A cursor in the transcript: on an entry, or on code or a link in it. Moving, jumping, copying."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip

from holdfast.tui.presenters.copying import copied, source_of
from holdfast.tui.presenters.diffs import LAYOUT_SAYS, DiffLayout, next_layout
from holdfast.tui.presenters.entries import Entry
from holdfast.tui.presenters.jumps import JumpKind, is_a
from holdfast.tui.widgets.transcript import styles
from holdfast.tui.widgets.transcript.column import Link
from holdfast.tui.widgets.transcript.item import Item
from holdfast.tui.widgets.transcript.spots import Spot, SpotKind, next_spot, start_of
from holdfast.tui.widgets.transcript.window import ColumnView

FOLD_SAYS = {
    None: "Calls and reasoning: as they come.",
    True: "All calls and reasoning are closed.",
    False: "All calls and reasoning are open.",
}
NEXT_FOLD = {None: True, True: False, False: None}


class CursorView(ColumnView):
    """A column with a cursor."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._cursor: str | None = None
        """Id of the entry that the cursor stands on."""
        self._spot: Spot | None = None
        """Code or a link in that entry, when the cursor stands on that alone."""

    def cursor_moved(self, entry_id: str) -> None:
        """Called when the cursor stands on another entry."""

    def nothing_further(self, kind: JumpKind, step: int) -> None:
        """Called when a jump found nothing among the entries that are here."""

    @property
    def cursor_entry(self) -> Entry | None:
        """The entry that the cursor stands on."""
        item = self._item_at_cursor()
        return item.entry if item is not None else None

    def say(self, text: str) -> None:
        """Tells the person something, for a moment."""
        self.app.notify(text, timeout=2, markup=False)

    # --- moving

    def action_step(self, step: int) -> None:
        """Moves the cursor to the next or previous entry; first to one on the screen."""
        position = self._position_beside(step)
        if position is not None:
            items = self._column.items
            self._stand_on(items[max(0, min(position, len(items) - 1))])

    def action_jump(self, kind: JumpKind, step: int) -> None:
        """Moves the cursor to the next or previous entry of a kind."""
        if not self.jump(kind, step):
            self.nothing_further(kind, step)

    def jump(self, kind: JumpKind, step: int) -> bool:
        """Does what `action_jump` does; says whether there was such an entry."""
        position, items = self._position_beside(step), self._column.items
        if position is None:
            return False
        found = range(position, len(items)) if step > 0 else range(min(position, len(items) - 1), -1, -1)
        item = next((items[number] for number in found if is_a(items[number].entry, kind)), None)
        if item is not None:
            self._stand_on(item)
        return item is not None

    def action_spot(self, kind: SpotKind, step: int) -> None:
        """Moves the cursor to the next or previous code or link."""
        position = self._position_beside(0 if self._cursor is not None else step)
        if position is None:
            return
        spot, column = self._spot, self._column
        if spot is not None:
            at = (spot.first, spot.start)
        else:
            item = column.items[max(0, min(position, len(column.items) - 1))]
            at = start_of(item.number + (step < 0))
        found = next_spot(column, kind, at, step)
        if found is None:
            self.say(f"No {kind} {'below' if step > 0 else 'above'}.")
            return
        item = column.between(found.number, found.number)[0]
        self._go_to(item)
        self._set_spot(found)
        self._show_key(found.first)

    def go_to_entry(self, entry_id: str) -> bool:
        """Puts the cursor on an entry; says whether it is here."""
        item = self._column.get(entry_id)
        if item is not None:
            self._stand_on(item)
        return item is not None

    def _position_beside(self, step: int) -> int | None:
        """Returns the position of the entry beside the cursor; where it is not to be seen, of one that is."""
        column = self._column
        if not column.items:
            return None
        item = self._item_at_cursor()
        if item is not None and self._is_seen(item):
            return column.position(item) + step
        row = round(self.scroll_y) + (self._window.height - 1 if step < 0 else 0)
        place = column.locate(min(row, column.total - 1))
        return place.item if place is not None else 0

    def _is_seen(self, item: Item) -> bool:
        top = self._column.heights.top(self._column.position(item)) - round(self.scroll_y)
        return top < self._window.height and top + item.height > 0

    def _item_at_cursor(self) -> Item | None:
        return self._column.get(self._cursor) if self._cursor is not None else None

    def _stand_on(self, item: Item) -> None:
        self._go_to(item)
        self._show_item(item)

    def _go_to(self, item: Item) -> None:
        self._set_spot(None)
        if item.entry.id != self._cursor:
            self._cursor = item.entry.id
            self.cursor_moved(item.entry.id)

    def _set_spot(self, spot: Spot | None) -> None:
        if spot != self._spot:
            self._spot = spot
            is_link = spot is not None and spot.kind == "link"
            self._column.link = Link(spot.first, spot.start, spot.end) if spot and is_link else None
            self.refresh()

    def _show_item(self, item: Item) -> None:
        """Scrolls as little as needed to have the first rows of an item on the screen."""
        for _ in range(3):
            row, top, height = self._top_of(item), round(self.scroll_y), self._window.height
            if row < top:
                target = row
            elif row + min(item.height, height) > top + height:
                target = row + min(item.height, height) - height
            else:
                break
            self._set_following(False)
            self._place(top=target)
        self._note_following()
        self.refresh()

    def _show_key(self, key: int) -> None:
        """Scrolls so that a line is seen, a third of the window below its top."""
        for _ in range(3):
            row = self._column.row_of_key(key)
            if row is None:
                return
            top, height = round(self.scroll_y), self._window.height
            if top <= row < top + height:
                break
            self._set_following(False)
            self._place(top=max(0, row - height // 3))
        self._note_following()
        self.refresh()

    def action_edit_message(self) -> None:
        """Lets the message that the cursor stands on be edited."""
        self.edit_wanted()

    def edit_wanted(self) -> None:
        """Called when the message at the cursor is to be edited."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The key that edits a message means something else while no message is at the cursor."""
        if action != "edit_message":
            return super().check_action(action, parameters)
        entry = self.cursor_entry
        return entry is not None and entry.kind == "user"

    # --- looks

    def action_fold_all(self) -> None:
        """Closes all calls and reasoning; again: opens them; again: as they come."""
        looks = self._column.looks
        looks.folded = NEXT_FOLD[looks.folded]
        for item in self._column.items:
            item.wish = None
        self._relook()
        self.say(FOLD_SAYS[looks.folded])

    def action_diff_layout(self) -> None:
        """Shows changes side by side, then one below the other, then by what fits."""
        self.show_diffs(next_layout(self._column.looks.diff))
        self.say(LAYOUT_SAYS[self._column.looks.diff])

    def show_diffs(self, layout: DiffLayout) -> None:
        """Sets how changes are shown."""
        if layout != self._column.looks.diff:
            self._column.looks.diff = layout
            self._relook()

    def _relook(self) -> None:
        """Makes everything anew; what stands at the top stays there."""
        column = self._column
        self._set_spot(None)
        self._place(top=column.resize(column.width, round(self.scroll_y)))
        self.refresh()

    # --- copying

    def action_copy(self) -> None:
        """Copies what is selected; else the code or the link at the cursor; else its entry as it was
        written."""
        text = self.screen.get_selected_text() or (self._spot.text if self._spot is not None else "")
        entry = self.cursor_entry
        if not text and entry is not None:
            text = source_of(entry)
        if text:
            self.app.copy_to_clipboard(text)
            self.say(copied(text))
        else:
            self.say("[ and ] choose an entry to copy.")

    # --- drawing

    def decorate(self, strip: Strip, row: int) -> Strip:
        """Draws the cursor's bar in the first cell of the rows that it stands on."""
        if self._cursor is None or not self.has_focus:
            return strip
        found = self._column.block_at(row)
        segments = list(strip)
        if found is None or found[0].entry.id != self._cursor or not segments:
            return strip
        blank = found[1].gap and row == self._top_of(found[0]) and found[1] is found[0].blocks[0]
        style = segments[0].style
        if blank or not self._marks(style.meta if style is not None else {}):
            return strip
        paint = self._column.paint
        cursor = (paint.base + paint.resolve(styles.CURSOR)).rich_style
        bar = Segment("▌", (style + cursor) if style is not None else cursor)
        return Strip([bar, *segments[1:]], strip.cell_length)

    def _marks(self, meta: dict[str, object]) -> bool:
        """Says whether a row of the cursor's entry has the bar: all of them, or those of the code alone."""
        spot, offset = self._spot, meta.get("offset")
        if spot is None or not isinstance(offset, tuple):
            return True
        return bool(spot.first <= offset[1] <= spot.last)
