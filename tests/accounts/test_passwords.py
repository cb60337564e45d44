"""Hashes of passwords, and how many are made at once."""

from __future__ import annotations

import asyncio

import pytest

from accounts.conftest import CHEAP
from holdfast.core.domain.errors import InvalidError, RateLimitedError
from holdfast.core.identity import passwords
from holdfast.core.identity.passwords import Hasher, PasswordCost


async def test_a_password_fits_its_own_hash_only() -> None:
    hasher = Hasher(CHEAP)
    hash = await hasher.hash("correct horse battery")
    assert hash.startswith("$argon2id$")
    assert await hasher.fits(hash, "correct horse battery")
    assert not await hasher.fits(hash, "correct horse batter")
    assert not await hasher.fits("no hash at all", "correct horse battery")


async def test_each_hash_has_a_salt_of_its_own() -> None:
    hasher = Hasher(CHEAP)
    assert await hasher.hash("correct horse battery") != await hasher.hash("correct horse battery")


async def test_letters_are_the_same_however_they_are_put_together() -> None:
    hasher = Hasher(CHEAP)
    assert await hasher.fits(
        await hasher.hash("Gru\u0308\u00dfe aus K\u00f6ln"), "Gr\u00fc\u00dfe aus Ko\u0308ln"
    )


async def test_where_nobody_has_a_password_the_work_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher, compared = Hasher(CHEAP), []
    same = hasher._same
    monkeypatch.setattr(hasher, "_same", lambda *given: compared.append(given) or same(*given))
    assert not await hasher.fits(None, "correct horse battery")
    assert [password for hash, password in compared if hash.startswith("$argon2id$")] == [
        "correct horse battery"
    ]


async def test_a_hash_of_another_cost_is_outdated() -> None:
    hash = await Hasher(CHEAP).hash("correct horse battery")
    assert not Hasher(CHEAP).outdated(hash)
    assert Hasher(PasswordCost(rounds=2, memory_kib=8, lanes=1)).outdated(hash)


@pytest.mark.parametrize("password", ["", "seven77", "x" * 257], ids=["empty", "short", "long"])
async def test_a_password_has_eight_to_256_characters(password: str) -> None:
    with pytest.raises(InvalidError) as raised:
        await Hasher(CHEAP).hash(password)
    assert raised.value.code == "weak_password"


async def test_a_long_password_is_wrong_without_work() -> None:
    hasher = Hasher(CHEAP)
    hash = await hasher.hash("x" * 256)
    assert not await hasher.fits(hash, "x" * 257)


async def test_when_too_many_wait_the_next_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_WAITING", 3)
    hasher = Hasher(CHEAP)
    made = await asyncio.gather(
        *(hasher.hash("correct horse battery") for _ in range(5)), return_exceptions=True
    )
    assert [type(each) for each in made].count(RateLimitedError) == 2
    assert await hasher.hash("correct horse battery")  # and then there is room again
