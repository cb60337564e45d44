"""Runs are the engine's: apps come and go, and several look at the same."""

from __future__ import annotations

import pytest
from tests.e2e.bench import Bench
from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.thorough

GUARD_S = 0.7
"""The keys of a new approval do nothing for half a second; a person reads for longer."""
WAITING = "echo $((6 * 7)) lines so far; until [ -e {gate} ]; do sleep 0.05; done; echo $((7 * 9)) in all"
"""A command that runs until the test says so, however slow the machine is."""


def test_detach_and_reattach(bench: Bench) -> None:
    gate = bench.project / "gate"
    call = {"type": "tool_call", "key": "c", "name": "run_command"}
    steps = ([{**call, "arguments": {"command": WAITING.format(gate=gate)}}], [_text("That was all of it.")])
    model = bench.script("s", *steps)
    bench.agent("worker", f"description: Works.\ntools: [run_command]\nworkspace: project\nmodel: {model}\n")
    with bench.open("--agent", "worker") as terminal:
        terminal.wait_for("Message   @ file   / command")
        terminal.type("work")  # before the engine runs: it is sent when it does
        terminal.press("enter")
        terminal.wait_for("⚠ 1", "y once")
        terminal.watch(GUARD_S)
        terminal.press("y")
        terminal.wait_for("42 lines so far", "esc interrupt")
        terminal.kill()
    engine = bench.engine
    assert engine is not None
    assert bench.json("sessions", "list")[0]["status"] == "running"
    with bench.open("--session", "last") as terminal:
        terminal.wait_for("▌ work", "42 lines so far", "esc interrupt")
        gate.touch()
        terminal.wait_for("▸ run_command", "That was all of it.")
        terminal.wait_gone("esc interrupt")
        terminal.press("f6")
        terminal.wait_for("z fold")
        terminal.press("T", "enter")
        terminal.wait_for("42 lines so far", "63 in all")
        terminal.press("ctrl+q")
        assert terminal.wait_end() == 0
    assert bench.engine == engine, "the engine that began it has ended it"
    assert bench.json("sessions", "list")[0]["status"] == "completed"


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def test_two_clients(bench: Bench) -> None:
    url = bench.json("serve", "--background", "--port", "0")["url"]
    key = bench.done("keys", "create", "laptop", "--scope", "chat").split()[-1]
    (bench.root / "laptop").mkdir()
    (bench.root / "laptop" / "tides.txt").write_text("High water is at noon.\n")
    with bench.open(columns=120, rows=40) as here, _attached(bench, url, key) as there:
        here.wait_for("general answers with offline", "engine ●")
        there.wait_for(f"{url.partition('://')[2]} ●", "general answers with offline")
        there.type("Summarise @./tides.txt and save a report to report.md")
        there.press("escape", "enter")
        there.wait_for("⚠ 1", "write_file report.md", "+# ")
        here.wait_for("⚠ 1", "write_file report.md", "in Summarise")
        here.watch(GUARD_S)
        here.press("y")
        there.wait_for("Written to report.md", "Approved elsewhere:")
        here.wait_gone("⚠ 1")
        bench.done("engine", "restart")
        bench.done("sessions", "rename", "last", "Over a restart")
        there.wait_for("Over a restart", " ● ", timeout=30)
        here.wait_for("Over a restart", "engine ●", timeout=30)
        there.press("f3")
        there.wait_for("report.md", "new")
        there.press("ctrl+q")
        assert there.wait_end() == 0
    assert not (bench.root / "other" / "data" / "engine.lock").exists(), "an engine was started there"
    assert key not in "".join(path.read_text() for path in bench.paths.logs.glob("*.log"))


def _attached(bench: Bench, url: str, key: str) -> Terminal:
    """Attaches from another home and another folder, with the key in the environment."""
    environment = {
        **bench.environment,
        "HOLDFAST_HOME": str(bench.root / "other"),
        "HOLDFAST_KEY": key,
    }
    return Terminal(bench.command("attach", url), environment, bench.root / "laptop", columns=120, rows=40)
