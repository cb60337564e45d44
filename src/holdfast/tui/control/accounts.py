"""Accounts: signing in to an engine elsewhere, one's own password, and looking after those of others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from holdfast.core.domain.errors import ForbiddenError, UnsupportedError
from holdfast.core.domain.identity import Role
from holdfast.core.domain.oauth import ALL_SCOPES, NewOAuthClient
from holdfast.core.domain.text import sanitize_line
from holdfast.tui.control.base import Context
from holdfast.tui.control.listed import ListedControl
from holdfast.tui.presenters.accounts import (
    LOCAL,
    REGISTRATION,
    AdminState,
    UserView,
    client_schema,
    client_views,
    edit_schema,
    login_schema,
    mail_views,
    not_twice,
    password_schema,
    places_of,
    user_schema,
    user_views,
)
from holdfast.tui.presenters.copying import copied
from holdfast.tui.presenters.forms.fields import form_of
from holdfast.tui.presenters.spans import line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from holdfast.core.domain.identity import User
    from holdfast.tui.control.connection import Connection
    from holdfast.tui.control.desk import Action
    from holdfast.tui.screens.modelled import ModelScreen
    from holdfast.tui.start import Remote

    SignIn = Callable[[str, str], Awaitable[None]]

Wrong = dict[str, str] | str | None


class AccountControl:
    """What a person does with the own account."""

    def __init__(self, context: Context, connection: Connection) -> None:
        self._context = context
        self._connection = connection
        remote = context.remote
        self._name = remote.login if remote is not None else ""
        """By whose login the app is let in; empty: by a key, as far as is known."""
        self._asking = False
        connection.on_shut_out = self._ask_again
        self.actions: dict[str, Action] = {"login": self.login, "password": self.password}

    async def login(self, name: str = "") -> None:
        """Signs in to the engine elsewhere; what is written in the message field stays."""
        remote = self._context.remote
        if remote is None:
            raise UnsupportedError(
                "This machine's own engine asks nobody to sign in; `holdfast attach` does."
            )
        if remote.sign_in is None:
            raise UnsupportedError("In a browser the page of `holdfast web` signs in: load it anew.")
        if self._asking:
            return
        self._asking = True
        try:
            signed_in = await self._sign_in(remote, remote.sign_in, name)
        finally:
            self._asking = False
        if signed_in:
            self._context.model.header = replace(self._context.model.header, who="", role="")
            self._connection.renew()

    async def _sign_in(self, remote: Remote, sign_in: SignIn, name: str) -> bool:
        """Asks for name and password until they are right; says whether they were."""
        place, over = sanitize_line(remote.engine.place), self._context.model.shut_out

        async def take(filled: dict[str, Any]) -> Wrong:
            await sign_in(filled["name"].strip(), filled["password"])
            self._name = filled["name"].strip()
            return None

        about = [line((f"At {place}. The login is kept until it expires, or `holdfast logout`.", "muted"))]
        if over:
            about.insert(0, line(("You are not let in any more. What you were writing stays.", "warning")))
        if remote.engine.is_open:
            about.append(line(("Not encrypted: others on the way can read the password.", "warning")))
        form = form_of(login_schema(name or self._name))
        dialogs = self._context.app.dialogs
        return await dialogs.form("Sign in", form, "sign in", take, about=about) is not None

    def _ask_again(self) -> None:
        """Asks whose login has ended to sign in again; who came with a key is only told how."""
        if self._name:
            self._context.app.do("login")

    async def password(self, _: str = "") -> None:
        """Gives the person another password."""
        accounts = self._context.workbench.accounts

        async def take(filled: dict[str, Any]) -> Wrong:
            if wrong := not_twice(filled):
                return wrong
            await accounts.change_password(filled["old"], filled["password"])
            return None

        form = form_of(password_schema(own=True))
        if await self._context.app.dialogs.form("Change your password", form, "change it", take) is not None:
            self._context.view.say("Your password is changed; other logins have ended.")


class AdminControl(ListedControl[AdminState]):
    """What an administrator does with users, mails, clients and the engine. Nothing is asked for before
    somebody looks."""

    PARTS = ("admin",)

    def __init__(self, context: Context) -> None:
        super().__init__(context, context.model.admin)
        self.actions: dict[str, Action] = {
            "admin": self.show,
            "admin.new": self.new,
            "admin.edit": self.edit,
            "admin.password": self.password,
            "admin.remove": self.remove,
            "admin.copy": self.copy,
            "admin.open": self.open,
            "admin.client": self.new_client,
            "admin.enable": self.enable,
            "admin.drop": self.drop,
        }

    def _screen(self) -> type[ModelScreen]:
        from holdfast.tui.screens.admin import AdminScreen  # start-up time: when it is opened

        return AdminScreen

    async def _read(self) -> None:
        state, bench = self._state, self._context.workbench
        me = await bench.users.me()
        if not me.is_admin:
            state.users, state.mails, state.clients, state.places = [], [], [], []
            raise ForbiddenError(
                f"You are {sanitize_line(me.name)}, a user: administrators look after the engine. "
                "/password changes your password, /keys shows your keys."
            )
        state.users = user_views(await bench.users.list(), await bench.users.seen(), me.user_id)
        state.mails = mail_views(await bench.accounts.outbox())
        state.clients = client_views(await bench.oauth.clients())
        ways, settings = await bench.accounts.ways(), await bench.engine.settings()
        state.places = places_of(ways, settings.accounts.smtp_host)
        state.registration, state.error = ways.registration, ""

    # --- users

    async def new(self, _: str = "") -> None:
        """Adds a user."""
        made: list[User] = []

        async def take(filled: dict[str, Any]) -> Wrong:
            if wrong := not_twice(filled):
                return wrong
            name, role = filled["name"].strip(), Role(filled["role"])
            password, email = filled.get("password") or None, filled.get("email", "")
            made.append(await self._context.workbench.users.add(name, role, password, email))
            return None

        if await self._context.app.dialogs.form("Add a user", form_of(user_schema()), "add", take) is None:
            return
        self._state.wanted = made[-1].id
        await self.show()
        self._context.view.say(f"{sanitize_line(made[-1].name)} is added.")

    async def edit(self, id: str) -> None:
        """Changes what is known of a user."""
        one = self._state.user(id)
        if one is None:
            return

        async def take(filled: dict[str, Any]) -> Wrong:
            role = None if filled["role"] == one.role else Role(filled["role"])
            texts = {name: filled.get(name, "").strip() for name in ("email", "phone", "display_name")}
            await self._context.workbench.users.update(id, role, **texts)
            return None

        form = form_of(edit_schema(one))
        if await self._context.app.dialogs.form(f"Change {one.name}", form, "change", take) is not None:
            await self.reload()

    async def password(self, id: str) -> None:
        """Gives a user another password."""
        one = self._state.user(id)
        if one is None:
            return

        async def take(filled: dict[str, Any]) -> Wrong:
            if wrong := not_twice(filled):
                return wrong
            await self._context.workbench.users.set_password(id, filled["password"])
            return None

        about = [line(("The user's logins end; keys stay.", "muted"))]
        form = form_of(password_schema(own=False))
        dialogs = self._context.app.dialogs
        if await dialogs.form(f"A password for {one.name}", form, "set it", take, about=about) is not None:
            self._context.view.say(f"{one.name} has a new password; logins have ended.")

    async def remove(self, id: str) -> None:
        """Removes a user, after a question: it cannot be taken back."""
        one = self._state.user(id)
        if one is None:
            return
        self._may_go(one)
        question = (
            f"Remove the user “{one.name}”? Keys and logins end, runs are cancelled; what was made stays on "
            "the disk, and nobody sees it."
        )
        if await self._context.app.dialogs.confirm(question, "remove the user"):
            await self._context.workbench.users.remove(id)
            await self.reload()

    def _may_go(self, one: UserView) -> None:
        if one.id == LOCAL:
            raise ForbiddenError("The user local owns the engine's machine, and is always there.")
        if one.me:
            raise ForbiddenError("That is you: another administrator has to remove you.")

    # --- mail, and the engine

    async def copy(self, id: str) -> None:
        """Copies the text of a mail."""
        one = self._state.mail(id)
        if one is not None:
            self._context.app.copy_to_clipboard(one.text)
            self._context.app.notify(copied(one.text), timeout=2, markup=False)

    async def open(self, key: str) -> None:
        """Switches what is a switch; opens the screen of anything else."""
        if key == REGISTRATION:
            on = not self._state.registration
            question = "Let people make accounts themselves? Whoever reaches the engine can ask for one."
            if on and not await self._context.app.dialogs.confirm(question, "let them"):
                return
            await self._context.workbench.engine.set_setting(REGISTRATION, on)
            await self.reload()
        elif (place := self._state.place(key)) is not None:
            self._context.app.command(place.command, place.argument)

    # --- clients

    async def new_client(self, _: str = "") -> None:
        """Registers a client, and shows its secret this once."""
        made: list[NewOAuthClient] = []

        async def take(filled: dict[str, Any]) -> Wrong:
            made.append(
                await self._context.workbench.oauth.add_client(
                    filled["name"].strip(),
                    tuple(filled["redirect_uris"].split()),
                    filled.get("scope", "").strip() or ALL_SCOPES,
                    "none" if filled["public"] else "client_secret_basic",
                    filled["consent"],
                )
            )
            return None

        form = form_of(client_schema(ALL_SCOPES))
        if await self._context.app.dialogs.form("Register a client", form, "register", take) is None:
            return
        self._state.wanted = made[-1].client.id
        await self.reload()
        from holdfast.tui.screens.admin import ClientScreen  # start-up time: when one was made

        client = made[-1].client
        self._context.app.push_screen(ClientScreen(sanitize_line(client.name), client.id, made[-1].secret))

    async def enable(self, id: str) -> None:
        """Lets a client ask, or no longer, after a question: everything ends that it was given."""
        one = self._state.client(id)
        if one is None:
            return
        question = f"Disable “{one.name}”? Everything ends that it was given."
        if one.enabled and not await self._context.app.dialogs.confirm(question, "disable it"):
            return
        await self._context.workbench.oauth.enable_client(id, not one.enabled)
        await self.reload()

    async def drop(self, id: str) -> None:
        """Removes a client, after a question."""
        one = self._state.client(id)
        if one is None:
            return
        question = f"Remove the client “{one.name}”? Everything ends that it was given."
        if await self._context.app.dialogs.confirm(question, "remove it"):
            await self._context.workbench.oauth.remove_client(id)
            await self.reload()
