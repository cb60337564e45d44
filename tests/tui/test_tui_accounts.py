"""Users, mails and clients as an administrator sees them; and whose session it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from holdfast.core.domain.accounts import AccountMode, Mail, SignInProvider, SignInWays
from holdfast.core.domain.identity import Role, User
from holdfast.core.domain.oauth import OAuthClient
from holdfast.tui.presenters.accounts import (
    LOCAL,
    REGISTRATION,
    TABS,
    AdminState,
    admin_rows,
    client_schema,
    client_views,
    counts,
    detail_lines,
    edit_schema,
    footer,
    headline,
    login_schema,
    mail_views,
    not_twice,
    note_lines,
    password_schema,
    places_of,
    secret_lines,
    user_schema,
    user_views,
)
from holdfast.tui.presenters.forms.fields import form_of
from holdfast.tui.presenters.forms.values import read_form
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.notices import hint_lines
from holdfast.tui.presenters.spans import plain
from holdfast.tui.presenters.status import Header, lefts

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOSTILE = "ev\x1b]0;pwn\x07e\nx"


def user(id: str, name: str, role: Role = Role.USER, days: int = 3, **more: Any) -> User:
    return User(id=id, name=name, role=role, created_at=NOW - timedelta(days=days), **more)


def ways(**more: Any) -> SignInWays:
    known: dict[str, Any] = {
        "mode": AccountMode.NATIVE,
        "registration": False,
        "passwords": "all",
        "providers": (SignInProvider(id="native", type="native", name=""),),
    }
    return SignInWays(**(known | more))


def state(**more: Any) -> AdminState:
    users = (
        user(LOCAL, "local", Role.ADMIN, 300),
        user("u1", "ann", Role.ADMIN, 9, email="ann@example.org", display_name="Ann Example"),
        user("u2", HOSTILE, days=1, email=HOSTILE, phone=HOSTILE),
    )
    mail = Mail(id="m1", to="bob@example.org", subject="Your code", text="The code is 004217.\nBye.",
                at=NOW - timedelta(minutes=4), reason="no mail server")  # fmt: skip
    client = OAuthClient(
        id="c1", name="Notes", redirect_uris=("https://notes.example.org/cb",), created_at=NOW
    )
    known: dict[str, Any] = {
        "users": user_views(users, {"u1": NOW - timedelta(hours=2)}, "u1"),
        "mails": mail_views((mail,)),
        "clients": client_views((client,)),
        "places": places_of(ways(), ""),
    }
    return AdminState(**(known | more))


def text_of(known: AdminState, tab: str, *words: str) -> str:
    rows = admin_rows(known, tab, list(words), 60, NOW)
    return plain([one for _, lines in rows for one in lines])


def labels(known: AdminState, tab: str, current: str | None) -> list[str]:
    return [label for _, label, _ in footer(known, tab, current)]


def test_users_are_listed_with_role_address_age_and_when_they_were_seen() -> None:
    known = state()
    assert [key for key, _ in admin_rows(known, "users", [], 60, NOW)] == ["u2", "u1", LOCAL]
    text = text_of(known, "users", "ann")
    assert "ann (you)" in text and "admin" in text
    assert "since 9d · seen 2h · ann@example.org" in text
    assert "at the machine itself" in text_of(known, "users", "local")
    assert "never seen" in plain(detail_lines(known, "users", "u2", NOW))
    assert "Ann Example" in plain(detail_lines(known, "users", "u1", NOW))
    assert [key for key, _ in admin_rows(known, "users", ["example.org"], 60, NOW)] == ["u1"]


def test_names_cannot_write_to_the_terminal() -> None:
    known = state()
    client = OAuthClient(id=HOSTILE, name=HOSTILE, redirect_uris=(HOSTILE,), scope=HOSTILE, created_at=NOW)
    mail = Mail(id="m", to=HOSTILE, subject=HOSTILE, text=HOSTILE, at=NOW, reason=HOSTILE)
    known.clients, known.mails = client_views((client,)), mail_views((mail,))
    lines = [line for tab in TABS for _, rows in admin_rows(known, tab, [], 60, NOW) for line in rows]
    lines += detail_lines(known, "users", "u2", NOW) + detail_lines(known, "mail", "m", NOW)
    lines += detail_lines(known, "clients", HOSTILE, NOW) + secret_lines(HOSTILE, "hf_secret")
    header = Header(agent="a", engine="ready", place="bench", who=HOSTILE, role="user")
    lines += lefts(header)
    assert "\x1b" not in plain(lines) and "\x07" not in plain(lines)
    assert not any("\n" in text for one in lines for text, _ in one)


def test_nobody_removes_himself_or_who_owns_the_machine() -> None:
    known = state()
    assert "remove" in labels(known, "users", "u2")
    assert "remove" not in labels(known, "users", "u1") and "remove" not in labels(known, "users", LOCAL)
    assert "password" in labels(known, "users", LOCAL)
    assert "add" in labels(known, "users", None) and "password" not in labels(known, "users", None)


def test_a_filter_that_hides_everything_says_which_key_changes_it() -> None:
    assert "/ changes the filter" in plain(note_lines(state(), "users", some=False))


def test_who_may_not_look_after_the_engine_is_offered_no_keys() -> None:
    known = AdminState(users=[], error="administrators look after the engine")
    assert [labels(known, tab, None) for tab in TABS] == [labels(AdminState(error="x"), "users", None)] * 4
    assert "add" not in labels(known, "users", None) and len(labels(known, "users", None)) == 2


def test_a_mail_that_was_not_sent_is_read_and_copied() -> None:
    known = state()
    assert "bob@example.org" in text_of(known, "mail") and "4m" in text_of(known, "mail")
    text = plain(detail_lines(known, "mail", "m1", NOW))
    assert "The code is 004217.\nBye." in text and "no mail server" in text
    assert "copy" in labels(known, "mail", "m1") and "add" not in labels(known, "mail", "m1")


def test_clients_and_the_engine_have_rows() -> None:
    known = state(registration=True)
    assert "Notes" in text_of(known, "clients") and "with a secret" in text_of(known, "clients")
    assert "https://notes.example.org/cb" in plain(detail_lines(known, "clients", "c1", NOW))
    assert {"switch", "remove", "add"} <= set(labels(known, "clients", "c1"))
    assert "registration" in text_of(known, "engine") and "off" in text_of(known, "engine")
    assert "switches it" in plain(detail_lines(known, "engine", REGISTRATION, NOW))
    assert "opens it" in plain(detail_lines(known, "engine", "models", NOW))
    assert (
        labels(known, "engine", REGISTRATION)[1] == "switch" and labels(known, "engine", "keys")[1] == "open"
    )
    assert counts(known) == {"users": "", "mail": "1", "clients": "", "engine": ""}
    assert "3 users  people can make accounts" in plain([headline(known)])


def test_the_engine_says_who_says_who_people_are() -> None:
    provider = SignInProvider(id="corp", type="oidc", name="Example Corp")
    found = places_of(
        ways(mode=AccountMode.OAUTH, passwords="none", providers=(provider,)), "mail.example.org"
    )
    about = {one.key: one for one in found}
    assert "nobody's" in about["accounts.mode"].about and "Example Corp" in about["accounts.mode"].about
    assert about["accounts.smtp_host"].says == "mail.example.org"


@pytest.mark.parametrize("tab", TABS)
def test_nothing_there_is_said(tab: str) -> None:
    assert "Reading" in plain(note_lines(AdminState(), tab, some=False))
    assert plain(note_lines(AdminState(users=[]), tab, some=False))
    assert plain(note_lines(AdminState(error="only for them"), tab, some=False)) == "only for them"
    assert note_lines(state(), tab, some=True) == []
    assert detail_lines(state(), tab, "nobody", NOW) == []


# --- forms


def test_passwords_are_typed_twice_and_unseen() -> None:
    form = form_of(password_schema(own=True))
    assert [one.name for one in form.fields] == ["old", "password", "again"]
    assert all(one.secret and one.required for one in form.fields)
    _, wrong = read_form(form, {"old": "x", "password": "short", "again": "short"})
    assert "8" in wrong["password"]
    assert not_twice({"password": "longer than 8", "again": "another one"}) == {
        "again": "The two are not the same."
    }
    assert not_twice({"password": "longer than 8", "again": "longer than 8"}) == {} == not_twice({})


def test_forms_begin_with_what_is_known() -> None:
    one = state().user("u1")
    assert one is not None
    begun = form_of(edit_schema(one)).begin()
    assert (begun["role"], begun["email"], begun["display_name"]) == (1, "ann@example.org", "Ann Example")
    assert form_of(login_schema("ann")).begin()["name"] == "ann"
    fields = {one.name: one for one in form_of(user_schema()).fields}
    assert fields["password"].secret and not fields["password"].required and not fields["name"].secret
    assert form_of(client_schema("openid")).begin()["scope"] == "openid"


# --- whose session it is


def test_the_first_line_says_whose_session_it_is_elsewhere() -> None:
    header = Header(agent="general", engine="ready", place="bench:8700", who="ann", role="user")
    lines = plain(lefts(header)).split("\n")
    assert lines[0].endswith("bench:8700 ● ann (user)")
    assert lines[-2] == "bench:8700 ● ann (user)" and lines[-1] == "bench:8700 ●"
    own = Header(agent="general", engine="ready")
    assert plain(lefts(own)).split("\n")[-1] == "engine ●"


def test_who_is_shut_out_is_told_how_to_sign_in() -> None:
    model = Model(header=Header(place="bench"))
    assert "/login" not in plain(hint_lines(model, "The key has expired."))
    model.shut_out = True
    assert "/login, or the palette, signs in   /reconnect" in plain(hint_lines(model, "The key has expired."))
