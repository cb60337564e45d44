"""Adds a provider: address and key, tested before they are kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from holdfast.core.domain.errors import HoldfastError
from holdfast.core.domain.providers import ProviderCheck, ProviderInfo
from holdfast.core.domain.text import sanitize_line
from holdfast.tui.keys import bindings, shown
from holdfast.tui.presenters.providers import GOOD, about_lines, outcome_lines
from holdfast.tui.presenters.spans import Line, line
from holdfast.tui.screens.dialogs import Dialog, key_hint
from holdfast.tui.widgets.paint import paint, paint_all

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp

Check = Callable[[str, str], Awaitable[ProviderCheck]]
"""Asks the provider with a key and an address; empty: what is known."""
Keep = Callable[[str, str, ProviderCheck], Awaitable[None]]
"""Keeps them, and says so."""


class ProviderScreen(Dialog[None]):
    """Takes a key that nobody sees, tests it, and leaves when it is kept."""

    CSS = """
    ProviderScreen Input { margin: 0 0 1 0; }
    ProviderScreen #provider-outcome { height: auto; }
    ProviderScreen #provider-about { height: auto; margin: 0 0 1 0; }
    ProviderScreen.-short #provider-about { display: none; }
    """
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-high")]  # noqa: RUF012 - as Textual has it
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog", "adding")]
    app: HoldfastApp

    def __init__(self, info: ProviderInfo, check: Check, keep: Keep) -> None:
        super().__init__()
        self._info = info
        self._check = check
        self._keep = keep
        self._asking = False

    def compose(self) -> ComposeResult:
        info = self._info
        with Vertical(classes="dialog small"):
            yield Static(f"Add {info.title}", classes="dialog-title", markup=False)
            yield Static(paint_all(about_lines(info)[1:]), id="provider-about", markup=False)
            if info.takes_url:
                yield Input(
                    info.url, id="provider-url", placeholder="address: http://127.0.0.1:8000/v1",
                    select_on_focus=False,
                )  # fmt: skip
            if info.variable:
                empty = "key, if it wants one" if info.takes_url else "paste the key; it is not shown"
                yield Input(password=True, id="provider-key", placeholder=empty)
            yield Static("", id="provider-outcome", markup=False)
            yield key_hint(
                ("enter", "test and keep"),
                (shown("adding.keep"), "keep untested"),
                (shown("dialog.close"), "leave it"),
            )

    def on_mount(self) -> None:
        for field in self.query(Input):
            field.cursor_blink = False
        first = self.query("#provider-key") if not self._info.takes_url else self.query("#provider-url")
        first.first().focus()

    @on(Input.Submitted)
    def _test(self, event: Input.Submitted) -> None:
        event.stop()
        if self._asking:
            return
        if self._info.needs_key and not self._value("provider-key") and not self._info.key_from:
            self._say([line(("Paste a key first.", "warning"))])
            return
        self._asking = True
        self._say(outcome_lines(None, self._info.title))
        self.app.work(self._ask, "provider")

    async def _ask(self) -> None:
        key, url = self._value("provider-key"), self._value("provider-url")
        try:
            found = await self._check(key, url)
            if not self.is_attached:  # left while the provider was asked: nothing is kept
                return
            if found.state in GOOD:
                await self._keep(key, url, found)
                self._close()
            else:
                self._say(outcome_lines(found))
        except HoldfastError as error:
            self._say([line(("✗ ", "error"), sanitize_line(error.message))])
        finally:
            self._asking = False

    def action_keep(self) -> None:
        """Keeps what is typed, whatever a test says."""
        if not self._asking and (self._value("provider-key") or self._value("provider-url")):
            self._asking = True
            self.app.work(self._keep_untested, "provider")

    async def _keep_untested(self) -> None:
        name = self._info.name
        found = ProviderCheck(provider=name, state="untested", message=f"{self._info.title} was not asked.")
        try:
            await self._keep(self._value("provider-key"), self._value("provider-url"), found)
            self._close()
        except HoldfastError as error:
            self._say([line(("✗ ", "error"), sanitize_line(error.message))])
        finally:
            self._asking = False

    def action_leave(self) -> None:
        self.dismiss()

    def _value(self, id: str) -> str:
        fields = self.query(f"#{id}").results(Input)
        return next((field.value.strip() for field in fields), "")

    def _close(self) -> None:
        """Closes it, unless the person has done so."""
        if self.is_attached:
            self.dismiss()

    def _say(self, lines: list[Line]) -> None:
        if not self.is_attached:
            return
        outcome = self.query_one("#provider-outcome", Static)
        outcome.update(paint_all(lines) if lines else paint(line("")))
