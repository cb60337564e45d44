"""Canaries: keys in the environment, in the key file and in a message, which models, tools and a provider's
errors repeat. They are in no file of the home but the key file, and in nothing that was shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.bench import Bench
from tests.fakes.openai_server import FakeOpenAI

pytestmark = pytest.mark.thorough

IN_ENVIRONMENT = "sk-canary-env-51b8f04e7a9d3c26"
IN_FILE = "canary-file-c2e97a60b13f48d5"
TOKEN = "ghp_canarytoken0f1e2d3c4b5a69788796"
"""Not a provider's key: no tool may see it."""
CANARIES = (IN_ENVIRONMENT, IN_FILE, TOKEN)
AGENT = """
description: Looks around.
tools: [run_command, run_python, write_file]
model: openai/gpt-4o
limits: {max_steps: 20}
"""
LOOK = "env; cat /proc/self/environ; cat /proc/$PPID/environ; set"
LOOK_PYTHON = """
import os, pathlib
print(dict(os.environ))
for status in pathlib.Path("/proc").glob("[0-9]*/environ"):
    try:
        text = status.read_text(errors="replace")
    except OSError:
        continue
    if "HOLDFAST_HOME=HOME" in text:
        print(text)
"""


@pytest.fixture
def canaries(bench: Bench, server: FakeOpenAI) -> Iterator[Bench]:
    """A home with canaries in all places, and a server that is told a key and repeats it."""
    bench.environment |= {
        "OPENAI_API_KEY": IN_ENVIRONMENT,
        "OPENAI_BASE_URL": server.url,
        "GITHUB_TOKEN": TOKEN,
    }
    bench.agent("looker", AGENT)
    assert bench.done("keys", "provider", "set", "mistral", "--no-test", stdin=IN_FILE + "\n")
    assert IN_FILE in bench.paths.keys.read_text()
    assert bench.paths.keys.stat().st_mode & 0o077 == 0
    yield bench


def python_look(bench: Bench) -> str:
    return LOOK_PYTHON.replace("HOLDFAST_HOME=HOME", f"HOLDFAST_HOME={bench.home}")


def found_in_files(bench: Bench) -> list[str]:
    """Returns the files of the whole machine that hold a canary, the key file excluded."""
    return [
        f"{path.relative_to(bench.root)}: {canary}"
        for path in bench.root.rglob("*")
        if path.is_file() and path != bench.paths.keys
        for canary in CANARIES
        if canary.encode() in path.read_bytes()
    ]


def found_in(*texts: str | bytes) -> list[str]:
    whole = b"".join(text.encode() if isinstance(text, str) else text for text in texts)
    return [canary for canary in CANARIES if canary.encode() in whole]


def test_what_models_tools_and_errors_repeat_is_kept_and_shown_nowhere(
    canaries: Bench, server: FakeOpenAI
) -> None:
    bench = canaries
    server.reset(
        {
            "when": {"contains": "look"},
            "reasoning": f"The key is {IN_ENVIRONMENT}, I think; the other {IN_FILE}.",
            "text": f"Your key is {IN_ENVIRONMENT}, and {IN_FILE}, in pieces.",
            "piece": 3,
            "tools": [
                {"name": "run_command", "arguments": {"command": f"{LOOK}; echo {IN_ENVIRONMENT} {IN_FILE}"}},
                {"name": "run_python", "arguments": {"code": python_look(bench)}},
                {"name": "run_command", "arguments": {"command": f"cat {bench.paths.keys}"}},
                {"name": "nosuchtool", "arguments": {"key": IN_ENVIRONMENT}},
                {"name": "write_file", "arguments": f'{{"path": "{IN_FILE}", "content'},
            ],
        },
        {"when": {"tool_result": ""}, "text": "Seen."},
        {
            "when": {"contains": "fail"},
            "status": 401,
            "error": {"message": f"Incorrect API key provided: {IN_ENVIRONMENT}", "code": "invalid_api_key"},
        },
    )
    message = f"look, my key is {IN_ENVIRONMENT} and {IN_FILE}"
    looked = bench.run("run", "looker", message, "--approve", "all", "--json")
    assert looked.returncode == 0, looked.stderr
    assert "[redacted]" in looked.stdout
    assert "PATH=" in looked.stdout, "the tools did look"
    failed = bench.run("run", "looker", "fail", "--session", "last")
    assert failed.returncode == 1
    assert [r.headers["authorization"] for r in server.requests] == [f"Bearer {IN_ENVIRONMENT}"] * 3
    shown = [looked.stdout, looked.stderr, failed.stdout, failed.stderr]
    for command in (
        ["sessions", "export", "last"],
        ["sessions", "export", "last", "--format", "json", "--output", "export.json"],
        ["sessions", "show", "last", "--json"],
        ["sessions", "search", "key"],
        ["approvals", "list", "--json"],
        ["keys", "provider", "list", "--json"],
        ["engine", "status", "--json"],
        ["engine", "logs"],
        ["models", "list", "--json"],
        ["doctor"],
    ):
        done = bench.run(*command)
        shown += [done.stdout, done.stderr]
    assert found_in(*shown) == []
    with bench.open("--session", "last") as terminal:
        terminal.wait_for("The run failed")
        terminal.press("pageup", "pageup")
        terminal.watch(0.5)
        assert found_in(bytes(terminal.received)) == []
    assert found_in_files(bench) == []
    bench.kill_engine()
    assert found_in_files(bench) == [], "what a killed engine leaves"
    assert [request for request in server.requests if found_in(str(request.body))] == []


def test_an_approval_shows_and_keeps_no_key(canaries: Bench, server: FakeOpenAI) -> None:
    bench = canaries
    server.reset({"tools": [{"name": "run_command", "arguments": {"command": f"echo {IN_ENVIRONMENT}"}}]})
    with bench.open("--agent", "looker") as terminal:
        terminal.wait_for("looker answers with", "engine ●")
        terminal.type("look")
        terminal.press("enter")
        terminal.wait_for("run_command", "y once", "echo [redacted]")
        assert found_in(bytes(terminal.received)) == []
    waiting = bench.run("approvals", "show", "last", "--json")
    assert found_in(waiting.stdout, waiting.stderr) == []
    assert found_in_files(bench) == []


def test_no_process_shows_a_key_in_its_command_line(canaries: Bench, server: FakeOpenAI) -> None:
    bench = canaries
    server.reset({"text": "Hello."})
    bench.done("run", "looker", "hi")
    lines = b"\n".join(_command_lines())
    assert str(bench.installed.folder).encode() in lines
    assert found_in(lines) == []


def _command_lines() -> Iterator[bytes]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes()
        except OSError:
            continue  # it has ended
