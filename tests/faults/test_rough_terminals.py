"""Terminals that are tiny or change their size, and a paste of five megabytes."""

from __future__ import annotations

import json

import pytest
from tests.e2e.bench import Bench

pytestmark = pytest.mark.thorough

GUARD_S = 0.7
PASTED_BYTES = 5_000_000


def test_the_smallest_terminal_asks_and_approves(bench: Bench) -> None:
    with bench.open(columns=40, rows=10) as terminal:
        terminal.wait_for("general answers with offline", "Message   @ file")
        terminal.type("Write 'hello' to note.md")
        terminal.press("enter")
        terminal.wait_for("write_file note.md", "y once")
        terminal.watch(GUARD_S)
        terminal.press("y")
        terminal.wait_for("note.md", "✓")
        terminal.wait_gone("y once")
        terminal.press("ctrl+q")
        assert terminal.wait_end() == 0
    [written] = bench.paths.workspaces.glob("*/note.md")
    assert written.read_text().strip() == "hello"


def test_a_terminal_that_is_too_small_says_so_and_comes_back(bench: Bench) -> None:
    with bench.open(columns=80, rows=24) as terminal:
        terminal.wait_for("engine ●")
        terminal.type("still here")
        terminal.wait_for("still here")
        for columns, rows in [(20, 5), (39, 24), (1, 1)]:
            terminal.resize(columns, rows)
            if columns > 1:
                terminal.wait_for("too", "small")
        for columns, rows in [(40, 10), (200, 60), (80, 24)]:
            terminal.resize(columns, rows)
            terminal.wait_for("still here")
        terminal.press("ctrl+q")
        assert terminal.wait_end() == 0


def test_five_megabytes_can_be_pasted_and_sent(bench: Bench) -> None:
    line = "0123456789 abcdefghij ÄÖÜ\n"
    text = line * (PASTED_BYTES // len(line.encode()))
    with bench.open() as terminal:
        terminal.wait_for("engine ●")
        terminal.type("What is in this? ")
        terminal.paste(text)
        terminal.wait_for("[pasted 5.0 MB]")
        terminal.type("xyz")
        terminal.wait_for("]xyz")
        terminal.press("enter")
        terminal.wait_for("▌ you", "What is in this?")
        terminal.wait_for("Message   @ file")
        terminal.type("/help")
        terminal.wait_for("/help")
        terminal.press("escape", "ctrl+q")
        assert terminal.wait_end() == 0
    exported = json.loads(bench.done("sessions", "export", "last", "--format", "json"))
    [asked] = [event for event in exported["events"] if event["type"] == "message.added"]
    assert asked["parts"][0]["text"] == f"What is in this? {text}xyz"
    assert bench.json("sessions", "list")[0]["status"] == "completed"
