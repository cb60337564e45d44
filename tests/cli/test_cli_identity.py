"""`holdfast keys create|list|revoke` and `holdfast users`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from cli_fakes import NOW, FakeDoors, FakeWorkbench

from holdfast.core.domain.errors import ForbiddenError, NotFoundError
from holdfast.core.domain.identity import (
    LOCAL_PRINCIPAL,
    Credential,
    NewCredential,
    Principal,
    Role,
    Scope,
    User,
)
from holdfast.core.domain.limits import Allowance, LimitState

Cli = Callable[..., Any]
SECRET = "hf_" + "s" * 43
ANN = User(id="u-1", name="ann", role=Role.USER, created_at=NOW)


def key(id: str = "0123456789", name: str = "ci", **more: Any) -> Credential:
    fields = {"kind": "key", "user_id": "u-1", "scope": Scope.CHAT, "last_four": "abcd", "created_at": NOW}
    return Credential.model_validate({"id": id, "name": name, **fields, **more})


class Accounts(FakeWorkbench):
    """A workbench with users and keys."""

    def __init__(self) -> None:
        super().__init__()
        self.me: Principal = LOCAL_PRINCIPAL
        self.rows: tuple[Credential, ...] = ()
        self.limits: tuple[LimitState, ...] = ()
        self.usage = SimpleNamespace(limits=self._limits)
        self.keys.create = self._create_key
        self.keys.list = self._keys
        self.keys.revoke = self._revoke
        self.users = SimpleNamespace(
            me=self._me,
            list=self._users,
            seen=self._seen,
            add=self._add,
            remove=self._remove,
            update=self._update,
            set_password=self._set_password,
        )

    async def _limits(self, all_users: bool = False) -> tuple[LimitState, ...]:
        if all_users and not self.me.is_admin:
            raise ForbiddenError("only for administrators")
        return self.limits

    async def _me(self) -> Principal:
        return self.me

    async def _create_key(self, name: str, scope: Scope, expires_s: int | None, user: str | None) -> Any:
        self.calls.append(("create", name, scope, expires_s, user))
        return NewCredential(credential=key(name=name, scope=scope), secret=SECRET)

    async def _keys(self) -> tuple[Credential, ...]:
        return self.rows

    async def _revoke(self, id: str) -> Credential:
        self.calls.append(("revoke", id))
        if id == "none":
            raise NotFoundError("There is no key none.")
        return key(name="ci", revoked_at=NOW)

    async def _users(self) -> tuple[User, ...]:
        if not self.me.is_admin:
            raise ForbiddenError("only for administrators")
        return (User(id="local", name="local", role=Role.ADMIN, created_at=NOW), ANN)

    async def _seen(self) -> dict[str, datetime]:
        return {ANN.id: NOW}

    async def _add(self, name: str, role: Role, **more: Any) -> User:
        self.calls.append(("add", name, role, *(value for value in more.values() if value)))
        return ANN.model_copy(update={"name": name, "role": role})

    async def _update(self, name: str, **more: Any) -> User:
        self.calls.append(("update", name, {key: value for key, value in more.items() if value is not None}))
        return ANN

    async def _set_password(self, name: str, password: str | None) -> None:
        self.calls.append(("password", name, password))

    async def _remove(self, name: str) -> None:
        self.calls.append(("remove", name))


@pytest.fixture
def accounts(fake: FakeDoors) -> Accounts:
    workbench = Accounts()
    fake.build = lambda: workbench
    return workbench


def test_a_new_key_alone_is_on_stdout_and_its_use_beside_it(accounts: Accounts, cli: Cli) -> None:
    outcome = cli("keys", "create", "laptop")
    assert outcome.out == f"{SECRET}\n"
    assert "Authorization: Bearer" in outcome.err
    assert "not shown again" in outcome.err
    assert SECRET not in outcome.err
    assert accounts.calls == [("create", "laptop", Scope.CHAT, None, None)]


def test_scope_expiry_and_user_are_handed_on(accounts: Accounts, cli: Cli) -> None:
    options = ("--scope", "admin", "--expires", "90d", "--user", "ann")
    shown = json.loads(cli("keys", "create", "ci", *options, "--json").out)
    assert shown["secret"] == SECRET
    assert shown["credential"]["name"] == "ci"
    assert accounts.calls == [("create", "ci", Scope.ADMIN, 90 * 86_400, "ann")]


@pytest.mark.parametrize(
    "wrong", [("--scope", "all"), ("--expires", "soon"), ("--expires", "-1d"), ("--expires", "5")]
)
def test_a_scope_or_an_expiry_that_is_none_is_wrong_usage(
    accounts: Accounts, cli: Cli, wrong: tuple[str, str]
) -> None:
    assert cli("keys", "create", "ci", *wrong).status == 2
    assert accounts.calls == []


def test_keys_are_listed_with_all_but_the_secret(accounts: Accounts, cli: Cli) -> None:
    now = datetime.now(UTC)
    days = (now + timedelta(days=3)).astimezone()
    accounts.rows = (
        key(last_used_at=NOW),
        key("1123456789", "old", revoked_at=NOW),
        key("2123456789", "gone", user_id="u-2", expires_at=NOW - timedelta(days=1)),
        key("3123456789", "later", user_id="local", expires_at=days),
        key("4123456789", "today", expires_at=now + timedelta(hours=3, seconds=30)),
        key("5123456789", "soon", expires_at=now + timedelta(minutes=90, seconds=30)),
    )
    header, first, second, third, fourth, fifth, sixth = cli("keys", "list").out.splitlines()
    heads = "ID NAME USER SCOPE KEY CREATED LAST USED LIMITS STATE"
    assert header.split() == heads.split()
    assert first.split()[:5] == ["01234567", "ci", "ann", "chat", "…abcd"]
    assert first.endswith("valid")
    assert "never" in second and "revoked" in second
    assert "u-2" in third and third.endswith("expired")
    assert " local " in fourth and fourth.endswith(f"until {days:%Y-%m-%d}")
    assert fifth.endswith("3h left") and sixth.endswith("90m left")
    listed = json.loads(cli("keys", "list", "--json").out)
    assert [each["name"] for each in listed] == ["ci", "old", "gone", "later", "today", "soon"]
    assert "secret" not in json.dumps(listed)


def test_a_key_is_listed_with_its_tier_and_budgets(accounts: Accounts, cli: Cli) -> None:
    accounts.rows = (key(), key("1123456789", "free"))
    allowances = (
        Allowance(period="minute", unit="requests", limit=9, used=1, left=8),
        Allowance(period="day", unit="usd", limit=5, used=1.5, left=3.5),
        Allowance(period="total", unit="credits", limit=2000, used=0, left=2000),
    )
    same = LimitState(kind="agent", subject="1123456789", owner="u-1", tier="wrong")
    limit = LimitState(kind="key", subject="0123456789", owner="u-1", tier="free", allowances=allowances)
    accounts.limits = (same, limit)
    _, first, second = cli("keys", "list").out.splitlines()
    assert "tier free, $3.50 of $5.00 a day, 2,000 credits of 2,000 credits in total" in first
    assert "tier" not in second
    one, two = json.loads(cli("keys", "list", "--json").out)
    assert (one["tier"], one["allowances"][1]["left"], one["name"]) == ("free", 3.5, "ci")
    assert (two["tier"], two["allowances"]) == (None, [])


def test_without_keys_it_is_said_how_to_make_one(accounts: Accounts, cli: Cli) -> None:
    assert "holdfast keys create NAME" in cli("keys", "list").out


def test_who_is_no_administrator_sees_his_own_keys_without_asking_for_users(
    accounts: Accounts, cli: Cli
) -> None:
    accounts.me = Principal(user_id="u-1", name="ann", role=Role.USER, scope=Scope.ADMIN)
    accounts.rows = (key(),)
    assert " ann " in cli("keys", "list").out


@pytest.mark.parametrize(
    ("named", "asked"),
    [
        ("ci", "ci"),
        ("0123456789", "0123456789"),
        ("01234567", "0123456789"),
        ("11234567", "11234567"),
        ("0123", "0123"),
    ],
)
def test_a_key_is_revoked_by_name_id_or_the_start_of_one_that_is_valid(
    accounts: Accounts, cli: Cli, named: str, asked: str
) -> None:
    accounts.rows = (key(), key("1123456789", revoked_at=NOW))
    outcome = cli("keys", "revoke", named)
    assert outcome.out == "revoked ci (…abcd)\n"
    assert accounts.calls == [("revoke", asked)]


def test_a_start_that_two_keys_have_names_none_of_them(accounts: Accounts, cli: Cli) -> None:
    accounts.rows = (key("0123456789"), key("0123456780"))
    cli("keys", "revoke", "012345678")
    assert accounts.calls == [("revoke", "012345678")]


def test_a_key_that_is_not_there_is_an_error(accounts: Accounts, cli: Cli) -> None:
    outcome = cli("keys", "revoke", "none")
    assert outcome.status == 1
    assert "There is no key none." in outcome.err


def test_users_are_added_listed_and_removed(accounts: Accounts, cli: Cli) -> None:
    out = cli("users", "add", "Bob B", "--role", "admin").out
    assert "added Bob B (admin)" in out
    assert "holdfast keys create NAME --user 'Bob B'" in out
    assert json.loads(cli("users", "add", "eve", "--json").out)["role"] == "user"
    header, local, ann = cli("users", "list").out.splitlines()
    assert header.split() == ["NAME", "ROLE", "EMAIL", "ID", "SINCE", "SEEN"]
    assert local.split()[:3] == ["local", "admin", "local"]
    assert ann.split()[:3] == ["ann", "user", "u-1"]
    assert [each["name"] for each in json.loads(cli("users", "list", "--json").out)] == ["local", "ann"]
    assert cli("users", "remove", "ann").out == "removed ann\n"
    assert accounts.calls == [("add", "Bob B", Role.ADMIN), ("add", "eve", Role.USER), ("remove", "ann")]


def test_a_user_gets_an_address_and_a_password_from_stdin(accounts: Accounts, cli: Cli) -> None:
    options = ("--email", "ann@example.org", "--phone", "+1", "--password")
    outcome = cli("users", "add", "ann", *options, stdin="pass of ann \n")
    assert outcome.out == "added ann (user)\n"
    assert accounts.calls == [("add", "ann", Role.USER, "pass of ann ", "ann@example.org", "+1")]


def test_a_user_is_changed_and_gets_another_password_or_none(accounts: Accounts, cli: Cli) -> None:
    assert cli("users", "edit", "ann", "--role", "admin", "--email", "").out == "changed ann\n"
    assert "new password" in cli("users", "password", "ann", stdin="another password\n").out
    assert "no password any more" in cli("users", "password", "ann", "--none").out
    assert accounts.calls == [
        ("update", "ann", {"role": Role.ADMIN, "email": ""}),
        ("password", "ann", "another password"),
        ("password", "ann", None),
    ]


def test_a_role_that_is_none_is_wrong_usage(accounts: Accounts, cli: Cli) -> None:
    assert cli("users", "add", "bob", "--role", "king").status == 2
    assert accounts.calls == []
