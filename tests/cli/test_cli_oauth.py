"""`holdfast oauth`: clients that are registered, and grants that were given."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from cli_fakes import NOW, FakeDoors, FakeWorkbench

from holdfast.core.domain.oauth import ALL_SCOPES, NewOAuthClient, OAuthClient, OAuthGrant

Cli = Callable[..., Any]
BACK = "https://notes.example/cb"
SECRET = "hf_" + "s" * 43
NOTES = OAuthClient(id="c-1", name="Notes", redirect_uris=(BACK,), created_at=NOW)
APP = NOTES.model_copy(
    update={"id": "c-2", "name": "App", "auth_method": "none", "consent": False, "enabled": False}
)


class Clients(FakeWorkbench):
    """A workbench with clients of OAuth."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[OAuthClient, ...] = (NOTES, APP)
        self.given: tuple[OAuthGrant, ...] = ()
        self.oauth = SimpleNamespace(
            clients=self._clients,
            add_client=self._add,
            enable_client=self._enable,
            remove_client=self._remove,
            grants=self._grants,
            end_grant=self._end,
        )

    async def _clients(self) -> tuple[OAuthClient, ...]:
        return self.rows

    async def _add(self, *asked: Any) -> NewOAuthClient:
        self.calls.append(("add", *asked))
        public = "none" in asked
        return NewOAuthClient(client=APP if public else NOTES, secret="" if public else SECRET)

    async def _enable(self, id: str, enabled: bool) -> OAuthClient:
        self.calls.append(("enable", id, enabled))
        return NOTES

    async def _remove(self, id: str) -> None:
        self.calls.append(("remove", id))

    async def _grants(self) -> tuple[OAuthGrant, ...]:
        return self.given

    async def _end(self, id: str) -> None:
        self.calls.append(("end", id))


@pytest.fixture
def clients(fake: FakeDoors) -> Clients:
    workbench = Clients()
    fake.build = lambda: workbench
    return workbench


def test_a_client_is_registered_and_its_secret_printed_once(clients: Clients, cli: Cli) -> None:
    outcome = cli("oauth", "clients", "add", "Notes", "--redirect-uri", BACK)
    assert outcome.out.splitlines() == ["client id      c-1", f"client secret  {SECRET}"]
    assert "not shown again" in outcome.err
    assert clients.calls == [("add", "Notes", (BACK,), ALL_SCOPES, "client_secret_basic", True, "")]


def test_a_client_without_a_secret_says_only_its_id(clients: Clients, cli: Cli) -> None:
    more = ("--redirect-uri", "http://127.0.0.1/a", "--no-consent", "--scope", "openid", "--id", "app")
    outcome = cli("oauth", "clients", "add", "App", "--public", "--redirect-uri", BACK, *more)
    assert (outcome.out, outcome.err) == ("client id      c-2\n", "")
    uris = (BACK, "http://127.0.0.1/a")
    assert clients.calls == [("add", "App", uris, "openid", "none", False, "app")]


def test_a_client_that_sends_its_secret_in_the_form(clients: Clients, cli: Cli) -> None:
    shown = json.loads(
        cli("oauth", "clients", "add", "N", "--redirect-uri", BACK, "--secret-in-form", "--json").out
    )
    assert (shown["secret"], shown["client"]["id"]) == (SECRET, "c-1")
    assert clients.calls[0][4] == "client_secret_post"
    assert cli("oauth", "clients", "add", "N").status == 2


def test_clients_are_listed(clients: Clients, cli: Cli) -> None:
    _, first, second = cli("oauth", "clients", "list").out.splitlines()
    assert first.split()[:6] == ["c-1", "Notes", "secret", "yes", "on", BACK]
    assert second.split()[:6] == ["c-2", "App", "public", "no", "off", BACK]
    assert [each["id"] for each in json.loads(cli("oauth", "clients", "list", "--json").out)] == [
        "c-1",
        "c-2",
    ]
    clients.rows = ()
    assert "holdfast oauth clients add" in cli("oauth", "clients", "list").out


def test_clients_are_switched_off_and_on_and_removed(clients: Clients, cli: Cli) -> None:
    assert cli("oauth", "clients", "enable", "c-1", "off").out == "Notes is off\n"
    assert cli("oauth", "clients", "enable", "c-1").out == "Notes is on\n"
    assert cli("oauth", "clients", "remove", "c-1").out == "removed c-1\n"
    assert clients.calls == [("enable", "c-1", False), ("enable", "c-1", True), ("remove", "c-1")]


def test_grants_are_listed_and_ended(clients: Clients, cli: Cli) -> None:
    assert "no program" in cli("oauth", "grants", "list").out
    clients.given = (
        OAuthGrant(
            id="g-1",
            client_id="c-1",
            client_name="Notes",
            user_id="local",
            scope="openid email",
            created_at=NOW,
            expires_at=NOW,
        ),
    )
    _, row = cli("oauth", "grants", "list").out.splitlines()
    assert row.split()[:4] == ["g-1", "Notes", "openid", "email"]
    assert json.loads(cli("oauth", "grants", "list", "--json").out)[0]["client_name"] == "Notes"
    assert cli("oauth", "grants", "end", "g-1").out == "ended g-1\n"
    assert clients.calls == [("end", "g-1")]
