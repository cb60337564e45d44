"""From the start of the app until a typed key is drawn, in turns with a Textual app of one field."""

from __future__ import annotations

import sys
from typing import Any

from bare_app import BARE
from engines import HOLDFAST, home, start_engine
from scene import median, ratio_row
from terminal import Terminal

ROUNDS = 9
COLD_ROUNDS = 5


def run() -> list[dict[str, Any]]:
    """Returns the rows: with an engine that runs, and without."""
    bare = [sys.executable, "-c", BARE]
    warm, reference = [], []
    with home() as environment:
        start_engine(environment)
        for _ in range(ROUNDS):
            warm.append(_echo(HOLDFAST, environment))
            reference.append(_echo(bare, environment))
    cold, cold_reference = [], []
    for _ in range(COLD_ROUNDS):
        with home() as environment:
            cold.append(_echo(HOLDFAST, environment))
            cold_reference.append(_echo(bare, environment))
    return [
        ratio_row("launch to echoed key, engine running", median(warm), "s", median(reference), 1.3),
        ratio_row("launch to echoed key, no engine yet", median(cold), "s", median(cold_reference), 1.3),
    ]


def _echo(command: list[str], environment: dict[str, str]) -> float:
    terminal = Terminal(command, environment)
    try:
        return terminal.echo_time()
    finally:
        terminal.close()
