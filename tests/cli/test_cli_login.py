"""Signing in to engines elsewhere: `login`, `logout`, and `attach` with a login."""

from __future__ import annotations

import getpass
import io
import json
import os
import stat
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import FakeDoors

from holdfast import remote
from holdfast.core.config.paths import Paths
from holdfast.core.domain.errors import InvalidError
from holdfast.core.identity.kept_logins import KeptLogin, KeptLogins

Cli = Callable[..., Any]
URL = "https://bench.example.org:8700"
SECRET = "correct horse battery"
ENDS = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture
def people(fake: FakeDoors) -> FakeDoors:
    """Engines elsewhere on which ann has an account."""
    fake.people = {"ann": SECRET}
    return fake


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Gives the command a terminal at which names and hidden words are typed; the questions come back."""
    asked: list[str] = []

    def give(*hidden: str, lines: str = "") -> list[str]:
        answers = list(hidden)

        def ask(question: str) -> str:
            asked.append(question)
            return answers.pop(0)

        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        monkeypatch.setattr(getpass, "getpass", ask)
        monkeypatch.setattr(sys, "stdin", Terminal(lines))
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        return asked

    return give


def run(*args: str) -> int:
    from holdfast.cli.main import main

    return main(list(args))


# --- signing in and out


def test_a_login_is_kept_and_the_password_is_not_printed(
    people: FakeDoors, typed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = typed(SECRET)
    assert run("login", URL, "--name", "ann", "--ca", "ca.pem", "--days", "30") == 0
    assert asked == ["Password of ann at bench.example.org:8700: "]
    kept = people.kept[URL]
    assert (kept.name, kept.ca_file) == ("ann", "ca.pem")
    said = capsys.readouterr()
    assert f"signed in as ann for 30 days; `holdfast logout {URL}` ends that" in " ".join(said.err.split())
    assert SECRET not in said.err + said.out and "hf_of_ann" not in said.err + said.out


def test_without_a_terminal_the_password_is_the_first_line(cli: Cli, people: FakeDoors) -> None:
    assert cli("login", URL, "--name", "ann", stdin=f"{SECRET}\n").status == 0
    refused = cli("login", URL, stdin=f"{SECRET}\n")
    assert refused.status == 2 and "--name" in refused.err
    refused = cli("login", URL, "--name", "ann", stdin="wrong\n")
    assert refused.status == 1 and "The name or the password is wrong" in refused.err


def test_no_password_goes_over_a_line_that_others_read(people: FakeDoors, typed: Any) -> None:
    asked = typed(SECRET, SECRET)
    assert run("login", "http://bench.example.org", "--name", "ann") == 2
    assert asked == []
    assert run("login", "http://127.0.0.1:8700", "--name", "ann") == 0
    assert run("login", "http://bench.example.org", "--name", "ann", "--unencrypted") == 0


def test_logins_are_listed_and_ended(cli: Cli, people: FakeDoors) -> None:
    assert "No login is kept" in cli("login", "--list").out
    cli("login", URL, "--name", "ann", stdin=f"{SECRET}\n")
    (row,) = json.loads(cli("login", "--list", "--json").out)
    assert (row["url"], row["name"]) == (URL, "ann")
    assert "ann" in cli("login", "--list").out
    cli("login", "https://lab.example.org", "--name", "ann", stdin=f"{SECRET}\n")
    several = cli("logout")
    assert several.status == 2 and "lab.example.org" in several.err
    assert "signed out: ann at https://lab.example.org" in cli("logout", "https://lab.example.org").out
    people.told = False
    alone = cli("logout")
    assert alone.status == 0 and "lasts until it expires" in " ".join(alone.err.split())
    assert cli("logout").status == 1


# --- attach


def test_attach_uses_the_login_that_is_kept(people: FakeDoors, typed: Any) -> None:
    asked = typed(SECRET)
    run("login", URL, "--name", "ann", "--ca", "ca.pem")
    assert run("attach", URL) == 0
    assert len(asked) == 1 and people.asked_ways == 0
    assert (people.tui[0]["key"], people.tui[0]["ca"]) == ("hf_of_ann", "ca.pem")
    assert run("attach", URL, "--key", "hf_right") == 0
    assert people.tui[1]["key"] == "hf_right", "a key that is given goes before it"


def test_attach_asks_for_name_and_password_where_there_are_accounts(
    people: FakeDoors, typed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = typed(SECRET, lines="ann\n")
    assert run("attach", URL) == 0
    assert asked == ["Password of ann at bench.example.org:8700: "]
    assert "Name at bench.example.org:8700 (empty: use a key): " in capsys.readouterr().err
    assert people.tui[0]["key"] == "hf_of_ann"


def test_attach_takes_a_key_instead(people: FakeDoors, typed: Any) -> None:
    asked = typed("hf_right", lines="\n")
    assert run("attach", URL) == 0
    assert asked == ["Key of bench.example.org:8700: "]
    open_way = typed("hf_right", lines="ann\n")
    assert run("attach", "http://bench.example.org") == 0
    assert open_way[-1] == "Key of bench.example.org: ", "no password where others read it"


def test_a_login_that_is_over_is_asked_for_again(
    people: FakeDoors, typed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(SECRET, SECRET, lines="\n")
    run("login", URL, "--name", "ann")
    people.keys.discard("hf_of_ann")
    capsys.readouterr()
    assert run("attach", URL) == 0
    said = capsys.readouterr().err
    assert "your login at bench.example.org:8700 is over" in said
    assert "Name at bench.example.org:8700 [ann]: " in said
    assert people.tui[0]["key"] == "hf_of_ann"


# --- what is kept


class Ring:
    def __init__(self) -> None:
        self.secrets: dict[tuple[str, str], str] = {}

    def get(self, service: str, name: str) -> str | None:
        return self.secrets.get((service, name))

    def set(self, service: str, name: str, secret: str) -> None:
        self.secrets[service, name] = secret

    def delete(self, service: str, name: str) -> None:
        self.secrets.pop((service, name), None)


@pytest.mark.parametrize("ring", [None, Ring()], ids=["file", "keyring"])
def test_a_secret_is_kept_by_address_where_nobody_else_reads(tmp_path: Path, ring: Ring | None) -> None:
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path)})
    logins = KeptLogins(paths, ring)
    assert (logins.all(), logins.get(URL), logins.secret(URL)) == ((), None, None)
    login = KeptLogin(URL, "ann", "c1", ENDS, "ca.pem")
    logins.keep(login, "hf_one")
    logins.keep(login, "hf_two")
    assert (logins.all(), logins.secret(URL)) == ((login,), "hf_two")
    assert logins.secret("https://other.example.org") is None
    assert "hf_two" not in paths.logins.read_text()
    private = [paths.logins, *([paths.login_secrets] if ring is None else [])]
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in private)
    assert paths.login_secrets.exists() is (ring is None)
    logins.forget(URL)
    assert (logins.all(), logins.secret(URL)) == ((), None)


def test_a_damaged_file_says_what_to_do(tmp_path: Path) -> None:
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path)})
    paths.config.mkdir()
    paths.logins.write_text('[{"url": 1}]')
    with pytest.raises(InvalidError, match="sign in again"):
        KeptLogins(paths, None).all()


def test_a_kept_login_is_shown_to_its_address_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOLDFAST_URL", "HOLDFAST_KEY", "HOLDFAST_CA", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))
    monkeypatch.setattr("holdfast.core.identity.keys.find_keyring", lambda environ: None)
    logins = KeptLogins(Paths.resolve(os.environ), None)
    logins.keep(KeptLogin(URL, "ann", "c1", ENDS, "ca.pem"), "hf_ann")
    found = remote.elsewhere("https://Bench.example.org:8700/")
    assert found is not None
    assert (found.key, found.login, found.ca_file) == ("hf_ann", "ann", "ca.pem")
    assert "hf_ann" not in repr(found)
    others = (
        "http://bench.example.org:8700",
        "https://bench.example.org",
        "https://bench.example.org:8700/x",
    )
    for other in others:
        elsewhere = remote.elsewhere(other)
        assert elsewhere is not None and (elsewhere.key, elsewhere.login) == ("", "")
    given = remote.elsewhere(URL, "hf_given")
    assert given is not None and (given.key, given.login, given.ca_file) == ("hf_given", "", "")
    monkeypatch.setenv("HOLDFAST_URL", URL)
    assert (named := remote.elsewhere()) is not None and named.login == "ann"
    monkeypatch.setenv("HOLDFAST_KEY", "hf_env")
    assert (named := remote.elsewhere()) is not None and (named.key, named.login) == ("hf_env", "")
    assert [one.name for one in remote.kept_logins()] == ["ann"]
