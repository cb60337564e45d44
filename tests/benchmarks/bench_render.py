"""The transcript alone against a minimal program that draws finished Markdown once, fed the same deltas."""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from terminal import Terminal

HERE = Path(__file__).parent
ROUNDS = 5
BURST = 4_000
PACED = 250
PER_SECOND = 25


def run() -> list[dict[str, Any]]:
    """Returns the rows: CPU seconds until the end marker is drawn, as medians."""
    burst: dict[str, list[float]] = {"render_transcript": [], "render_minimal": []}
    paced: dict[str, list[float]] = {"render_transcript": [], "render_minimal": []}
    for _ in range(ROUNDS):
        for program in burst:
            burst[program].append(_cpu(program, BURST))
    for program in paced:
        paced[program].append(_cpu(program, PACED, PER_SECOND))
    return [
        _row(f"transcript alone, {BURST:,} chunks in a burst, CPU", burst, 1.3),
        _row(f"transcript alone, {PACED} chunks at {PER_SECOND}/s, CPU", paced, 1.2),
    ]


def _row(name: str, taken: dict[str, list[float]], goal: float) -> dict[str, Any]:
    ours, reference = (statistics.median(taken[each]) for each in ("render_transcript", "render_minimal"))
    ratio = ours / reference
    return {
        "name": name,
        "value": ours,
        "unit": "s",
        "reference": reference,
        "ratio": ratio,
        "goal": f"≤ {goal:g}",
        "ok": ratio <= goal,
    }


def _cpu(program: str, chunks: int, per_second: int | None = None) -> float:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "result.json")
        command = [sys.executable, str(HERE / f"{program}.py"), str(chunks), str(result)]
        terminal = Terminal([*command, *([str(per_second)] if per_second else [])], dict(os.environ))
        try:
            deadline = time.monotonic() + 60
            while not result.exists() or not result.read_text().strip():
                terminal.pump(0.01)
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{program} did not end")
            return float(json.loads(result.read_text())["cpu_s"])
        finally:
            terminal.close()
