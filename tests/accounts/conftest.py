"""People who sign in, on a log of their own, with passwords whose hashes cost next to nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from holdfast.core.config.settings import AccountSettings
from holdfast.core.domain.identity import LOCAL_PRINCIPAL, Role, User
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.identity.codes import Codes
from holdfast.core.identity.passwords import Hasher, PasswordCost
from holdfast.core.services.identity import Gate
from holdfast.core.services.mailing import Mailer
from holdfast.core.services.people import PasswordDesk
from holdfast.core.services.registering import Registration
from holdfast.core.services.signing_in import Proxied, SignIns
from holdfast.core.store.accounts import Accounts
from holdfast.core.store.log import EventLog
from holdfast.core.store.passwords import PasswordTable

CHEAP = PasswordCost(rounds=1, memory_kib=8, lanes=1)
SECRET = "correct horse battery"
"""The password of whom the tests add."""


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class People:
    """What lets people in with a password, or by a proxy."""

    sign_ins: SignIns
    proxied: Proxied
    registration: Registration
    desk: PasswordDesk
    mailer: Mailer


@dataclass
class Desk:
    """Everything that accounts are made of, and their settings."""

    accounts: Accounts
    passwords: PasswordTable
    gate: Gate
    clock: Clock
    people: People
    settings: list[AccountSettings] = field(default_factory=list)

    def set(self, **values: object) -> None:
        """Changes the settings."""
        self.settings[0] = AccountSettings.model_validate({**self.settings[0].model_dump(), **values})

    async def add(self, name: str, *, role: Role = Role.USER, email: str = "") -> User:
        """Adds a user whose password is `SECRET`."""
        user = User(id=new_id(), name=name, role=role, created_at=utc_now(), email=email)
        await self.accounts.add_user(user, await self.people.desk.hash(SECRET, LOCAL_PRINCIPAL))
        return user


def make_people(
    accounts: Accounts,
    passwords: PasswordTable,
    gate: Gate,
    clock: Clock,
    settings: list[AccountSettings],
    cost: PasswordCost = CHEAP,
) -> People:
    """Returns what lets people in, as an engine has it."""

    async def found() -> AccountSettings:
        return settings[0]

    hasher, mailer = Hasher(cost), Mailer(lambda: None)
    sign_ins = SignIns(accounts, passwords, hasher, found, clock)
    return People(
        sign_ins,
        Proxied(accounts, found),
        Registration(accounts, hasher, Codes(clock), mailer, found),
        PasswordDesk(accounts, passwords, hasher, sign_ins, gate, lambda principal: None),
        mailer,
    )


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    log = await EventLog.open(tmp_path / "holdfast.db", FileBlobs(tmp_path / "blobs"), lambda text: text)
    accounts, passwords = Accounts(log.writer, log.reader), PasswordTable(log.writer, log.reader)
    gate, clock, settings = Gate(accounts), Clock(), [AccountSettings(registration=True)]
    people = make_people(accounts, passwords, gate, clock, settings)
    yield Desk(accounts, passwords, gate, clock, people, settings)
    await log.close()
