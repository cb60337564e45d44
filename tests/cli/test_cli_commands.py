"""The commands beside `run`: listings, JSON, ids, refusals."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import (
    NOW,
    FakeDoors,
    FakeWorkbench,
    agent_of,
    approval_of,
    run_row,
    session_of,
)

from holdfast.cli.commands.sessions import as_query
from holdfast.core.domain.agents import Layer
from holdfast.core.domain.approvals import ApprovalStatus, Decision
from holdfast.core.domain.confinement import Guard, Protection
from holdfast.core.domain.errors import Diagnostic, UnavailableError
from holdfast.core.domain.files import FileEntry
from holdfast.core.domain.models import ModelInfo
from holdfast.core.domain.runs import RunStatus, SearchHit
from holdfast.core.domain.status import CheckResult
from holdfast.core.domain.tools import Question

Cli = Callable[..., Any]
MISTAKE = Diagnostic(
    file="a.yaml", line=3, column=5, key_path="modle", message="unknown key", hint="did you mean `model`?"
)


@pytest.fixture
def bench(fake: FakeDoors) -> FakeWorkbench:
    """One workbench with something of everything, used by all commands of a test."""
    workbench = FakeWorkbench()
    workbench.known = {
        "aaaaaaaa-1": session_of("aaaaaaaa-1", title="Q3 \x1b[31mreport", status=RunStatus.COMPLETED),
        "aaaaaaaa-2": session_of("aaaaaaaa-2", title="Refactor", pending=2, messages=9),
        "bbbbbbbb-3": session_of("bbbbbbbb-3", title="Hello"),
    }
    workbench.listed_approvals = [
        approval_of("11111111-a"),
        approval_of("22222222-b", tool="run_command", subject="rm\x9b -rf\nx"),
        approval_of("33333333-c", status=ApprovalStatus.DENIED),
    ]
    workbench.open_questions = {
        "44444444-d": (
            Question(
                id="44444444-d", session_id="s", run_id="r", call_id="c", text="Which?", choices=("a", "b")
            ),
            None,
        )
    }
    workbench.run_rows = [run_row("run-new"), run_row("run-old", RunStatus.FAILED)]
    workbench.file_rows = [
        FileEntry(path="report.md", size=2150, state="created", modified_at=NOW),
        FileEntry(path="\x1b[31mred", size=5, state="deleted"),
    ]
    workbench.model_rows = [
        ModelInfo(name="offline", provider="holdfast"),
        ModelInfo(
            name="openai/gpt-4o",
            provider="openai",
            context_window=128_000,
            input_usd_per_million=2.5,
            output_usd_per_million=10,
            available=False,
        ),
    ]
    workbench.provider_keys = {"openai": "keyring"}
    workbench.hits = [
        SearchHit(
            session_id="aaaaaaaa-1",
            session_title="Q3",
            event_id=5,
            role="assistant",
            excerpt="the \x02sales\x03 \x1b[31m rose",
            at=NOW,
        )
    ]
    fake.build = lambda: workbench
    return workbench


LISTINGS = [
    (("agents", "list"), list),
    (("agents", "show", "general"), dict),
    (("agents", "schema"), dict),
    (("agents", "available"), list),
    (("sessions", "list"), list),
    (("sessions", "show", "bbbb"), dict),
    (("sessions", "search", "sales"), list),
    (("approvals", "list"), list),
    (("approvals", "show", "1111"), dict),
    (("approvals", "rules"), dict),
    (("approvals", "questions"), list),
    (("files", "list", "last"), list),
    (("models", "list"), list),
    (("keys", "provider", "list"), dict),
    (("engine", "status"), dict),
    (("doctor",), list),
    (("trust",), dict),
]


@pytest.mark.parametrize(
    ("args", "kind"), LISTINGS, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_every_listing_has_json_and_a_form_for_people(
    bench: FakeWorkbench, cli: Cli, args: tuple[str, ...], kind: type
) -> None:
    as_json = args if args == ("agents", "schema") else (*args, "--json")
    outcome = cli(*as_json)
    assert outcome.status == 0, outcome.err
    assert isinstance(json.loads(outcome.out), kind)
    assert not set("\x1b\x9b") & set(outcome.out)
    outcome = cli(*args)
    assert outcome.status == 0
    assert not set("\x1b\x9b") & set(outcome.out + outcome.err)


@pytest.mark.parametrize("args", [args for args, _ in LISTINGS if args[-1] == "list"], ids=" ".join)
def test_an_empty_listing_says_so_and_is_empty_json(fake: FakeDoors, cli: Cli, args: tuple[str, ...]) -> None:
    def build() -> FakeWorkbench:
        workbench = FakeWorkbench()
        workbench.known = {"s": session_of("s")} if args[0] == "files" else {}
        workbench.agent_infos = {}
        return workbench

    fake.build = build
    args = (*args, "last") if args[0] == "files" else args
    assert cli(*args).out.strip()
    assert json.loads(cli(*args, "--json").out) in ([], {})


def test_json_of_a_listing_is_the_domain_object(bench: FakeWorkbench, cli: Cli) -> None:
    listed = json.loads(cli("sessions", "list", "--json").out)
    assert listed == [s.model_dump(mode="json") for s in bench.known.values()]


def test_a_listing_fits_the_width_of_the_terminal(
    bench: FakeWorkbench, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("sessions", "list")  # the fixture has taken COLUMNS away until here
    monkeypatch.setenv("COLUMNS", "44")
    lines = cli("sessions", "list").out.splitlines()
    assert max(map(len, lines)) <= 44
    assert len(lines) == 4


def test_ids_in_a_listing_are_as_long_as_they_must_be(bench: FakeWorkbench, cli: Cli) -> None:
    lines = cli("sessions", "list").out.splitlines()
    assert [line.split()[0] for line in lines] == ["ID", "aaaaaaaa-1", "aaaaaaaa-2", "bbbbbbbb-3"]


def test_a_start_that_is_not_unique_is_refused_with_the_candidates(bench: FakeWorkbench, cli: Cli) -> None:
    outcome = cli("sessions", "show", "aaaa")
    assert outcome.status == 2
    assert "aaaaaaaa-1, aaaaaaaa-2" in outcome.err


def test_an_unknown_id_names_the_listing(bench: FakeWorkbench, cli: Cli) -> None:
    outcome = cli("sessions", "show", "zzz")
    assert outcome.status == 1
    assert "`holdfast sessions list`" in outcome.err


def test_an_unknown_command_names_the_nearest(fake: FakeDoors, cli: Cli) -> None:
    outcome = cli("sesions", "list")
    assert outcome.status == 2
    assert "'sessions'" in outcome.err


# --- sessions


def test_show_tells_runs_and_what_waits(bench: FakeWorkbench, cli: Cli) -> None:
    bench.listed_approvals.append(approval_of("77777777-x", "bbbbbbbb-3"))
    out = cli("sessions", "show", "bbb").out
    assert "run-new" in out
    assert "failed" in out
    assert "approval 77777777-x: write_file report.md" in out


def test_search_shows_the_place_without_marks(bench: FakeWorkbench, cli: Cli) -> None:
    assert "    the sales [31m rose\n" in cli("sessions", "search", "sales").out


def test_export_is_sanitised_on_stdout_and_whole_in_a_file(
    bench: FakeWorkbench, cli: Cli, tmp_path: Path
) -> None:
    assert cli("sessions", "export", "last").out == "# A title\n\n[31mred\n"
    exported = json.loads(cli("sessions", "export", "last", "--format", "json").out)
    assert exported == {"id": "aaaaaaaa-1", "text": "a\x9bb"}
    target = tmp_path / "out.md"
    assert cli("sessions", "export", "last", "-o", str(target)).status == 0
    assert target.read_text() == "# A title\n\n\x1b[31mred\n"
    outcome = cli("sessions", "export", "last", "-o", str(target))
    assert outcome.status == 1
    assert "File exists" in outcome.err


def test_fork_and_rename_tell_the_session(bench: FakeWorkbench, cli: Cli) -> None:
    assert cli("sessions", "fork", "bbbb", "--before", "7").out == "forked-id\n"
    assert bench.calls == [("fork", "bbbbbbbb-3", 7)]
    assert json.loads(cli("sessions", "rename", "bbbb", "New", "--json").out)["title"] == "New"


def test_the_model_finds_a_title_where_none_is_given(bench: FakeWorkbench, cli: Cli) -> None:
    assert json.loads(cli("sessions", "rename", "bbbb", "--json").out)["title"] == "Found"


def test_clearing_a_session_needs_yes_without_a_terminal(bench: FakeWorkbench, cli: Cli) -> None:
    outcome = cli("sessions", "clear", "bbbb")
    assert (outcome.status, "--yes" in outcome.err, bench.calls) == (2, True, [])
    assert cli("sessions", "clear", "bbbb", "--yes").out == "cleared bbbbbbbb-3\n"
    assert bench.calls == [("clear", "bbbbbbbb-3")]


def test_what_is_deleted_is_in_the_trash_and_comes_back(bench: FakeWorkbench, cli: Cli) -> None:
    outcome = cli("sessions", "delete", "bbbb", "aaaaaaaa-1")
    assert outcome.out == "deleted bbbbbbbb-3\ndeleted aaaaaaaa-1\n"
    assert "holdfast sessions trash restore bbbbbbbb-3 aaaaaaaa-1" in outcome.err
    assert set(bench.trashed) == {"bbbbbbbb-3", "aaaaaaaa-1"}
    assert "session" in cli("trash", "list").out
    assert cli("sessions", "trash", "restore", "bbbb").out.startswith("restored session bbbbbbbb-3")
    assert "bbbbbbbb-3" in bench.known
    outcome = cli("trash", "empty")
    assert (outcome.status, "--yes" in outcome.err) == (2, True)
    assert cli("trash", "empty", "--yes").out == "deleted 1 for good\n"
    assert cli("sessions", "trash", "list").out == "The trash is empty.\n"


def test_one_name_that_fits_nothing_leaves_all_undeleted(bench: FakeWorkbench, cli: Cli) -> None:
    assert cli("sessions", "delete", "bbbb", "zzz").status == 1
    assert not bench.trashed


def test_deleting_for_good_needs_yes_without_a_terminal(bench: FakeWorkbench, cli: Cli) -> None:
    outcome = cli("sessions", "delete", "bbbb", "--permanent")
    assert outcome.status == 2
    assert "--yes" in outcome.err
    assert "bbbbbbbb-3" in bench.known
    assert cli("sessions", "delete", "bbbb", "--permanent", "--yes").status == 0
    assert "bbbbbbbb-3" not in bench.known
    assert not bench.trashed


def test_stars_and_the_archive_are_signs_in_the_list(bench: FakeWorkbench, cli: Cli) -> None:
    assert cli("sessions", "star", "bbbb").out == "bbbbbbbb-3  ★\n"
    assert cli("sessions", "archive", "bbbb").out == "bbbbbbbb-3  ★◌\n"
    assert "★◌" in cli("sessions", "list").out
    assert cli("sessions", "star", "--remove", "bbbb").out == "bbbbbbbb-3  ◌\n"


def test_shared_sessions_have_a_sign_in_the_list(bench: FakeWorkbench, cli: Cli) -> None:
    assert cli("sessions", "share", "bbbb").out == "bbbbbbbb-3  ⇗\n"
    assert "⇗" in cli("sessions", "list").out
    assert cli("sessions", "share", "--remove", "bbbb").out == "bbbbbbbb-3\n"
    assert cli("sessions", "share", "nobody").status != 0


def test_forks_stand_below_what_they_came_from(bench: FakeWorkbench, cli: Cli) -> None:
    for name, origin in (("f1", "bbbbbbbb-3"), ("f2", "f1"), ("f3", "bbbbbbbb-3"), ("lost", "gone")):
        bench.known[name] = session_of(name, forked_from=origin, title=name)
    lines = cli("sessions", "tree").out.splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("bbbbbbbb"))
    assert [line.split("  ")[0] for line in lines[begin + 1 : begin + 4]] == ["├─ f1", "│", "└─ f3"]
    assert "└─ f2" in lines[begin + 2]
    assert lines[-1].startswith("lost")
    nested = json.loads(cli("sessions", "tree", "--json").out)
    (origin,) = [each for each in nested if each["id"] == "bbbbbbbb-3"]
    assert [each["id"] for each in origin["forks"]] == ["f1", "f3"]
    assert [each["id"] for each in origin["forks"][0]["forks"]] == ["f2"]


def test_a_file_is_sent_as_it_is_and_the_sessions_are_told(
    bench: FakeWorkbench, cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "chat.json").write_bytes(b"[1]")
    outcome = cli("sessions", "import", str(tmp_path / "chat.json"), "--agent", "writer")
    assert bench.calls == [("take_in", b"[1]", "chat.json", "writer", "")]
    assert outcome.out == "imported-id  [31mTrip  (0 messages)\n"
    assert "sub-agents are not taken over" in outcome.err
    outcome = cli("sessions", "import", str(tmp_path / "none.json"))
    assert (outcome.status, "none.json" in outcome.err) == (1, True)


def test_words_of_the_command_line_are_one_query(bench: FakeWorkbench, cli: Cli) -> None:
    assert as_query(["a", "last quarter", 'agent:"my agent"']) == 'a "last quarter" agent:"my agent"'
    assert as_query(["two words"]) == "two words"
    assert as_query([]) == ""
    assert "Refactor" in cli("sessions", "list", "Refactor").out


# --- approvals


def test_only_waiting_approvals_are_listed_unless_all_are_asked_for(bench: FakeWorkbench, cli: Cli) -> None:
    assert len(json.loads(cli("approvals", "list", "--json").out)) == 2
    assert len(json.loads(cli("approvals", "list", "--all", "--json").out)) == 3


def test_show_prints_the_whole_preview(bench: FakeWorkbench, cli: Cli) -> None:
    assert "-old line\n+new line\n" in cli("approvals", "show", "1111").out


@pytest.mark.parametrize(
    ("args", "decision"),
    [
        (("approve", "1111"), Decision(outcome="approve")),
        (("approve", "1111", "--session"), Decision(outcome="approve", scope="session")),
        (("approve", "1111", "--always"), Decision(outcome="approve", scope="always")),
        (
            ("approve", "1111", "--arguments", '{"path": "b.md"}'),
            Decision(outcome="approve", arguments={"path": "b.md"}),
        ),
        (("deny", "1111", "--reason", "no"), Decision(outcome="deny", reason="no")),
    ],
)
def test_a_decision_reaches_the_services(
    bench: FakeWorkbench, cli: Cli, args: tuple[str, ...], decision: Decision
) -> None:
    assert cli("approvals", *args).status == 0
    assert bench.decisions == [("11111111-a", decision)]


def test_always_shows_the_rule_that_was_added(bench: FakeWorkbench, cli: Cli) -> None:
    out = cli("approvals", "approve", "1111", "--always").out
    assert "rule added to /config/policy.yaml: write_file(*.md)" in out


@pytest.mark.parametrize(
    ("args", "status", "said"),
    [
        (("approve", "1111", "--session", "--always"), 2, "not both"),
        (("approve", "1111", "--arguments", "{"), 2, "not JSON"),
        (("approve", "1111", "--arguments", "[]"), 2, "JSON object"),
        (("approve", "1111", "--arguments", "{}"), 2, "arguments.path: is missing"),
        (("approve", "3333"), 1, "decided already"),
        (("approve", "nothing"), 1, "there is no approval 'nothing'"),
    ],
)
def test_a_decision_that_cannot_be_is_refused(
    bench: FakeWorkbench, cli: Cli, args: tuple[str, ...], status: int, said: str
) -> None:
    outcome = cli("approvals", *args)
    assert outcome.status == status
    assert said in outcome.err


def test_last_is_the_newest_waiting_approval(bench: FakeWorkbench, cli: Cli) -> None:
    cli("approvals", "deny", "last")
    assert bench.decisions[0][0] == "22222222-b"


def test_an_unknown_question_is_refused(bench: FakeWorkbench, cli: Cli) -> None:
    outcome = cli("approvals", "answer", "nope", "red")
    assert outcome.status == 1
    assert "no question 'nope' waits" in outcome.err


# --- agents


def test_validate_prints_one_mistake_a_line_without_an_engine(fake: FakeDoors, cli: Cli) -> None:
    fake.diagnostics = [MISTAKE, MISTAKE]
    fake.fail = UnavailableError("no engine must be needed")
    outcome = cli("agents", "validate", "a.yaml")
    assert outcome.status == 2
    assert outcome.out == "a.yaml:3:5: modle: unknown key; did you mean `model`?\n" * 2
    assert json.loads(cli("agents", "validate", "a.yaml", "--json").out)[0]["line"] == 3
    fake.diagnostics = []
    assert cli("agents", "validate", "a.yaml").status == 0


def test_validate_tells_a_warning_and_calls_the_file_valid(fake: FakeDoors, cli: Cli) -> None:
    fake.diagnostics = [
        Diagnostic(file="a.yaml", line=3, column=1, key_path="tools", message="is dropped", warning=True)
    ]
    outcome = cli("agents", "validate", "a.yaml")
    assert outcome.status == 0
    assert outcome.out == "a.yaml:3:1: tools: warning: is dropped\nvalid\n"


def test_an_invalid_agent_is_listed_with_its_first_mistake(bench: FakeWorkbench, cli: Cli) -> None:
    bench.agent_infos["broken"] = agent_of("broken", spec=None, problems=(MISTAKE,))
    assert "invalid: unknown key (line 3)" in cli("agents", "list").out
    assert str(MISTAKE) in cli("agents", "show", "broken").out


def test_new_writes_a_file_for_the_project_or_the_user_and_never_over_one(
    fake: FakeDoors, cli: Cli, tmp_path: Path
) -> None:
    assert cli("agents", "new", "mine", "--project", str(tmp_path)).status == 0
    path = tmp_path / "agents" / "mine.yaml"
    assert path.read_text() == "version: 1\nname: mine\n"
    path.write_text("changed")
    outcome = cli("agents", "new", "mine", "--project", str(tmp_path))
    assert outcome.status == 1
    assert "exists already" in outcome.err
    assert path.read_text() == "changed"
    assert cli("agents", "new", "mine", "--user").status == 0
    assert (fake.paths().agents / "mine.yaml").exists()
    assert stat.S_IMODE(fake.paths().agents.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["../mine", "Mine", "a b", "", "a/b", "x" * 65])
def test_new_refuses_names_that_are_none(fake: FakeDoors, cli: Cli, name: str, tmp_path: Path) -> None:
    outcome = cli("agents", "new", "--project", str(tmp_path), "--", name)
    assert outcome.status == 2
    assert list(tmp_path.iterdir()) == []


def test_edit_opens_the_editor_and_checks_the_file(
    bench: FakeWorkbench, fake: FakeDoors, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("version: 1\n")
    monkeypatch.setenv("VISUAL", "sh -c 'echo edited >> \"$0\"'")
    assert cli("agents", "edit", str(path)).out == "valid\n"
    assert path.read_text() == "version: 1\nedited\n"
    bench.agent_infos["mine"] = agent_of("mine", layer=Layer.USER, path=str(path))
    fake.diagnostics = [MISTAKE]
    outcome = cli("agents", "edit", "mine")
    assert outcome.status == 2
    assert str(MISTAKE) in outcome.out


def test_an_agent_is_listed_and_shown_with_what_people_call_it(bench: FakeWorkbench, cli: Cli) -> None:
    assert cli("agents", "list").out.splitlines()[0].split() == ["NAME", "FROM", "MODEL", "DESCRIPTION"]
    bench.agent_infos["mine"] = agent_of(
        "mine", display_name="My \x1b[31massistant", author="Ann", tags=("notes", "home")
    )
    listed = cli("agents", "list").out.splitlines()
    assert listed[0].split() == ["NAME", "CALLED", "FROM", "MODEL", "TAGS", "DESCRIPTION"]
    assert "My [31massistant" in listed[-1]
    assert "notes, home" in listed[-1]
    shown = cli("agents", "show", "mine").out
    for text in ("My [31massistant", bench.agent_infos["mine"].id, "Ann", "notes, home", "read_file"):
        assert text in shown


def test_agents_are_installed_by_name_or_by_path_and_uninstalled(
    bench: FakeWorkbench, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    available = cli("agents", "available").out.splitlines()
    assert [line.split()[:2] for line in available[1:]] == [["coder", "yes"], ["writer", "Writes."]]
    for source in ("coder", "mine.yaml", "./mine", "/x/y.yml"):
        assert cli("agents", "install", source).out == "installed installed: /agents/installed.yaml\n"
    assert cli("agents", "uninstall", "coder").status == 0
    paths = [str(tmp_path / "mine.yaml"), str(tmp_path / "mine"), "/x/y.yml"]
    assert bench.calls == [*(("install", source) for source in ("coder", *paths)), ("uninstall", "coder")]


def test_a_shipped_agent_is_not_edited(bench: FakeWorkbench, cli: Cli) -> None:
    outcome = cli("agents", "edit", "general")
    assert outcome.status == 2
    assert "extends: general" in outcome.err


def test_edit_without_an_editor_says_so(
    bench: FakeWorkbench, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.yaml"
    path.touch()
    monkeypatch.setenv("VISUAL", "no-such-editor --wait")
    assert "'no-such-editor' was not found" in cli("agents", "edit", str(path)).err
    monkeypatch.setenv("VISUAL", "")
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.setenv("PATH", "")
    assert "set EDITOR" in cli("agents", "edit", str(path)).err


# --- files, keys, trust


def test_undo_names_session_and_run(bench: FakeWorkbench, cli: Cli) -> None:
    cli("files", "undo", "bbbb")
    cli("files", "undo", "bbbb", "--run", "run-o")
    cli("files", "redo", "last", "--run", "last")
    assert bench.calls == [
        ("undo", "bbbbbbbb-3", None),
        ("undo", "bbbbbbbb-3", "run-old"),
        ("undo", "aaaaaaaa-1", "run-new"),
    ]


def test_a_key_comes_from_stdin_and_is_printed_nowhere(bench: FakeWorkbench, cli: Cli) -> None:
    outcome = cli("keys", "provider", "set", "openai", stdin="sk-canary\n")
    assert bench.calls == [
        ("check_provider", "openai", "sk-canary", None),
        ("set_provider", "openai", "sk-canary"),
    ]
    assert outcome.out == "openai: right\nstored in the keyring\n"
    assert "canary" not in outcome.out + outcome.err


def test_a_key_that_a_provider_refuses_is_kept_only_when_a_person_wants_it(
    bench: FakeWorkbench, cli: Cli
) -> None:
    bench.key_state = "refused"
    outcome = cli("keys", "provider", "set", "openai", stdin="sk-canary\n")
    assert outcome.status == 1 and "Nothing was stored" in outcome.err
    assert cli("keys", "provider", "set", "openai", "--keep", stdin="sk-canary\n").status == 0
    assert cli("keys", "provider", "set", "openai", "--no-test", stdin="sk-canary\n").status == 0
    assert [call[0] for call in bench.calls] == ["check_provider"] * 2 + ["set_provider"] * 2
    assert cli("keys", "provider", "test", "openai").status == 1


def test_the_address_of_a_server_of_ones_own_is_kept_and_its_key_may_be_left_out(
    bench: FakeWorkbench, cli: Cli
) -> None:
    outcome = cli("keys", "provider", "set", "custom", "--url", "http://h/v1", stdin="\n")
    assert outcome.out.endswith("its address is kept: http://h/v1\n")
    assert bench.calls == [
        ("check_provider", "custom", None, "http://h/v1"),
        ("set_address", "custom", "http://h/v1"),
    ]


def test_a_key_is_never_taken_from_the_command_line(bench: FakeWorkbench, cli: Cli) -> None:
    assert cli("keys", "provider", "set", "openai", "sk-canary").status == 2
    assert cli("keys", "provider", "set", "openai", "--key", "sk-canary").status == 2
    assert cli("keys", "provider", "set", "openai", stdin="\n").status == 2
    assert bench.calls == []


def test_trust_is_given_and_revoked(bench: FakeWorkbench, cli: Cli, tmp_path: Path) -> None:
    assert "is trusted" in cli("trust", str(tmp_path)).out
    assert bench.trust_words[str(tmp_path)].trusted
    assert "is not trusted" in cli("trust", str(tmp_path), "--revoke").out
    assert not bench.trust_words[str(tmp_path)].trusted
    assert cli("trust", str(tmp_path / "missing")).status == 2


# --- models, engine, doctor


def test_models_show_windows_prices_and_readiness(bench: FakeWorkbench, cli: Cli) -> None:
    line = cli("models", "list").out.splitlines()[2].split()
    assert line == ["openai/gpt-4o", "openai", "128,000", "2.50", "10.00", "no"]
    assert "openai" not in cli("models", "list", "--available").out


def test_the_status_says_how_programs_are_confined(fake: FakeDoors, cli: Cli) -> None:
    assert "not tried yet; `holdfast doctor` tries it" in cli("engine", "status").out

    def by_landlock() -> FakeWorkbench:
        workbench = FakeWorkbench()
        reason = "bubblewrap is not installed."
        workbench.sandbox = Protection(guard=Guard.LANDLOCK, network="deny", reason=reason)
        return workbench

    fake.build = by_landlock
    assert "landlock, no network (bubblewrap is not installed.)" in cli("engine", "status").out
    assert json.loads(cli("engine", "status", "--json").out)["sandbox"]["guard"] == "landlock"


def test_status_of_an_engine_that_does_not_run_starts_none(fake: FakeDoors, cli: Cli) -> None:
    fake.running = None
    assert "not running" in cli("engine", "status").out
    assert json.loads(cli("engine", "status", "--json").out) == {"running": False}
    assert "not running" in cli("engine", "stop").out
    assert fake.opened == []


def test_stop_tells_when_the_engine_has_not_ended(fake: FakeDoors, cli: Cli) -> None:
    assert "has stopped" in cli("engine", "stop").out
    fake.stops = False
    outcome = cli("engine", "stop", "--timeout", "0.5")
    assert outcome.status == 1
    assert "has not ended within 0.5 s" in outcome.err


def test_logs_prints_the_last_lines_sanitised(fake: FakeDoors, cli: Cli) -> None:
    assert "no log yet" in cli("engine", "logs").out
    fake.engine_log().parent.mkdir(parents=True)
    fake.engine_log().write_bytes(b"one\ntwo \x1b[31m\xff\nthree\n")
    assert cli("engine", "logs", "-n", "2").out == "two [31m\ufffd\nthree\n"


def test_the_engine_itself_is_a_hidden_command(fake: FakeDoors, cli: Cli) -> None:
    assert cli("engine", "run").status == 7
    assert "  run" not in cli("engine", "--help").out


def test_doctor_exits_1_when_something_is_broken(bench: FakeWorkbench, fake: FakeDoors, cli: Cli) -> None:
    bench.checks = [CheckResult(name="models", state="warning", message="no key", hint="store one")]
    outcome = cli("doctor", "--repair")
    assert outcome.status == 0
    assert bench.calls == [("check", True)]
    assert "models: store one" in outcome.out
    bench.checks = [CheckResult(name="database", state="error", message="is damaged")]
    assert cli("doctor").status == 1


def test_doctor_says_once_what_is_in_order(bench: FakeWorkbench, fake: FakeDoors, cli: Cli) -> None:
    repaired = CheckResult(name="home", state="repaired", message="made private")
    fine = CheckResult(name="home", state="ok", message="is private")
    damaged = CheckResult(name="home", state="warning", message="nearly full")
    fake.offline_checks, bench.checks = [repaired], [fine, damaged]
    states = [check["state"] for check in json.loads(cli("doctor", "--json").out)]
    assert states == ["repaired", "warning"]


def test_doctor_starts_no_engine_in_a_broken_home(fake: FakeDoors, cli: Cli) -> None:
    fake.offline_checks = [CheckResult(name="home", state="error", message="cannot be written")]
    assert cli("doctor").status == 1
    assert fake.opened == []


def test_doctor_reports_an_engine_that_does_not_start(fake: FakeDoors, cli: Cli) -> None:
    fake.fail = UnavailableError("it did not start")
    found = json.loads(cli("doctor", "--json").out)
    assert found[-1]["name"] == "engine"
    assert found[-1]["state"] == "error"
