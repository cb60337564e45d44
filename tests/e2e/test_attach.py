"""Two terminals on one session: the app beside its engine, and one attached by URL and key from elsewhere."""

from __future__ import annotations

from tests.e2e.bench import Bench
from tests.e2e.terminal import Terminal

GUARD_S = 0.7
"""The keys of a new approval do nothing for half a second; a person reads for longer."""


def test_what_is_asked_here_is_approved_there_and_seen_in_both(bench: Bench) -> None:
    url = bench.json("serve", "--background", "--port", "0")["url"]
    key = bench.done("keys", "create", "laptop", "--scope", "chat").split()[-1]
    (bench.root / "laptop").mkdir()
    (bench.root / "laptop" / "tides.txt").write_text("High water is at noon.\n")
    with bench.open(columns=120, rows=40) as here, attached(bench, url, key) as there:
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


def attached(bench: Bench, url: str, key: str) -> Terminal:
    """Attaches from another home and another folder, with the key in the environment."""
    environment = {
        **bench.environment,
        "HOLDFAST_HOME": str(bench.root / "other"),
        "HOLDFAST_KEY": key,
    }
    return Terminal(bench.command("attach", url), environment, bench.root / "laptop", columns=120, rows=40)
