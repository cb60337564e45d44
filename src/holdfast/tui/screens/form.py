"""A dialog with a form: what is filled in is given when nothing is wrong with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Static

from holdfast.core.domain.errors import HoldfastError
from holdfast.core.domain.text import sanitize_line
from holdfast.tui.keys import bindings
from holdfast.tui.presenters.forms.fields import Form, Raw
from holdfast.tui.presenters.spans import Line, line
from holdfast.tui.screens.dialogs import Dialog, key_hint
from holdfast.tui.widgets.form import FieldSecret, FormFields
from holdfast.tui.widgets.paint import paint, paint_all

Take = Callable[[dict[str, Any]], Awaitable["str | dict[str, str] | None"]]
"""Takes what is filled in. Returns what is wrong: a text for all of it, or texts by fields; nothing: it is
taken, and the dialog closes. What it raises as `HoldfastError` is said like a text."""

AROUND = 8
"""Rows of a form's frame, title, keys, and of what is wrong."""
LOW = 28


class FormScreen(Dialog["dict[str, Any] | None"]):
    """Asks for the values of a form; gives them when they are taken, None when it was left."""

    DEFAULT_CSS = """
    FormScreen .dialog { width: 84; max-width: 96%; }
    FormScreen #form-about { height: auto; max-height: 8; margin: 0 0 1 0; }
    FormScreen.-short #form-about { max-height: 3; }
    FormScreen #form-problem { height: auto; max-height: 3; }
    FormScreen .dialog-hint { margin: 0; }
    """
    VERTICAL_BREAKPOINTS = [(0, "-short"), (LOW, "-high")]  # noqa: RUF012 - as Textual has it
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog", "form")]

    def __init__(
        self,
        title: str,
        form: Form,
        verb: str,
        take: Take | None = None,
        *,
        about: Sequence[Line] = (),
        raw: dict[str, Raw] | None = None,
    ) -> None:
        """`verb` is what the key is for; `raw` is what stands in the fields at first."""
        super().__init__()
        self._title = title
        self._form = form
        self._verb = verb
        self._take = take
        self._about = about
        self._raw = raw
        self._taking = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self._title, classes="dialog-title", markup=False)
            if self._about:
                yield Static(paint_all(self._about), id="form-about", markup=False)
            yield FormFields(self._form, self._raw, id="form-fields")
            yield Static("", id="form-problem", markup=False)
            yield self.hint()

    def hint(self) -> Static:
        """Returns the line of keys."""
        return key_hint(("form.submit", self._verb), ("tab", "next field"), ("dialog.close", "leave it"))

    def on_mount(self) -> None:
        self.query_one(FormFields).focus_first()

    def on_resize(self) -> None:
        """The fields scroll in what room there is beside title, mistakes and keys."""
        about = min(len(self._about), 3 if self.size.height < LOW else 8) + bool(self._about)
        for fields in self.query(FormFields):
            fields.styles.max_height = max(3, self.size.height - AROUND - about)

    def action_submit(self) -> None:
        """Gives what is filled in, once it is taken."""
        if self._taking:
            return
        values = self.query_one(FormFields).read()
        if values is None:
            self._say("")
            return
        self._taking = True
        self.run_worker(self._submit(values), group="form")

    @on(FieldSecret.Done)
    def _done(self, event: FieldSecret.Done) -> None:
        event.stop()
        self.action_submit()

    async def _submit(self, values: dict[str, Any]) -> None:
        try:
            wrong = await self._take(values) if self._take is not None else None
        except HoldfastError as error:
            wrong = error.message
        finally:
            self._taking = False
        if not self.is_attached:
            return
        if not wrong:
            self.dismiss(values)
            return
        if isinstance(wrong, dict):
            self.query_one(FormFields).show_problems(wrong)
        self._say("" if isinstance(wrong, dict) else wrong)

    def _say(self, text: str) -> None:
        said = line((f"✗ {sanitize_line(text)}" if text else "", "error"))
        self.query_one("#form-problem", Static).update(paint(said))
