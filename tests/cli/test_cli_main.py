"""The console script: what it imports, how it fails, when it opens the terminal app."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer.main
from cli_fakes import FakeDoors

from holdfast import __version__
from holdfast.cli.app import COMMANDS, app
from holdfast.cli.main import main, tui_options

Cli = Callable[..., Any]
PROGRAM = Path(__file__).with_name("fake_program.py")
HEAVY = {
    *("textual", "litellm", "chromadb", "mcp", "fastapi", "starlette", "uvicorn", "pydantic", "httpx"),
    *("rich", "yaml", "aiosqlite", "keyring", "sqlite3", "asyncio"),
    *("authlib", "joserfc", "argon2", "aiosmtplib", "fsspec", "botocore"),
}
RAN = """
import sys
from holdfast.cli.main import main
status = main(sys.argv[1:])
print(*{name.split(".")[0] for name in sys.modules}, *(n for n in sys.modules if "holdfast." in n))
sys.exit(status)
"""


def modules_after(*arguments: str) -> set[str]:
    ended = subprocess.run(
        [sys.executable, "-c", RAN, *arguments], capture_output=True, text=True, timeout=30, check=True
    )
    return set(ended.stdout.splitlines()[-1].split())


def program(tmp_path: Path, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROGRAM), str(tmp_path), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, **more
    )


def test_version_imports_nothing_but_itself() -> None:
    loaded = modules_after("--version")
    assert {name for name in loaded if name.startswith("holdfast.")} == {"holdfast.cli", "holdfast.cli.main"}
    assert not loaded & (HEAVY | {"typer", "typing", "dataclasses", "inspect", "pathlib"})


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_imports_nothing_heavy(name: str) -> None:
    own_to_typer = {"pydantic", "asyncio"}  # Typer reads a command's types with pydantic
    assert not modules_after(name, "--help") & (HEAVY - own_to_typer)


def test_the_help_of_the_program_imports_no_command() -> None:
    loaded = modules_after("--help")
    assert not {name for name in loaded if name.startswith("holdfast.cli.commands.")}
    assert not loaded & HEAVY


def test_the_way_to_the_terminal_app_imports_neither_typer_nor_pydantic() -> None:
    code = (
        "import sys; from holdfast.cli import doors\n"
        "class Fake:\n"
        "    def run_tui(self, **options): print(options); return 0\n"
        "sys.stdin = sys.stderr = type('T', (), {'isatty': lambda s: True, 'write': lambda s, t: 0,"
        " 'flush': lambda s: None})()\n"
        "doors.use(Fake())\n"
        "from holdfast.cli.main import main\n"
        "status = main(['--session', 'x', '--in-process'])\n"
        "print(*sys.modules); sys.exit(status)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    first, second = ended.stdout.splitlines()
    assert first == "{'session': 'x', 'in_process': True}"
    assert not set(second.split()) & (HEAVY | {"typer", "holdfast.cli.app"})


def test_the_static_command_table_says_what_each_command_says() -> None:
    group = typer.main.get_command(app)
    context = typer.Context(group)
    for name, text in COMMANDS.items():
        command = group.get_command(context, name)
        assert command.get_short_help_str(limit=200), name
        assert text.endswith("."), name
    help_text = group.get_help(context)
    assert all(name in help_text for name in COMMANDS)


def test_a_groups_help_says_in_whole_what_its_commands_do() -> None:
    root = typer.main.get_command(app)
    context = typer.Context(root)
    for name in COMMANDS:
        group = root.get_command(context, name)
        shown = " ".join(group.get_help(typer.Context(group, info_name=name)).split())
        for command in getattr(group, "commands", {}).values():
            first = " ".join(command.help.partition("\n\n")[0].split())
            assert command.hidden or first in shown


def test_examples_stand_in_the_help_as_they_are_typed() -> None:
    root = typer.main.get_command(app)
    serve = root.get_command(typer.Context(root), "serve")
    shown = serve.get_help(typer.Context(serve, info_name="serve"))
    assert "\n    holdfast serve --background --port" in shown


@pytest.mark.parametrize(
    ("args", "options"),
    [
        ([], {}),
        (["--session", "last"], {"session": "last"}),
        (["--session=a b", "--model", "offline"], {"session": "a b", "model": "offline"}),
        (["--agent", "writer", "--in-process"], {"agent": "writer", "in_process": True}),
        (["--session"], None),
        (["--session="], None),
        (["--session", "--model"], None),
        (["--help"], None),
        (["--theme", "x"], None),
        (["agents", "list"], None),
        (["--session", "x", "run"], None),
    ],
)
def test_options_of_the_terminal_app_are_read_by_hand(
    args: list[str], options: dict[str, Any] | None
) -> None:
    assert tui_options(args) == options


@pytest.mark.parametrize("args", [["--session", "--model", "x"], ["--sesion", "x"], ["--in-process", "run"]])
def test_options_that_make_no_sense_exit_2(fake: FakeDoors, cli: Cli, args: list[str]) -> None:
    outcome = cli(*args)
    assert outcome.status == 2
    assert fake.tui == []


def test_without_a_terminal_the_app_is_not_opened(fake: FakeDoors, cli: Cli) -> None:
    outcome = cli()
    assert outcome.status == 2
    assert "holdfast run AGENT MESSAGE" in outcome.err
    assert fake.tui == []


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version_is_one_line(fake: FakeDoors, cli: Cli, flag: str) -> None:
    outcome = cli(flag)
    assert (outcome.status, outcome.out) == (0, f"holdfast {__version__}\n")


def test_completion_of_the_shell_does_not_open_the_app(
    fake: FakeDoors, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_HOLDFAST_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "holdfast app")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert cli().out.split() == ["approvals"]


def test_a_bug_is_one_line_with_a_reference_into_a_private_log(tmp_path: Path) -> None:
    ended = program(tmp_path, "bug", "run", "general", "hello")
    assert ended.returncode == 1
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    log = tmp_path / "logs" / "cli.log"
    assert str(log) in line
    assert "a canary" not in line
    reference = line.split("reference ")[1].split(";")[0]
    assert reference in log.read_text()
    assert "ZeroDivisionError: a canary" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_bug_with_an_unwritable_log_shows_the_traceback(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    ended = program(tmp_path, "bug", "run", "general", "hello")
    assert ended.returncode == 1
    assert "ZeroDivisionError: a canary" in ended.stderr


def test_a_file_that_cannot_be_used_is_named(fake: FakeDoors, cli: Cli) -> None:
    fake.fail = PermissionError(errno.EACCES, "Permission denied", "/home/\x1b[31mdata")
    outcome = cli("sessions", "list")
    assert outcome.status == 1
    assert outcome.err == "holdfast: /home/[31mdata: Permission denied\n"


def test_an_interrupt_exits_130(fake: FakeDoors, cli: Cli) -> None:
    fake.fail = KeyboardInterrupt()
    assert cli("sessions", "list").status == 130


@pytest.mark.parametrize(
    "arguments", [("agents", "schema"), ("run", "general", "hello"), ("--help",)], ids=" ".join
)
def test_a_reader_that_has_gone_is_no_error_message(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [sys.executable, str(PROGRAM), str(tmp_path), "reply", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=30,
    )
    os.close(writer)
    assert ended.returncode == 1
    assert "rror" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_text_that_the_encoding_lacks_is_escaped(tmp_path: Path) -> None:
    ended = program(tmp_path, "reply", "run", "general", "hello", env={"PYTHONIOENCODING": "ascii"})
    assert ended.returncode == 0
    assert ended.stdout == "Hello there.\n"
    assert "general \\xb7 offline" in ended.stderr


def test_json_of_a_whole_process_is_one_event_a_line(tmp_path: Path) -> None:
    ended = program(tmp_path, "reply", "run", "general", "hello", "--json")
    assert [json.loads(line)["type"] for line in ended.stdout.splitlines()][-1] == "run.completed"
    assert "\x1b" not in ended.stderr


def test_an_approval_in_a_whole_process_without_a_terminal_exits_3(tmp_path: Path) -> None:
    ended = program(tmp_path, "ask_to_write", "run", "general", "hello")
    assert ended.returncode == 3
    assert "holdfast approvals approve approval-1" in ended.stderr


def test_main_takes_the_arguments_of_the_process(
    fake: FakeDoors, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["holdfast", "--version"])
    assert main() == 0
    assert __version__ in capsys.readouterr().out
