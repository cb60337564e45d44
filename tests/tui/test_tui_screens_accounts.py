"""The app with accounts: pictures of its screens, and journeys of who signs in and of an administrator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from fake_workbench import NOON, FakeWorkbench
from given import answering
from stage import DARK, LARGE, LIGHT, SMALL, Stage
from textual.pilot import Pilot

from holdfast.core.domain.accounts import AccountMode, Mail, SignInProvider, SignInWays
from holdfast.core.domain.errors import InvalidError, UnauthenticatedError
from holdfast.core.domain.identity import LOCAL_PRINCIPAL, Role, User
from holdfast.core.domain.oauth import OAuthClient
from holdfast.tui.app import HoldfastApp
from holdfast.tui.screens.dialogs import ConfirmScreen
from holdfast.tui.screens.form import FormScreen
from holdfast.tui.start import Remote

pytestmark = pytest.mark.thorough

WIDE = (200, 50)
LOOKS = ((SMALL, DARK), (LARGE, LIGHT), (WIDE, DARK))
SECRET = "correct horse battery"
ANN = User(id="u1", name="ann", role=Role.ADMIN, created_at=NOON - timedelta(days=9), email="ann@example.org")
BOB = User(id="u2", name="bob", role=Role.USER, created_at=NOON - timedelta(days=2), display_name="Bob B.")
MAIL = Mail(
    id="m1", to="carol@example.org", subject="Your code for Holdfast", at=NOON - timedelta(minutes=3),
    text="The code is 004217.\nIt holds for five minutes.\n", reason="no mail server is set",
)  # fmt: skip
CLIENT = OAuthClient(
    id="notes", name="Notes", redirect_uris=("https://notes.example.org/callback",), created_at=NOON
)
WAYS = SignInWays(
    mode=AccountMode.NATIVE,
    registration=False,
    passwords="all",
    providers=(SignInProvider(id="native", type="native", name=""),),
)


class People:
    """What is done with users, on a workbench in memory."""

    def __init__(self, bench: Any) -> None:
        self.calls: list[tuple[Any, ...]] = []
        local = User(id="local", name="local", role=Role.ADMIN, created_at=NOON - timedelta(days=300))
        bench.principal = LOCAL_PRINCIPAL.model_copy(update={"user_id": "u1", "name": "ann"})
        bench.users.list = answering((local, ANN, BOB))
        bench.users.seen = answering({"u1": NOON, "u2": NOON - timedelta(hours=5)})
        for name in ("add", "update", "set_password", "remove"):
            setattr(bench.users, name, self._noting(name, BOB))
        bench.accounts = SimpleNamespace(
            ways=answering(WAYS), outbox=answering((MAIL,)), change_password=self._change
        )
        bench.oauth = SimpleNamespace(clients=answering((CLIENT,)), remove_client=self._noting("drop", None))

    def _noting(self, name: str, answer: Any) -> Callable[..., Any]:
        async def note(*args: Any, **more: Any) -> Any:
            self.calls.append((name, *args, *more.values()))
            return answer

        return note

    async def _change(self, old: str, new: str) -> None:
        if old != SECRET:
            raise InvalidError("That is not your password.", code="wrong_old_password")
        self.calls.append(("change", new))


def remote(**more: Any) -> Remote:
    engine = SimpleNamespace(
        url="https://bench.example.org:8700", place="bench.example.org:8700", is_open=False
    )
    return Remote(engine, **more)


async def sign_in(name: str, password: str) -> None:
    raise AssertionError("nobody signs in")


def said(app: HoldfastApp) -> list[str]:
    return [str(notification.message) for notification in app._notifications]


async def fill(pilot: Pilot[Any], *texts: str) -> None:
    """Types into one field after the other."""
    for text in texts:
        await pilot.press(*("space" if letter == " " else letter for letter in text))
        await pilot.press("tab")
        await pilot.pause()


# --- pictures


async def test_looking_after_people(stage: Any, pictures: Any) -> None:
    scene: Stage = stage(remote=remote(sign_in=sign_in, login="ann"))
    People(scene.bench)
    wrong: list[str] = []
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ready(pilot)
        wrong += await pictures(pilot, "whose-session", scene, LOOKS)
        for name, steps, sees in (
            ("users", ("/admin", "?seen 5m", "down"), "seen"),
            ("mail", ("/admin", "?seen 5m", "right"), "004217"),
            ("clients", ("/admin", "?seen 5m", "right", "right"), "notes.example.org"),
            ("engine", ("/admin", "?seen 5m", "left"), "registration"),
            ("add-a-user", ("/admin", "?seen 5m", "n"), "once more"),
            ("password", ("/password",), "password now"),
            ("sign-in", ("/login",), "Or your e-mail address"),
        ):
            await pilot.resize_terminal(*SMALL)
            await scene.go(pilot, *steps)
            await scene.see(pilot, sees)
            wrong += await pictures(pilot, name, scene, LOOKS if name in ("users", "mail") else LOOKS[:2])
            await scene.leave(pilot)
    assert not wrong, "\n\n".join(wrong)


# --- journeys


async def test_who_is_shut_out_signs_in_again_and_loses_no_draft(make_app: Any, until: Any) -> None:
    bench, good, tried = FakeWorkbench(), True, []
    bench.principal = LOCAL_PRINCIPAL.model_copy(update={"name": "ann", "role": Role.USER})
    met = bench.engine.status

    async def status() -> Any:
        if not good:
            raise UnauthenticatedError("The login of ann has expired.", code="key_expired")
        return await met()

    async def let_in(name: str, password: str) -> None:
        nonlocal good
        tried.append((name, password))
        if password != SECRET:
            raise UnauthenticatedError("The name or the password is wrong.", code="wrong_password")
        good = True

    bench.engine.status = status
    app = make_app(bench, remote=remote(sign_in=let_in, login="ann"))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.model.header.engine == "ready" and app.model.header.who == "ann")
        app.main.box.area.insert("a long draft")
        good = False
        app.desk.connection.broken()
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        await fill(pilot, "")
        await pilot.press(*"wrong", "enter")
        await until(pilot, lambda: tried == [("ann", "wrong")])
        assert isinstance(app.screen, FormScreen) and app.model.shut_out
        await pilot.press("ctrl+u", *("space" if one == " " else one for one in SECRET), "enter")
        await until(pilot, lambda: app.model.header.engine == "ready" and app.screen is app.main)
        assert tried[-1] == ("ann", SECRET)
        assert app.main.box.area.text == "a long draft"
        assert not app.model.shut_out and app.model.header.who == "ann"
        title = app.title + (app.sub_title or "")
        assert SECRET not in title and SECRET not in " ".join(said(app))


async def test_who_came_with_a_key_is_told_how_to_sign_in_and_not_asked(make_app: Any, until: Any) -> None:
    bench = FakeWorkbench()

    async def status() -> Any:
        raise UnauthenticatedError("The key was revoked.", code="key_revoked")

    bench.engine.status = status
    app = make_app(bench, remote=remote(sign_in=sign_in))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.model.header.engine == "failed")
        await pilot.pause()
        assert app.model.shut_out and app.screen is app.main


async def test_nobody_signs_in_to_the_engine_of_this_machine(make_app: Any, until: Any) -> None:
    app = make_app(FakeWorkbench())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.model.header.engine == "ready")
        app.command("login")
        await until(pilot, lambda: any("asks nobody to sign in" in one for one in said(app)))
        assert app.model.header.who == ""


async def test_a_password_is_changed_when_it_was_typed_twice(make_app: Any, until: Any) -> None:
    bench = FakeWorkbench()
    people = People(bench)
    app = make_app(bench)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.model.header.engine == "ready")
        app.command("password")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        await fill(pilot, SECRET, "a new secret", "another secret")
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert people.calls == [] and isinstance(app.screen, FormScreen)
        await pilot.press("ctrl+u")
        await fill(pilot, "a new secret")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: people.calls == [("change", "a new secret")])
        await until(pilot, lambda: app.screen is app.main)


async def test_users_are_added_changed_and_removed_after_a_question(make_app: Any, until: Any) -> None:
    bench = FakeWorkbench()
    people = People(bench)
    app = make_app(bench)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.model.header.engine == "ready")
        app.command("admin")
        await until(pilot, lambda: app.model.admin.users)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        await fill(pilot, "bob")
        await pilot.press("right", "tab", "tab")
        await fill(pilot, SECRET, SECRET)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: people.calls)
        assert people.calls.pop() == ("add", "bob", Role.ADMIN, SECRET, "")
        await until(pilot, lambda: app.screen.name is None and getattr(app.screen, "current", "") == "u2")
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        await fill(pilot, SECRET)
        await pilot.press(*("space" if one == " " else one for one in SECRET), "enter")
        await until(pilot, lambda: people.calls == [("set_password", "u2", SECRET)])
        await until(pilot, lambda: not isinstance(app.screen, FormScreen))
        people.calls.clear()
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert people.calls == []
        app.screen.dismiss(True)
        await until(pilot, lambda: people.calls == [("remove", "u2")])
        app.do("admin.remove", "u1")
        await until(pilot, lambda: any("another administrator" in one for one in said(app)))
        assert len(people.calls) == 1


async def test_words_that_filter_one_list_do_not_hide_the_next(make_app: Any, until: Any) -> None:
    bench = FakeWorkbench()
    People(bench)
    app = make_app(bench)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.model.header.engine == "ready")
        app.command("admin")
        await until(pilot, lambda: app.model.admin.users)
        await pilot.press("slash", *"bob", "enter")
        await until(pilot, lambda: app.screen.words == ["bob"] and app.screen.current == "u2")
        await pilot.press("right", "right")
        await until(pilot, lambda: app.screen.current == "notes" and not app.screen.words)


async def test_another_user_who_signs_in_gets_an_app_of_their_own(make_app: Any, until: Any) -> None:
    bench, asked = FakeWorkbench(), []
    ann = LOCAL_PRINCIPAL.model_copy(update={"user_id": "u1", "name": "ann"})
    bob = LOCAL_PRINCIPAL.model_copy(update={"user_id": "u2", "name": "bob", "role": Role.USER})
    bench.principal = ann
    listed = bench.sessions.list

    async def list_sessions(*args: Any, **more: Any) -> Any:
        asked.append(bench.principal.name)
        return await listed(*args, **more)

    async def let_in(name: str, password: str) -> None:
        bench.principal = {"ann": ann, "bob": bob}[name]

    bench.sessions.list = list_sessions
    app = make_app(bench, remote=remote(sign_in=let_in, login="ann"), session="last")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.model.header.engine == "ready" and "ann" in asked)
        for name in ("ann", "bob"):
            app.main.box.area.insert("for ann's own agent")
            app.model.hold("a message that waits", [])
            app.command("login", name)
            await until(pilot, lambda: isinstance(app.screen, FormScreen))
            await pilot.press("tab", *"secret", "enter")
            if name == "ann":  # the same user goes on where she was
                await until(pilot, lambda: app.screen is app.main and not app.model.outbox)
                assert app.left_to == "" and app.main.box.area.text == "for ann's own agent"
                sent = list(bench.sent) if hasattr(bench, "sent") else None
        await until(pilot, lambda: app.left_to == "bob")
    assert app.return_code == 0 and "bob" not in asked and app.model.outbox, (
        "nothing was read or sent for bob"
    )
    assert sent is None or bench.sent == sent
    begun = app.start.left_to(app.left_to)
    assert (begun.session, begun.agent, begun.model) == (None, None, None)
    assert begun.remote is not None and begun.remote.login == "bob"
