"""Accounts that people make themselves, and the codes for it."""

from __future__ import annotations

import re

import pytest

from accounts.conftest import SECRET, Desk
from holdfast.core.domain.errors import ConflictError, ForbiddenError, InvalidError, RateLimitedError
from holdfast.core.domain.identity import Role, User
from holdfast.core.identity.codes import Codes


async def code_for(desk: Desk, address: str) -> str:
    """Asks for a code, and reads it in the outbox."""
    await desk.people.registration.send_code(address)
    mail = desk.people.mailer.outbox[0]
    assert mail.to == address.strip()
    found = re.search(r"\b\d{6}\b", mail.text)
    assert found is not None
    return found[0]


async def register(desk: Desk, code: str, name: str = "ann", email: str = "Ann@example.org") -> User:
    return await desk.people.registration.register(name, SECRET, email, code, "+49 30 1234")


async def test_a_code_makes_an_account_of_a_user_who_can_sign_in(desk: Desk) -> None:
    made = await register(desk, await code_for(desk, " ann@example.org "))
    assert (made.name, made.role, made.email, made.phone) == (
        "ann",
        Role.USER,
        "Ann@example.org",
        "+49 30 1234",
    )
    assert (await desk.people.sign_ins.sign_in("ann@example.org", SECRET, 60)).credential.user_id == made.id


async def test_a_code_is_for_one_use(desk: Desk) -> None:
    code = await code_for(desk, "ann@example.org")
    ann = await register(desk, code)
    await desk.accounts.remove_user(ann.id)
    with pytest.raises(InvalidError) as raised:
        await register(desk, code)
    assert raised.value.code == "wrong_code"


async def test_a_code_is_of_its_own_address(desk: Desk) -> None:
    code = await code_for(desk, "ann@example.org")
    with pytest.raises(InvalidError):
        await register(desk, code, email="eve@example.org")


async def test_a_code_holds_for_five_minutes(desk: Desk) -> None:
    code = await code_for(desk, "ann@example.org")
    desk.clock.now += 301
    with pytest.raises(InvalidError):
        await register(desk, code)


async def test_after_five_wrong_codes_the_right_one_is_none(desk: Desk) -> None:
    code = await code_for(desk, "ann@example.org")
    wrong = "000000" if code != "000000" else "000001"
    for _ in range(5):
        with pytest.raises(InvalidError):
            await register(desk, wrong)
    with pytest.raises(InvalidError):
        await register(desk, code)


async def test_what_was_wrong_beside_the_code_leaves_it_usable(desk: Desk) -> None:
    await desk.add("bea")
    code = await code_for(desk, "ann@example.org")
    with pytest.raises(ConflictError):
        await register(desk, code, name="bea")
    assert await register(desk, code)


async def test_another_code_comes_after_half_a_minute_and_is_the_only_one(desk: Desk) -> None:
    first = await code_for(desk, "ann@example.org")
    desk.clock.now += 10
    with pytest.raises(RateLimitedError) as raised:
        await desk.people.registration.send_code("ANN@example.org")
    assert raised.value.details["retry_after_s"] == pytest.approx(20)
    desk.clock.now += 20
    second = await code_for(desk, "ann@example.org")
    if second != first:  # one time of a million they are the same
        with pytest.raises(InvalidError):
            await register(desk, first)
    assert await register(desk, second)


def test_one_address_gets_so_many_codes_in_a_day(desk: Desk) -> None:
    codes = Codes(desk.clock)
    for _ in range(20):
        codes.make("ann@example.org")
        desk.clock.now += 30
    with pytest.raises(RateLimitedError):
        codes.make("ann@example.org")
    assert codes.make("bea@example.org")


def test_all_together_get_so_many_codes_at_once(desk: Desk) -> None:
    codes = Codes(desk.clock)
    for number in range(100):
        codes.make(f"{number}@example.org")
    with pytest.raises(RateLimitedError):
        codes.make("ann@example.org")


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"registration": False}, "registration_off"),
        ({"mode": "trusted_proxy"}, "accounts_elsewhere"),
        ({"mode": "oauth"}, "accounts_elsewhere"),
    ],
)
async def test_the_settings_say_whether_accounts_are_made(
    desk: Desk, values: dict[str, object], code: str
) -> None:
    sent = await code_for(desk, "ann@example.org")
    desk.set(**values)
    for refused in (desk.people.registration.send_code("bea@example.org"), register(desk, sent)):
        with pytest.raises(ForbiddenError) as raised:
            await refused
        assert raised.value.code == code


@pytest.mark.parametrize(
    ("email", "code"),
    [
        ("", "email_missing"),
        ("  ", "email_missing"),
        ("ann", "invalid_email"),
        ("ann@localhost", "invalid_email"),
        ("ann@example.org\r\nBcc: all@example.org", "invalid_email"),
        ("Ann <ann@example.org>", "invalid_email"),
        ("ann@example.org, bea@example.org", "invalid_email"),
        pytest.param("a" * 250 + "@example.org", "invalid_email", id="long"),
    ],
)
async def test_what_is_no_address_gets_no_mail(desk: Desk, email: str, code: str) -> None:
    with pytest.raises(InvalidError) as raised:
        await desk.people.registration.send_code(email)
    assert raised.value.code == code
    assert desk.people.mailer.outbox == ()


async def test_an_address_that_has_an_account_gets_no_code(desk: Desk) -> None:
    await desk.add("ann", email="ann@example.org")
    with pytest.raises(ConflictError) as raised:
        await desk.people.registration.send_code("ANN@example.org")
    assert raised.value.code == "email_exists"


async def test_nobody_takes_the_address_of_another_one_for_a_name(desk: Desk) -> None:
    code = await code_for(desk, "ann@example.org")
    with pytest.raises(InvalidError):
        await register(desk, code, name="bea@example.org")
    assert (await register(desk, code, name="ann@example.org")).name == "ann@example.org"


async def test_a_mail_that_was_not_sent_shows_its_code_to_administrators_only(desk: Desk) -> None:
    code = await code_for(desk, "ann@example.org")
    (mail,) = desk.people.mailer.outbox
    assert code not in repr(mail)
    assert "accounts.smtp_host" in mail.reason
