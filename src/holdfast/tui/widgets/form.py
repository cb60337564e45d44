"""A form: the fields of an object one below the other, to be filled in by keyboard or mouse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.style import Style
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from holdfast.core.domain.text import sanitize
from holdfast.tui.keys import bindings, named
from holdfast.tui.presenters.forms.fields import Field, Form, Raw
from holdfast.tui.presenters.forms.values import read_form
from holdfast.tui.presenters.spans import line
from holdfast.tui.widgets.paint import paint
from holdfast.tui.widgets.strips import PlainLinks


class FieldText(TextArea):
    """Where a text, a number or JSON is typed. Enter goes on to the next field; in JSON it is a new line."""

    def __init__(self, field: Field, raw: Raw) -> None:
        super().__init__(
            raw if isinstance(raw, str) else "",
            compact=True,
            soft_wrap=True,
            highlight_cursor_line=False,
            placeholder="" if field.required else "may be left empty",
        )
        self.cursor_blink = False
        self.move_cursor(self.document.end)
        self.set_class(field.kind == "json", "-json")
        self._lines = field.kind == "json"
        self._single = field.kind in ("number", "integer")

    @property
    def raw(self) -> Raw:
        return self.text

    async def _on_key(self, event: events.Key) -> None:
        name = named("field", event.key)
        if name == "new_line" and not self._single:
            self._take(event)
            self.insert("\n")
        elif name == "next" and not self._lines:
            self._take(event)
            self.screen.focus_next()
        elif name == "before" and self.cursor_at_first_line:
            self._take(event)
            self.screen.focus_previous()
        elif name == "after" and self.cursor_at_last_line:
            self._take(event)
            self.screen.focus_next()
        else:
            await super()._on_key(event)

    def _take(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        text = sanitize(event.text)
        self.insert(" ".join(text.split()) if self._single else text)


class FieldSecret(Input):
    """Where a secret is typed, unseen. Enter goes on to the next field; in the last one it is done."""

    class Done(Message):
        """Enter was pressed in the last field."""

    def __init__(self, field: Field, raw: Raw) -> None:
        super().__init__(
            raw if isinstance(raw, str) else "",
            password=True,
            compact=True,
            select_on_focus=False,
            placeholder="" if field.required else "may be left empty",
        )
        self.cursor_blink = False
        self.last = False

    @property
    def raw(self) -> Raw:
        return self.value

    async def _on_key(self, event: events.Key) -> None:
        name = named("field", event.key)
        if name in ("next", "after", "before"):
            event.stop()
            event.prevent_default()
            if name == "before":
                self.screen.focus_previous()
            elif event.key == "enter" and self.last:
                self.post_message(self.Done())
            else:
                self.screen.focus_next()
        else:
            await super()._on_key(event)


class FieldChoices(PlainLinks, can_focus=True):
    """Values side by side, one or several of which are chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("choices", "between")]

    def __init__(self, field: Field, raw: Raw) -> None:
        super().__init__("", markup=False)
        self._field = field
        self._many = field.kind == "choices"
        self._chosen = set(raw) if isinstance(raw, tuple) else {raw} if isinstance(raw, int) else set()
        self._at = min(self._chosen, default=0)

    @property
    def raw(self) -> Raw:
        if self._many:
            return tuple(sorted(self._chosen))
        return next(iter(self._chosen), None)

    def render(self) -> Content:
        return Content("\n").join(self._rows(self.content_size.width))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._rows(width))

    def _rows(self, width: int) -> list[Content]:
        """Returns the values in rows; a sign stands beside its value."""
        rows = [self._piece(0)]
        for piece in map(self._piece, range(1, len(self._field.options))):
            longer = rows[-1] + Content("   ") + piece
            if longer.cell_length <= width:
                rows[-1] = longer
            else:
                rows.append(piece)
        return rows

    def _piece(self, place: int) -> Content:
        chosen = place in self._chosen
        signs = ("▣", "▢") if self._many else ("●", "○")
        sign = (signs[not chosen], "success" if chosen else "muted")
        piece = paint(line(sign, f" {self._field.options[place].label}"))
        if self.has_focus and place == self._at:
            piece = piece.stylize("bold underline")
        return piece.stylize(Style.from_meta({"@click": f"choose({place})"}))

    def action_choose(self, place: int) -> None:
        """Chooses a value; one that is chosen and not needed is so no more."""
        self.focus()
        self._at = place
        if place not in self._chosen:
            self._chosen = self._chosen | {place} if self._many else {place}
        elif self._many or not self._field.required:
            self._chosen = self._chosen - {place}
        self.refresh(layout=True)

    def action_pick(self) -> None:
        self.action_choose(self._at)

    def action_step(self, step: int) -> None:
        """Goes to the value before or after; where only one can be chosen, that is it."""
        self._at = (self._at + step) % max(1, len(self._field.options))
        if not self._many:
            self._chosen = {self._at}
        self.refresh()

    def action_go(self, step: int) -> None:
        """Goes to the field before or after."""
        if step > 0:
            self.screen.focus_next()
        else:
            self.screen.focus_previous()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()


def _input(field: Field, raw: Raw) -> FieldText | FieldSecret | FieldChoices:
    if field.kind in ("choice", "choices"):
        return FieldChoices(field, raw)
    return FieldSecret(field, raw) if field.secret else FieldText(field, raw)


class FormFields(VerticalScroll, can_focus=False):
    """The fields of a form; says what is wrong with one below it."""

    DEFAULT_CSS = """
    FormFields { height: auto; scrollbar-size-vertical: 1; }
    FormFields .field { height: auto; margin: 0 0 1 0; }
    FormFields .field-head, FormFields .field-about, FormFields .field-problem { height: auto; }
    FormFields .field-about { max-height: 3; }
    FormFields FieldText {
        height: auto; min-height: 1; max-height: 6; padding: 0 1; background: $panel;
    }
    FormFields FieldText.-json { max-height: 10; }
    FormFields FieldText:focus { background: $primary 25%; }
    FormFields FieldSecret.-textual-compact { height: 1; padding: 0 1; background: $panel; }
    FormFields FieldSecret.-textual-compact:focus { background: $primary 25%; }
    FormFields FieldText .text-area--placeholder { color: $foreground 60%; }
    FormFields FieldChoices { height: auto; padding: 0 1; background: $panel; }
    FormFields FieldChoices:focus { background: $primary 25%; }
    """

    def __init__(self, form: Form, raw: Mapping[str, Raw] | None = None, *, id: str) -> None:
        """`raw` is what stands in the fields at first, where that is not what the form says."""
        super().__init__(id=id)
        self._form = form
        begin = raw if raw is not None else form.begin()
        self._inputs = {one.name: _input(one, begin.get(one.name)) for one in form.fields}
        last = list(self._inputs.values())[-1:]
        for one in last:
            if isinstance(one, FieldSecret):
                one.last = True
        self._problems = {one.name: Static("", classes="field-problem", markup=False) for one in form.fields}

    def compose(self) -> ComposeResult:
        for one in self._form.fields:
            needed = (" *", "warning") if one.required else ("", "")
            head = line((one.label, "strong"), needed, (f"  {one.hint}" if one.hint else "", "muted"))
            with Vertical(classes="field"):
                yield Static(paint(head), classes="field-head", markup=False)
                if one.about:
                    yield Static(paint(line((one.about, "muted"))), classes="field-about", markup=False)
                yield self._inputs[one.name]
                problem = self._problems[one.name]
                problem.display = False
                yield problem

    def focus_first(self) -> None:
        """Puts the cursor into the first field, if there is one."""
        first: Widget | None = next(iter(self._inputs.values()), None)
        if first is not None:
            first.focus()

    @property
    def raw(self) -> dict[str, Raw]:
        """What stands in the fields now."""
        return {name: one.raw for name, one in self._inputs.items()}

    def read(self) -> dict[str, object] | None:
        """Returns the object that is filled in; None where something is wrong with it, which is then said."""
        values, wrong = read_form(self._form, self.raw)
        self.show_problems(wrong)
        return None if wrong else values

    def show_problems(self, wrong: Mapping[str, str]) -> None:
        """Says what is wrong with fields, by their names, and goes to the first of them."""
        for name, problem in self._problems.items():
            text = wrong.get(name, "")
            problem.update(paint(line((f"✗ {text}" if text else "", "error"))))
            problem.display = bool(text)
        first = next((one for name, one in self._inputs.items() if name in wrong), None)
        if first is not None:
            first.focus()
