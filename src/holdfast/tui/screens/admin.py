"""Looking after people and the engine, on the whole screen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from textual.binding import BindingType
from textual.widgets import Input

from holdfast.tui.keys import bindings
from holdfast.tui.presenters.accounts import (
    TABS,
    admin_rows,
    counts,
    detail_lines,
    footer,
    headline,
    note_lines,
    secret_lines,
)
from holdfast.tui.presenters.copying import copied
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.spans import Line
from holdfast.tui.screens.dialogs import DocumentScreen
from holdfast.tui.screens.listed import Keys, ListedScreen, Rows

DOES = {
    "users": {"open": "edit", "new": "new", "edit": "edit", "password": "password", "remove": "remove"},
    "mail": {"open": "copy", "copy": "copy"},
    "clients": {"new": "client", "enable": "enable", "remove": "drop"},
    "engine": {"open": "open"},
}
"""What keys do on each tab; others rest there."""


class AdminScreen(ListedScreen):
    """Shows users, mails, clients and the engine; what a person wants done goes to the controller."""

    PART = "admin"
    PLACE = "admin"
    CHOOSE = "open"
    TABS = TABS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("admin")]

    def headline(self, model: Model) -> Line:
        return headline(model.admin, model.header.engine)

    def counts(self, model: Model) -> Mapping[str, str]:
        return counts(model.admin)

    def rows(self, model: Model, width: int, now: datetime) -> Rows:
        return admin_rows(model.admin, self._tab, self.words, width, now)

    def detail(self, model: Model, current: str | None, width: int, now: datetime) -> list[Line]:
        return detail_lines(model.admin, self._tab, current, now)

    def notes(self, model: Model, *, some: bool) -> list[Line]:
        return note_lines(model.admin, self._tab, some=some)

    def footer(self, model: Model, current: str | None, *, typing: bool) -> Keys:
        return footer(model.admin, self._tab, current, typing=typing)

    def wanted(self, model: Model) -> str:
        wanted, model.admin.wanted = model.admin.wanted, ""
        return wanted

    def act(self, name: str, current: str) -> None:
        does = DOES[self._tab].get(name)
        if does is not None and (current or name == "new"):
            self.app.do(f"{self.PLACE}.{does}", current if name != "new" else "")

    def action_tab(self, tab: str) -> None:
        if tab != self._tab:  # words for users would hide all mails and clients
            self.query_one("#l-words", Input).value = ""
        super().action_tab(tab)

    def action_press(self, name: str) -> None:
        if name == "after":
            self.action_turn(1)
        else:
            super().action_press(name)


class ClientScreen(DocumentScreen):
    """Shows a new client, its secret this once."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("secret")]
    MORE_KEYS: ClassVar[tuple[tuple[str, str], ...]] = (("secret.copy", "copy the secret"),)

    def __init__(self, name: str, id: str, secret: str) -> None:
        super().__init__(name, "a new client", secret_lines(id, secret))
        self._secret = secret or id

    def action_copy_secret(self) -> None:
        self.app.copy_to_clipboard(self._secret)
        self.app.notify(copied(self._secret), timeout=2, markup=False)
