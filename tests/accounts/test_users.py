"""Users as administrators look after them, and as they look after themselves."""

from __future__ import annotations

from typing import Any

import pytest
from tests.runs.conftest import open_bench

from accounts.conftest import SECRET
from holdfast.core.config.settings import AccountSettings
from holdfast.core.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnauthenticatedError,
)
from holdfast.core.domain.identity import LOCAL, Role, Scope
from holdfast.core.domain.limits import Budget

__all__ = ["open_bench"]

HOW: dict[str, Any] = {"public_url": "https://example.org", "trusted_proxies": ("10.9.8.7",)}
"""Settings of accounts."""


@pytest.fixture
def door() -> str:
    return "local"


async def test_a_user_is_added_with_all_that_is_known_of_him(open_bench: Any) -> None:
    async with open_bench() as bench:
        users, accounts = bench.workbench.users, bench.workbench.accounts
        made = await users.add("ann", Role.ADMIN, SECRET, " Ann@example.org ", "+49 30")
        assert (made.email, made.phone, made.role) == ("Ann@example.org", "+49 30", Role.ADMIN)
        assert (await users.list())[-1] == made
        view = bench.workbench.as_principal(
            await bench.workbench.authenticate((await accounts.sign_in("ann", SECRET)).secret)
        )
        assert await view.accounts.me() == made
        assert [each.name for each in await view.accounts.names()] == [LOCAL, "ann"]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"password": "short"}, "weak_password"),
        ({"email": "no address"}, "invalid_email"),
        ({"phone": "call me"}, "invalid_phone"),
    ],
)
async def test_what_cannot_be_is_refused_and_adds_nobody(
    open_bench: Any, values: dict[str, str], code: str
) -> None:
    async with open_bench() as bench:
        with pytest.raises(InvalidError) as raised:
            await bench.workbench.users.add("ann", **values)
        assert raised.value.code == code
        assert len(await bench.workbench.users.list()) == 1


async def test_what_is_left_out_of_a_change_stays(open_bench: Any) -> None:
    async with open_bench() as bench:
        users = bench.workbench.users
        await users.add("ann", email="ann@example.org", phone="1")
        changed = await users.update("ann", display_name=" Ann\nE. ", phone="")
        assert (changed.email, changed.phone) == ("ann@example.org", "")
        assert "\n" not in changed.display_name
        assert (await users.list())[-1] == changed
        again = await users.update(changed.id, email="ANN@example.org")  # one's own address in another case
        assert again.email == "ANN@example.org"


async def test_a_change_takes_nothing_that_is_another_users(open_bench: Any) -> None:
    async with open_bench() as bench:
        users = bench.workbench.users
        await users.add("ann", email="ann@example.org")
        await users.add("bea@example.org")
        for email in ("Ann@example.org", "BEA@example.org"):
            with pytest.raises(ConflictError) as raised:
                await users.update(LOCAL, email=email)
            assert raised.value.code == "email_exists"
        with pytest.raises(NotFoundError):
            await users.update("nobody", email="x@example.org")


async def test_the_local_user_stays_and_stays_an_administrator(open_bench: Any) -> None:
    async with open_bench() as bench:
        users = bench.workbench.users
        await users.add("ann", Role.ADMIN)
        for refused in (users.update(LOCAL, role=Role.USER), users.remove(LOCAL)):
            with pytest.raises(ConflictError) as raised:
                await refused
            assert raised.value.code == "local_user"
        await users.remove("ann")
        assert [each.role for each in await users.list()] == [Role.ADMIN]


async def test_who_is_no_administrator_any_more_has_lost_it_at_once(open_bench: Any) -> None:
    async with open_bench() as bench:
        host = bench.workbench
        await host.users.add("ann", Role.ADMIN, SECRET)
        secret = (await host.accounts.sign_in("ann", SECRET)).secret
        assert (await host.authenticate(secret)).is_admin
        await host.users.update("ann", role=Role.USER)
        principal = await host.authenticate(secret)
        assert not principal.is_admin
        with pytest.raises(ForbiddenError):
            await host.as_principal(principal).users.list()


async def test_a_password_of_an_administrator_ends_the_logins_and_not_the_keys(open_bench: Any) -> None:
    async with open_bench() as bench:
        host = bench.workbench
        await host.users.add("ann", password=SECRET)
        login = (await host.accounts.sign_in("ann", SECRET)).secret
        key = (await host.keys.create("k", user="ann")).secret
        await host.users.set_password("ann", "another password")
        with pytest.raises(UnauthenticatedError):
            await host.authenticate(login)
        assert (await host.authenticate(key)).name == "ann"
        assert await host.accounts.sign_in("ann", "another password")


async def test_who_is_removed_is_gone_and_the_name_is_free(open_bench: Any) -> None:
    async with open_bench() as bench:
        host = bench.workbench
        first = await host.users.add("ann", password=SECRET, email="ann@example.org")
        secret = (await host.accounts.sign_in("ann", SECRET)).secret
        principal = await host.authenticate(secret)
        await host.users.remove("ann")
        with pytest.raises(UnauthenticatedError):
            await host.authenticate(secret)
        with pytest.raises(NotFoundError):
            await host.as_principal(principal).accounts.me()
        second = await host.users.add("ann", email="ann@example.org")
        assert second.id != first.id
        with pytest.raises(UnauthenticatedError):
            await host.accounts.sign_in("ann", SECRET)


async def test_a_key_with_limits_lets_nobody_in_without_them(open_bench: Any) -> None:
    async with open_bench() as bench:
        host = bench.workbench
        await host.users.add("root", Role.ADMIN)
        made = await host.keys.create("limited", Scope.ADMIN, user="root")
        await host.usage.set_limit("key", made.credential.id, budgets=(Budget(amount=1),))
        view = host.as_principal(await host.authenticate(made.secret))
        for refused in (
            view.users.add("ann", Role.ADMIN, SECRET),
            view.users.set_password("root", SECRET),
            view.accounts.proxied("127.0.0.1", "ann"),
        ):
            with pytest.raises(ForbiddenError) as raised:
                await refused
            assert raised.value.code == "limited_key"
        assert await view.users.add("bea")


async def test_nobody_but_administrators_looks_after_users(open_bench: Any) -> None:
    async with open_bench() as bench:
        host = bench.workbench
        await host.users.add("ann", password=SECRET)
        view = host.as_principal(await host.authenticate((await host.accounts.sign_in("ann", SECRET)).secret))
        for look in ("users.page", "accounts.outbox"):
            noun, verb = look.split(".")
            with pytest.raises(ForbiddenError):
                await getattr(getattr(view, noun), verb)()
        with pytest.raises(ForbiddenError):
            await view.users.update("ann", role=Role.ADMIN)
        with pytest.raises(ForbiddenError):
            await view.users.set_password(LOCAL, SECRET)
        with pytest.raises(ForbiddenError):
            await view.accounts.proxied("127.0.0.1", "bea")


async def test_who_showed_a_login_or_a_key_was_seen(open_bench: Any) -> None:
    async with open_bench() as bench:
        made = await bench.workbench.users.add("ann", password=SECRET)
        await bench.workbench.users.add("ben")
        assert await bench.workbench.users.seen() == {}
        login = await bench.workbench.accounts.sign_in("ann", SECRET)
        view = bench.workbench.as_principal(await bench.workbench.authenticate(login.secret))
        assert set(await bench.workbench.users.seen()) == {made.id}
        with pytest.raises(ForbiddenError):
            await view.users.seen()


async def test_who_is_no_administrator_is_not_told_how_people_sign_in(open_bench: Any) -> None:
    async with open_bench(more_settings={"accounts": HOW}) as bench:
        users, accounts = bench.workbench.users, bench.workbench.accounts
        await users.add("ann", Role.USER, SECRET)
        ann = await bench.workbench.authenticate((await accounts.sign_in("ann", SECRET)).secret)
        shown = (await bench.workbench.as_principal(ann).engine.settings()).accounts
        assert shown == AccountSettings(public_url=HOW["public_url"])
        assert (await bench.workbench.engine.settings()).accounts.trusted_proxies == HOW["trusted_proxies"]
