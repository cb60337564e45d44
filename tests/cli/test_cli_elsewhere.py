"""Commands and the app on an engine elsewhere: keys, folders, versions."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cli_fakes import FakeDoors, FakeWorkbench, agent_of, reply

from holdfast import __version__, bootstrap
from holdfast.cli.hidden import ask_hidden
from holdfast.core.config.load import load_settings
from holdfast.core.config.paths import Paths
from holdfast.core.domain.agents import Layer
from holdfast.core.domain.errors import UnavailableError

Cli = Callable[..., Any]
URL = "https://bench.example.org:8700"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Gives the command a terminal; what is typed at the hidden prompt is given, the questions come back."""
    asked: list[str] = []

    def typed(*keys: str) -> list[str]:
        answers = list(keys)

        def ask(question: str) -> str:
            asked.append(question)
            return answers.pop(0)

        monkeypatch.setattr(getpass, "getpass", ask)
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        return asked

    return typed


@pytest.fixture
def attach(
    fake: FakeDoors,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    terminal: Callable[..., list[str]],
) -> Callable[..., Any]:
    """Runs `holdfast attach` on a terminal at which `typed` is typed; gives status, stderr and questions."""
    from holdfast.cli.main import main

    def run(*args: str, typed: tuple[str, ...] = ()) -> SimpleNamespace:
        asked = terminal(*typed)
        status = main(["attach", *args])
        return SimpleNamespace(status=status, err=capsys.readouterr().err, asked=asked)

    return run


def test_a_key_on_the_command_line_is_used_and_the_help_says_who_can_read_it(
    attach: Any, cli: Cli, fake: FakeDoors
) -> None:
    done = attach(URL, "--key", "hf_right", "--session", "last", "--project", "/srv/data", "--ca", "ca.pem")
    assert done.status == 0
    assert fake.tui == [
        {"url": URL, "key": "hf_right", "ca": "ca.pem", "session": "last", "agent": None, "model": None,
         "project": "/srv/data"}
    ]  # fmt: skip
    assert "list of processes" in " ".join(cli("attach", "--help").out.split())


def test_the_environments_key_is_used_without_asking(attach: Any, fake: FakeDoors) -> None:
    fake.environment_key = "hf_right"
    done = attach(URL)
    assert (done.status, done.asked, fake.tui[0]["key"]) == (0, [], "hf_right")


def test_a_key_is_asked_for_only_when_the_engine_wants_one(attach: Any, fake: FakeDoors) -> None:
    done = attach(URL, typed=(" hf_right ",))
    assert (done.status, done.asked) == (0, ["Key of bench.example.org:8700: "])
    assert fake.tui[0]["key"] == "hf_right"
    fake.keys = {""}
    assert attach(URL).asked == done.asked, "an engine that wants none is not asked for one"


def test_a_refused_key_opens_nothing_and_is_not_printed(attach: Any, fake: FakeDoors) -> None:
    done = attach(URL, "--key", "hf_wrong")
    assert (done.status, done.asked, fake.tui) == (1, [], [])
    assert "refused" in done.err and "hf_wrong" not in done.err
    assert attach(URL, typed=("hf_wrong",)).status == 1
    assert attach(URL, typed=("",)).status == 2


def test_a_prompt_that_is_left_ends_its_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def leave(question: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(getpass, "getpass", leave)
    with pytest.raises(KeyboardInterrupt):
        ask_hidden("Key: ")
    assert capsys.readouterr().err == "\n"


def test_the_status_of_this_machine_is_not_taken_for_that_of_another(cli: Cli, fake: FakeDoors) -> None:
    assert "this machine" not in cli("engine", "status").err
    fake.remote = SimpleNamespace(url=URL, place="bench.example.org:8700", key="hf_right", ca_file="")
    assert "this machine" in cli("engine", "status").err


def test_a_key_file_holds_one_key(attach: Any, fake: FakeDoors, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("hf_right\n")
    assert attach(URL, "--key-file", str(file)).status == 0
    assert attach(URL, "--key-file", str(file), "--key", "hf_right").status == 2
    file.write_text("not a key\n")
    assert attach(URL, "--key-file", str(file)).status == 2
    assert attach(URL, "--key-file", str(tmp_path / "none")).status == 1
    assert len(fake.tui) == 1


def test_without_an_address_there_is_nothing_to_attach_to(attach: Any, fake: FakeDoors) -> None:
    assert attach().status == 2
    fake.remote = SimpleNamespace(url=URL, place="bench.example.org:8700", key="hf_right", ca_file="")
    assert attach().status == 0
    assert fake.tui[0]["url"] == URL


def test_without_a_terminal_attach_says_so(cli: Cli, fake: FakeDoors) -> None:
    outcome = cli("attach", URL, "--key", "hf_right")
    assert (outcome.status, fake.tui, fake.knocked) == (2, [], [])
    assert "needs a terminal" in outcome.err


# --- other commands


@pytest.fixture
def remote(fake: FakeDoors) -> FakeDoors:
    """The environment names an engine elsewhere."""
    fake.remote = SimpleNamespace(url=URL, place="bench.example.org:8700", key="hf_right", ca_file="")
    return fake


def test_a_run_elsewhere_knows_nothing_of_this_folder(cli: Cli, remote: FakeDoors) -> None:
    remote.build = lambda: _bench(reply)
    assert cli("run", "general", "hello").status == 0
    assert _project(remote) == ""
    assert cli("run", "general", "hello", "--cwd", "/only/there").status == 0
    assert _project(remote) == "/only/there"


def _bench(script: Any) -> FakeWorkbench:
    bench = FakeWorkbench()
    bench.script = script
    return bench


def _project(fake: FakeDoors) -> str:
    bench = fake.workbench_used
    return str(bench.known[bench.sent[0].session_id].project)


def test_trust_is_about_a_folder_over_there(cli: Cli, remote: FakeDoors) -> None:
    assert cli("trust", "/only/there").status == 0
    assert list(remote.workbench_used.trust_words) == ["/only/there"]


def test_an_agents_file_over_there_is_not_opened_here(cli: Cli, remote: FakeDoors) -> None:
    def build() -> FakeWorkbench:
        bench = FakeWorkbench()
        bench.agent_infos["mine"] = agent_of("mine", layer=Layer.USER, path="/config/agents/mine.yaml")
        return bench

    remote.build = build
    outcome = cli("agents", "edit", "mine")
    assert outcome.status == 2
    assert "/config/agents/mine.yaml" in outcome.err and "edit it there" in outcome.err


def test_an_agents_file_of_this_machine_is_sent_there(cli: Cli, remote: FakeDoors, tmp_path: Path) -> None:
    created: list[str] = []

    def build() -> FakeWorkbench:
        bench = FakeWorkbench()

        async def create(yaml: str) -> Any:
            created.append(yaml)
            return agent_of("clerk", path="/over/there/clerk.yaml")

        bench.agents.create = create
        return bench

    remote.build = build
    (tmp_path / "clerk.yaml").write_text("name: clerk\n")
    outcome = cli("agents", "install", str(tmp_path / "clerk.yaml"))
    assert outcome.out == "installed clerk: /over/there/clerk.yaml\n"
    assert created == ["name: clerk\n"]


def test_an_engine_that_is_away_is_not_looked_for_here(cli: Cli, remote: FakeDoors) -> None:
    remote.fail = UnavailableError("The engine is not there.", details={"address": URL})
    outcome = cli("sessions", "list")
    assert outcome.status == 1
    assert "holdfast doctor" not in outcome.err


# --- versions


@pytest.mark.parametrize(
    ("version", "says"), [("99.0", "update Holdfast"), ("0.0.1", "`holdfast engine restart`")]
)
def test_an_engine_of_another_version_is_said_in_one_line(
    cli: Cli, fake: FakeDoors, version: str, says: str
) -> None:
    fake.version = version
    outcome = cli("sessions", "list")
    assert outcome.status == 0
    assert outcome.err.count("\n") == 1
    assert version in outcome.err and __version__ in outcome.err and says in outcome.err


def test_an_older_engine_elsewhere_is_not_restarted_from_here(cli: Cli, remote: FakeDoors) -> None:
    remote.version = "0.0.1"
    outcome = cli("sessions", "list")
    assert "bench.example.org:8700" in outcome.err and "restart" not in outcome.err


def test_the_same_version_is_not_worth_a_line(cli: Cli, fake: FakeDoors) -> None:
    fake.version = __version__
    assert cli("sessions", "list").err == ""


# --- the environment


@pytest.mark.parametrize(
    ("url", "key", "expected"),
    [
        ("", "", (URL, "hf_env", "env.pem")),
        (f"{URL}/", "", (URL, "hf_env", "env.pem")),
        (URL, "hf_given", (URL, "hf_given", "env.pem")),
        ("https://other.example.org", "", ("https://other.example.org", "", "")),
        ("https://other.example.org", "hf_given", ("https://other.example.org", "hf_given", "")),
    ],
)
def test_a_key_of_the_environment_goes_to_the_engine_beside_it_only(
    monkeypatch: pytest.MonkeyPatch, url: str, key: str, expected: tuple[str, str, str]
) -> None:
    for name, value in (("URL", URL), ("KEY", "hf_env"), ("CA", "env.pem")):
        monkeypatch.setenv(f"HOLDFAST_{name}", value)
    found = bootstrap.elsewhere(url, key)
    assert found is not None
    assert (found.url, found.key, found.ca_file) == expected


def test_a_key_alone_in_the_environment_is_for_the_address_that_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HOLDFAST_URL", raising=False)
    monkeypatch.setenv("HOLDFAST_KEY", "hf_env")
    assert bootstrap.elsewhere() is None
    found = bootstrap.elsewhere(URL)
    assert found is not None and found.key == "hf_env"


def test_the_variables_are_no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path)})
    environment = {"HOLDFAST_URL": URL, "HOLDFAST_KEY": "k", "HOLDFAST_CA": "c", "HOLDFAST_TUI__THEME": "x"}
    assert load_settings(paths, environment).settings.tui.theme == "x"
