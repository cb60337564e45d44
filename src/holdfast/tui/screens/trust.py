"""Keys to Holdfast and what a person has agreed to, each on the whole screen."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from textual.binding import BindingType

from holdfast.tui.keys import bindings
from holdfast.tui.presenters import agreements, api_keys
from holdfast.tui.presenters.copying import copied
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.spans import Line
from holdfast.tui.screens.dialogs import DocumentScreen, MarkdownScreen
from holdfast.tui.screens.listed import Keys, ListedScreen, Rows


class KeysScreen(ListedScreen):
    """Shows keys; what a person wants done goes to the controller."""

    PART = "keys"
    PLACE = "keys"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("keys")]

    def headline(self, model: Model) -> Line:
        return api_keys.headline(model.keys, model.header.engine)

    def rows(self, model: Model, width: int, now: datetime) -> Rows:
        return api_keys.key_rows(model.keys, self.words, width, now)

    def detail(self, model: Model, current: str | None, width: int, now: datetime) -> list[Line]:
        return api_keys.detail_lines(model.keys, current, now)

    def notes(self, model: Model, *, some: bool) -> list[Line]:
        return api_keys.note_lines(model.keys, some=some)

    def footer(self, model: Model, current: str | None, *, typing: bool) -> Keys:
        return api_keys.footer(model.keys, current, typing=typing)

    def wanted(self, model: Model) -> str:
        wanted, model.keys.wanted = model.keys.wanted, ""
        return wanted


class SecretScreen(DocumentScreen):
    """Shows a new key, this once."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("secret")]
    MORE_KEYS: ClassVar[tuple[tuple[str, str], ...]] = (("secret.copy", "copy it"),)

    def __init__(self, name: str, secret: str) -> None:
        super().__init__(name, "a new key", api_keys.secret_lines(secret))
        self._secret = secret

    def action_copy_secret(self) -> None:
        self.app.copy_to_clipboard(self._secret)
        self.app.notify(copied(self._secret), timeout=2, markup=False)


class AgreementsScreen(ListedScreen):
    """Shows agreements with their texts."""

    PART = "agreements"
    PLACE = "agreements"
    CHOOSE = "read"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("agreements")]

    def headline(self, model: Model) -> Line:
        return agreements.headline(model.agreements, model.header.engine)

    def rows(self, model: Model, width: int, now: datetime) -> Rows:
        return agreements.agreement_rows(model.agreements, self.words, width)

    def detail(self, model: Model, current: str | None, width: int, now: datetime) -> list[Line]:
        return agreements.detail_lines(model.agreements, current)

    def notes(self, model: Model, *, some: bool) -> list[Line]:
        return agreements.note_lines(model.agreements, some=some)

    def footer(self, model: Model, current: str | None, *, typing: bool) -> Keys:
        return agreements.footer(model.agreements, current, typing=typing)


class AgreementScreen(MarkdownScreen):
    """Asks a person to accept an agreement; `accepted` says whether they did."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("agreement")]
    MORE_KEYS: ClassVar[tuple[tuple[str, str], ...]] = (("agreement.accept", "accept it"),)

    def __init__(self, title: str, text: str) -> None:
        super().__init__(title, "it is yours to accept", text)
        self.accepted = False

    def action_accept(self) -> None:
        self.accepted = True
        self.dismiss()
