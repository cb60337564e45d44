"""`holdfast accounts`: how people sign in."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from cli_fakes import NOW, FakeDoors, FakeWorkbench

from holdfast.core.domain.accounts import AccountMode, Mail, SignInProvider, SignInWays

Cli = Callable[..., Any]


class Accounts(FakeWorkbench):
    """A workbench whose people sign in as `found` says."""

    def __init__(self) -> None:
        super().__init__()
        self.found = SignInWays(
            mode=AccountMode.NATIVE,
            registration=True,
            passwords="all",
            providers=(SignInProvider(id="native", type="native", name=""),),
        )
        self.mails: tuple[Mail, ...] = ()
        self.accounts = SimpleNamespace(ways=self._ways, outbox=self._outbox, change_password=self._change)
        self.engine.set_setting = self._set

    async def _ways(self) -> SignInWays:
        return self.found

    async def _outbox(self) -> tuple[Mail, ...]:
        return self.mails

    async def _change(self, old: str, new: str) -> None:
        self.calls.append((old, new))

    async def _set(self, key: str, value: object) -> None:
        self.calls.append((key, value))


@pytest.fixture
def accounts(fake: FakeDoors) -> Accounts:
    workbench = Accounts()
    fake.build = lambda: workbench
    return workbench


def test_the_ways_to_sign_in_are_shown(accounts: Accounts, cli: Cli) -> None:
    mode, passwords, registration = cli("accounts", "ways").out.splitlines()
    assert mode.split() == ["mode", "native"]
    assert passwords.endswith("let everybody in")
    assert "people can make accounts themselves" in registration
    assert json.loads(cli("accounts", "ways", "--json").out)["passwords"] == "all"


def test_servers_elsewhere_are_named(accounts: Accounts, cli: Cli) -> None:
    accounts.found = SignInWays(
        mode=AccountMode.OAUTH,
        registration=False,
        passwords="none",
        providers=(SignInProvider(id="corp", type="oidc", name="The firm"),),
    )
    out = cli("accounts", "ways").out
    assert "let nobody in" in out
    assert out.splitlines()[-1].split() == ["elsewhere", "The", "firm"]


def test_registration_is_switched_on_and_off(accounts: Accounts, cli: Cli) -> None:
    assert cli("accounts", "register", "on").out == "registration is on\n"
    assert cli("accounts", "register", "off").out == "registration is off\n"
    assert cli("accounts", "register", "perhaps").status == 2
    assert accounts.calls == [("accounts.registration", True), ("accounts.registration", False)]


def test_the_outbox_shows_what_to_hand_over(accounts: Accounts, cli: Cli) -> None:
    assert cli("accounts", "outbox").out == "There is nothing in the outbox.\n"
    accounts.mails = (
        Mail(
            id="m1",
            to="ann@example.org",
            subject="Your code",
            text="Your code is 271828\n\nIt holds.\n",
            at=NOW,
            reason="no mail server is set",
        ),
    )
    first, reason, *text = cli("accounts", "outbox").out.splitlines()
    assert first.startswith("ann@example.org") and first.endswith("Your code")
    assert reason == "  not sent: no mail server is set"
    assert text[0] == "  | Your code is 271828"
    assert json.loads(cli("accounts", "outbox", "--json").out)[0]["text"].startswith("Your code is 271828")


def test_ones_own_password_is_read_from_two_lines(accounts: Accounts, cli: Cli) -> None:
    outcome = cli("accounts", "password", stdin="the old one\nanother one\n")
    assert outcome.out == "changed; other logins have ended\n"
    assert accounts.calls == [("the old one", "another one")]
