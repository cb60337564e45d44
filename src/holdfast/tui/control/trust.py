"""Keys to Holdfast: made, limited, revoked; and agreements: read, accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.identity import NewCredential, Scope
from holdfast.core.domain.text import sanitize_line
from holdfast.tui.control.base import Context
from holdfast.tui.control.listed import ListedControl
from holdfast.tui.presenters.agreements import AgreementsState, agreement_views
from holdfast.tui.presenters.api_keys import KeysState, budgets_of, expires_s, key_form, key_views

if TYPE_CHECKING:
    from holdfast.core.domain.identity import User
    from holdfast.tui.control.desk import Action
    from holdfast.tui.screens.modelled import ModelScreen

BUDGETS = "Budgets, such as 5/day, 50/month, 20 or 2000credits/month; left empty: none"


class KeysControl(ListedControl[KeysState]):
    """What a person does with keys. Nothing is asked for before somebody looks."""

    PARTS = ("keys",)

    def __init__(self, context: Context) -> None:
        super().__init__(context, context.model.keys)
        self.actions: dict[str, Action] = {
            "keys": self.show,
            "keys.new": self.new,
            "keys.limit": self.limit,
            "keys.revoke": self.revoke,
        }

    def _screen(self) -> type[ModelScreen]:
        from holdfast.tui.screens.trust import KeysScreen  # start-up time: when it is opened

        return KeysScreen

    async def _read(self) -> None:
        bench = self._context.workbench
        me = await bench.users.me()
        users: tuple[User, ...] = await bench.users.list() if me.is_admin else ()
        limits = await bench.usage.limits(all_users=me.is_admin)
        found = await bench.keys.list()
        now = self._context.app.start.now()
        self._state.keys, self._state.error = key_views(found, limits, users, me.user_id, now), ""

    async def new(self, _: str = "") -> None:
        """Makes a key, and shows it this once."""
        made: list[NewCredential] = []

        async def take(filled: dict[str, Any]) -> None:
            scope = Scope(filled["scope"])
            keys = self._context.workbench.keys
            made.append(await keys.create(filled["name"].strip(), scope, expires_s(filled)))

        if await self._context.app.dialogs.form("A new key", key_form(), "make it", take) is None:
            return
        self._state.wanted = made[-1].credential.id
        await self.show()
        from holdfast.tui.screens.trust import SecretScreen  # start-up time: when a key was made

        name = sanitize_line(made[-1].credential.name)
        self._context.app.push_screen(SecretScreen(name, made[-1].secret))

    async def revoke(self, id: str) -> None:
        """Revokes a key, after a question: it cannot be taken back."""
        one = self._state.find(id)
        if one is None or one.ended:
            return
        question = f"Revoke the key “{one.name}”? Programs that show it are refused at once."
        if await self._context.app.dialogs.confirm(question, "revoke it"):
            await self._context.workbench.keys.revoke(id)
            await self.reload()

    async def limit(self, id: str) -> None:
        """Lays down how much a key may use."""
        one = self._state.find(id)
        if one is None or one.ended:
            return
        text = await self._context.app.dialogs.ask_or_none(BUDGETS, one.budgets)
        if text is None:
            return
        budgets, usage = budgets_of(text), self._context.workbench.usage
        if budgets or one.tier is not None:
            await usage.set_limit("key", id, one.tier, budgets)
        else:
            await usage.remove_limit("key", id)
        await self.reload()


class AgreementsControl(ListedControl[AgreementsState]):
    """What a person agrees to."""

    PARTS = ("agreements",)

    def __init__(self, context: Context) -> None:
        super().__init__(context, context.model.agreements)
        self.actions: dict[str, Action] = {
            "agreements": self.show,
            "agreements.read": self.read,
            "agreements.accept": self.accept,
        }

    def _screen(self) -> type[ModelScreen]:
        from holdfast.tui.screens.trust import AgreementsScreen  # start-up time: when it is opened

        return AgreementsScreen

    async def _read(self) -> None:
        found = await self._context.workbench.users.agreements()
        self._state.agreements, self._state.error = agreement_views(found), ""

    async def read(self, name: str) -> None:
        """Shows the whole text of an agreement."""
        one = self._state.find(name)
        if one is not None:
            said = "not accepted" if one.accepted_at is None else f"accepted {one.accepted_at:%Y-%m-%d}"
            self._context.app.dialogs.markdown(one.title, said, one.text)

    async def accept(self, name: str) -> None:
        """Lets the person accept an agreement."""
        await self.ensure(name)

    async def ensure(self, name: str) -> bool:
        """Asks the person to accept an agreement, unless they have; says whether they have now. Raises
        `NotFoundError`."""
        await self._read()
        one = self._state.find(name)
        if one is None:
            raise NotFoundError(f"There is no agreement {sanitize_line(name)}.", code="agreement_not_found")
        if one.accepted_at is not None:
            return True
        from holdfast.tui.screens.trust import AgreementScreen  # start-up time: when it is asked for

        screen = AgreementScreen(one.title, one.text)
        await self._context.app.push_screen_wait(screen)
        if screen.accepted:
            await self._context.workbench.users.accept(name)
            await self.reload()
        return screen.accepted
