"""Passwords that let in, and those that do not."""

from __future__ import annotations

import pytest

from accounts.conftest import SECRET, Desk, make_people
from holdfast.core.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    RateLimitedError,
    UnauthenticatedError,
)
from holdfast.core.domain.identity import LOCAL, LOCAL_PRINCIPAL, Role, Scope
from holdfast.core.domain.values import utc_now
from holdfast.core.identity.passwords import PasswordCost
from holdfast.core.services.signing_in import WRONG_PASSWORDS, ways_of

DAY = 86_400


async def test_a_password_makes_a_login_that_lets_in(desk: Desk) -> None:
    ann = await desk.add("Ann")
    made = await desk.people.sign_ins.sign_in("Ann", SECRET, DAY)
    who = await desk.gate.authenticate(made.secret)
    assert (who.user_id, who.scope, who.role, who.key_id) == (ann.id, Scope.ADMIN, Role.USER, "")
    assert made.credential.made_by is None
    assert made.credential.expires_at is not None


@pytest.mark.parametrize("name", ["Ann", "ann", " ANN ", "ann@example.org", "Ann@Example.ORG"])
async def test_a_user_signs_in_by_name_or_address_in_whatever_case(desk: Desk, name: str) -> None:
    ann = await desk.add("Ann", email="Ann@example.org")
    assert (await desk.people.sign_ins.sign_in(name, SECRET, DAY)).credential.user_id == ann.id


@pytest.mark.parametrize("name", ["", "nobody", LOCAL], ids=["empty", "unknown", "without a password"])
async def test_who_has_no_password_is_answered_as_with_a_wrong_one(desk: Desk, name: str) -> None:
    await desk.add("ann")
    said = []
    for named in (name, "ann"):
        with pytest.raises(UnauthenticatedError) as raised:
            await desk.people.sign_ins.sign_in(named, "a wrong password", DAY)
        said.append(raised.value.info)
    assert said[0] == said[1]
    assert said[0].code == "wrong_password"


async def test_after_too_many_wrong_passwords_the_right_one_has_to_wait_too(desk: Desk) -> None:
    await desk.add("ann", email="ann@example.org")
    await desk.add("bea")
    for name in ["ann", "ann@example.org"] * (WRONG_PASSWORDS // 2):
        with pytest.raises(UnauthenticatedError):
            await desk.people.sign_ins.sign_in(name, "a wrong password", DAY)
    with pytest.raises(RateLimitedError) as raised:
        await desk.people.sign_ins.sign_in("ann", SECRET, DAY)
    assert raised.value.details["retry_after_s"] == pytest.approx(10)
    assert await desk.people.sign_ins.sign_in("bea", SECRET, DAY)
    desk.clock.now += 10
    assert await desk.people.sign_ins.sign_in("ann", SECRET, DAY)
    with pytest.raises(UnauthenticatedError):  # a right one makes good for all wrong ones before
        await desk.people.sign_ins.sign_in("ann", "a wrong password", DAY)


async def test_names_of_nobody_have_to_wait_as_well(desk: Desk) -> None:
    for _ in range(WRONG_PASSWORDS):
        with pytest.raises(UnauthenticatedError):
            await desk.people.sign_ins.sign_in("nobody", "a wrong password", DAY)
    with pytest.raises(RateLimitedError):
        await desk.people.sign_ins.sign_in("Nobody", "a wrong password", DAY)


async def test_a_hash_of_another_cost_is_made_again_at_the_next_sign_in(desk: Desk) -> None:
    ann = await desk.add("ann")
    before = await desk.passwords.of(ann.id)
    dearer = PasswordCost(rounds=2, memory_kib=8, lanes=1)
    people = make_people(desk.accounts, desk.passwords, desk.gate, desk.clock, desk.settings, dearer)
    await people.sign_ins.sign_in("ann", SECRET, DAY)
    after = await desk.passwords.of(ann.id)
    assert before is not None and after is not None
    assert "t=2" in after[0] and "t=1" in before[0]
    assert after[1] == before[1]  # the password was not set anew
    await desk.people.sign_ins.sign_in("ann", SECRET, DAY)


@pytest.mark.parametrize(
    ("mode", "role", "code"),
    [
        ("trusted_proxy", Role.USER, "passwords_of_admins"),
        ("trusted_proxy", Role.ADMIN, ""),
        ("oauth", Role.ADMIN, "passwords_off"),
    ],
)
async def test_the_mode_says_whose_passwords_let_in(desk: Desk, mode: str, role: Role, code: str) -> None:
    await desk.add("ann", role=role)
    desk.set(mode=mode)
    if not code:
        assert await desk.people.sign_ins.sign_in("ann", SECRET, DAY)
        return
    with pytest.raises(ForbiddenError) as raised:
        await desk.people.sign_ins.sign_in("ann", SECRET, DAY)
    assert raised.value.code == code


async def test_a_stranger_does_not_learn_who_is_an_administrator(desk: Desk) -> None:
    await desk.add("ann")
    desk.set(mode="trusted_proxy")
    with pytest.raises(UnauthenticatedError):
        await desk.people.sign_ins.sign_in("ann", "a wrong password", DAY)


@pytest.mark.parametrize(
    ("mode", "passwords", "registration", "providers"),
    [
        ("native", "all", True, ["native"]),
        ("trusted_proxy", "admins", False, ["native"]),
        ("oauth", "none", False, []),
    ],
)
def test_the_ways_in_are_those_of_the_mode(
    mode: str, passwords: str, registration: bool, providers: list[str]
) -> None:
    from holdfast.core.config.settings import AccountSettings

    found = ways_of(AccountSettings.model_validate({"mode": mode, "registration": True}))
    assert (found.passwords, found.registration) == (passwords, registration)
    assert [each.id for each in found.providers if each.type == "native"] == providers


async def test_a_login_ends_at_the_latest_after_thirty_days(desk: Desk) -> None:
    await desk.add("ann")
    with pytest.raises(InvalidError):
        await desk.people.sign_ins.sign_in("ann", SECRET, 31 * DAY)


async def test_another_password_ends_the_other_logins_and_lets_in_alone(desk: Desk) -> None:
    ann = await desk.add("ann")
    here, there = [await desk.people.sign_ins.sign_in("ann", SECRET, DAY) for _ in range(2)]
    await desk.gate.authenticate(there.secret)  # known, so that it has to be forgotten
    await desk.people.desk.change(ann, SECRET, "another password", here.credential.id)
    assert await desk.gate.authenticate(here.secret)
    for refused in (desk.gate.authenticate(there.secret), desk.people.sign_ins.sign_in("ann", SECRET, DAY)):
        with pytest.raises(UnauthenticatedError):
            await refused
    assert await desk.people.sign_ins.sign_in("ann", "another password", DAY)


async def test_the_old_password_has_to_be_right_and_is_counted(desk: Desk) -> None:
    ann = await desk.add("ann")
    for _ in range(WRONG_PASSWORDS):
        with pytest.raises(InvalidError) as raised:
            await desk.people.desk.change(ann, "a wrong password", "another password", None)
        assert raised.value.code == "wrong_old_password"
    with pytest.raises(RateLimitedError):
        await desk.people.desk.change(ann, SECRET, "another password", None)


async def test_who_has_no_password_cannot_change_it(desk: Desk) -> None:
    local = await desk.accounts.user(LOCAL)
    assert local is not None
    with pytest.raises(ConflictError) as raised:
        await desk.people.desk.change(local, "", "another password", None)
    assert raised.value.code == "no_password"


async def test_a_password_that_is_taken_away_lets_nobody_in(desk: Desk) -> None:
    ann = await desk.add("ann")
    made = await desk.people.sign_ins.sign_in("ann", SECRET, DAY)
    await desk.people.desk.set(ann, None, LOCAL_PRINCIPAL)
    for refused in (desk.gate.authenticate(made.secret), desk.people.sign_ins.sign_in("ann", SECRET, DAY)):
        with pytest.raises(UnauthenticatedError):
            await refused


async def test_a_password_that_changes_while_it_is_checked_lets_nobody_in(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await desk.add("ann")
    check = desk.people.sign_ins.check

    async def slow(*given: object) -> str | None:
        found = await check(*given)  # type: ignore[arg-type]
        await desk.people.desk.set(ann, "another password", LOCAL_PRINCIPAL)
        return found

    monkeypatch.setattr(desk.people.sign_ins, "check", slow)
    with pytest.raises(UnauthenticatedError):
        await desk.people.sign_ins.sign_in("ann", SECRET, DAY)
    now = utc_now()
    assert all(each.ended(now) for each in await desk.accounts.credentials(ann.id, "login"))


@pytest.mark.parametrize(
    ("name", "email", "code"),
    [
        ("ANN", "", "user_exists"),
        ("Ann@Example.org", "", "user_exists"),
        ("other", "ANN@example.org", "email_exists"),
        ("other", "carl@example.org", "email_exists"),
    ],
)
async def test_names_and_addresses_are_of_one_user(desk: Desk, name: str, email: str, code: str) -> None:
    await desk.add("ann", email="ann@example.org")
    await desk.add("carl@example.org")
    with pytest.raises(ConflictError) as raised:
        await desk.add(name, email=email)
    assert raised.value.code == code


async def test_two_users_without_an_address_are_no_conflict(desk: Desk) -> None:
    await desk.add("ann")
    await desk.add("bea")


async def test_a_removed_user_has_no_password_any_more(desk: Desk) -> None:
    ann = await desk.add("ann")
    await desk.accounts.remove_user(ann.id)
    assert await desk.passwords.of(ann.id) is None
    with pytest.raises(UnauthenticatedError):
        await desk.people.sign_ins.sign_in("ann", SECRET, DAY)
    await desk.passwords.keep(ann.id, "hash", utc_now())
    assert await desk.passwords.of(ann.id) is None


PROXY = {"mode": "trusted_proxy", "trusted_proxies": ("10.1.0.0/16", "2001:db8::7")}


@pytest.mark.parametrize("address", ["10.1.2.3", "2001:db8::7", "::ffff:10.1.2.3"])
async def test_a_trusted_proxy_names_a_user_who_may_be_new(desk: Desk, address: str) -> None:
    desk.set(**PROXY)
    made = await desk.people.proxied.login(address, "dora")
    who = await desk.gate.authenticate(made.secret)
    assert (who.name, who.role) == ("dora", Role.USER)
    again = await desk.people.proxied.login(address, "dora")
    assert again == made
    assert await desk.people.proxied.login(address, who.user_id) == made


@pytest.mark.parametrize("address", ["10.2.0.1", "", "nonsense", "2001:db8::8"])
async def test_another_address_names_nobody(desk: Desk, address: str) -> None:
    desk.set(**PROXY)
    with pytest.raises(ForbiddenError) as raised:
        await desk.people.proxied.login(address, "dora")
    assert raised.value.code == "proxy_not_trusted"
    assert await desk.accounts.user_called("dora") is None


async def test_in_another_mode_no_proxy_is_trusted(desk: Desk) -> None:
    desk.set(**{**PROXY, "mode": "native"})
    with pytest.raises(ForbiddenError):
        await desk.people.proxied.login("10.1.2.3", "dora")


@pytest.mark.parametrize("name", [LOCAL, "boss"])
async def test_a_proxy_makes_nobody_an_administrator(desk: Desk, name: str) -> None:
    await desk.add("boss", role=Role.ADMIN)
    desk.set(**PROXY)
    with pytest.raises(ForbiddenError) as raised:
        await desk.people.proxied.login("10.1.2.3", name)
    assert raised.value.code == "proxied_admin"


async def test_a_proxy_names_nobody_whose_name_cannot_be_one(desk: Desk) -> None:
    desk.set(**PROXY)
    with pytest.raises(InvalidError):
        await desk.people.proxied.login("10.1.2.3", "a\nb")


async def test_a_proxied_login_that_was_ended_is_made_anew(desk: Desk) -> None:
    desk.set(**PROXY)
    made = await desk.people.proxied.login("10.1.2.3", "dora")
    await desk.gate.change(desk.accounts.revoke(made.credential.id, utc_now()))
    again = await desk.people.proxied.login("10.1.2.3", "dora")
    assert await desk.gate.authenticate(again.secret)


async def test_a_proxied_user_who_became_an_administrator_is_refused(desk: Desk) -> None:
    desk.set(**PROXY)
    await desk.people.proxied.login("10.1.2.3", "dora")
    dora = await desk.accounts.user_called("dora")
    assert dora is not None
    await desk.accounts.change_user(dora.model_copy(update={"role": Role.ADMIN}))
    with pytest.raises(ForbiddenError):
        await desk.people.proxied.login("10.1.2.3", "dora")


async def test_pages_of_users_begin_with_the_newest(desk: Desk) -> None:
    for name in ("ann", "bea", "carl"):
        await desk.add(name)
    first = await desk.accounts.user_page(1, 2)
    assert ([each.name for each in first.users], first.total) == (["carl", "bea"], 4)
    second = await desk.accounts.user_page(2, 2)
    assert [each.name for each in second.users] == ["ann", LOCAL]
    assert (await desk.accounts.user_page(3, 2)).users == ()
