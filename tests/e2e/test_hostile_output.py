"""Terminal escapes in what models say, in arguments and in file names: never raw, whatever shows them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.e2e.bench import Bench

pytestmark = pytest.mark.thorough

HOSTILE = "\x1b]0;owned\x07plain\x1b[2J\x9b31mred\x1b]8;;http://evil\x1b\\link\x08\x00\x7f end"
NAME = "x\x1b]0;owned\x07y.md"
ARGUMENTS = {"path": NAME, "content": HOSTILE}
AGENT = "description: A helper.\ntools: [write_file]\nworkspace: project\nmodel: {model}\n"


def hostile_agent(bench: Bench) -> None:
    steps: list[list[dict[str, Any]]] = [
        [
            {"type": "text", "text": HOSTILE},
            {
                "type": "tool_call",
                "key": "one",
                "name": "write_file",
                "arguments": {"path": NAME, "content": HOSTILE},
            },
        ],
        [
            {"type": "text", "text": "Over."},
            {"type": "error", "code": "model_failed", "message": HOSTILE},
        ],
    ]
    bench.agent("helper", AGENT.format(model=bench.script("s", *steps)))


def controls(said: str) -> set[str]:
    return {c for c in said if (ord(c) < 32 and c not in "\n\r\t") or 127 <= ord(c) < 160}


def test_pipes_get_no_control_characters(bench: Bench) -> None:
    hostile_agent(bench)
    done = bench.run("run", "helper", f"say {HOSTILE.replace(chr(0), '')}")
    assert done.returncode == 3
    said = (
        done.stdout + done.stderr + bench.done("approvals", "list") + bench.done("approvals", "show", "last")
    )
    said += bench.done("sessions", "list") + bench.done("sessions", "show", "last")
    said += bench.done("sessions", "export", "last")
    said += bench.done("sessions", "export", "last", "--format", "json")
    assert "plain" in said and " end" in said
    assert controls(said) == set()


def test_a_terminal_gets_none_but_our_own(bench: Bench) -> None:
    hostile_agent(bench)
    with bench.open("run", "helper", f"say {HOSTILE.replace(chr(0), '')}") as terminal:
        terminal.wait_for("deny with a reason")
        terminal.type("n\n")
        assert terminal.wait_end() == 1
        said = bytes(terminal.received).decode()
    assert "plain" in said and " end" in said
    assert controls(re.sub(r"\x1b\[(K|A|0m|1m|2m|31m|32m|33;1m)", "", said)) == set()


def test_the_app_draws_none_of_them(bench: Bench) -> None:
    hostile_agent(bench)
    (bench.project / NAME).write_text(HOSTILE.replace(chr(0), ""))
    with bench.open("--agent", "helper") as terminal:
        terminal.wait_for("helper answers with", "engine ●")
        terminal.type("hello")
        terminal.press("enter")
        terminal.wait_for("plain", "write_file  x", "y once")
        terminal.watch(0.7)
        terminal.press("y")
        terminal.wait_for("Over.", "The run failed")
        terminal.press("f3")
        terminal.wait_for("enter preview", "y.md", "about-the-data.md")
        terminal.press("end", "enter")
        terminal.wait_for("esc close", "plain")
        said = bytes(terminal.received)
    for harm in (b"\x1b]0;", b"\x1b]8;;http://evil", b"plain\x1b[2J", "\x9b".encode(), b"\x08", b"\x00"):
        assert harm not in said
