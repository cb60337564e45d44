"""Our transcript alone, fed one reply: how long, and how much CPU, until the end marker is drawn.

python tests/benchmarks/render_transcript.py 1000 result.json      (in a terminal)
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from textual.app import App, ComposeResult

sys.path.insert(0, str(Path(__file__).parent))

from render_text import MARKER, arguments, pieces

from holdfast.tui.presenters.entries import Append, Change, Entry
from holdfast.tui.widgets.transcript import Transcript, warm


class RenderTranscript(App[None]):
    """Shows the transcript and nothing else."""

    def __init__(self, source: str, result: Path, rate: float) -> None:
        super().__init__()
        self._source, self._result, self._rate = source, result, rate

    def compose(self) -> ComposeResult:
        yield Transcript()

    async def on_ready(self) -> None:
        await asyncio.to_thread(warm)
        self.run_worker(self._feed())

    async def _feed(self) -> None:
        transcript = self.query_one(Transcript)
        deltas = list(pieces(self._source))
        wall, cpu = time.perf_counter(), time.process_time()
        entry = Entry("reply", "reply", 1, "run", speaker="agent", open=True)
        transcript.apply([Append(entry)])
        for number, delta in enumerate(deltas, 1):
            entry.append(delta)
            transcript.apply([Change(entry)])
            if self._rate:
                await asyncio.sleep(max(0, wall + number / self._rate - time.perf_counter()))
            elif number % 32 == 0:
                await asyncio.sleep(0)
        entry.open = False
        transcript.apply([Change(entry)])
        while not await self._shows_marker():
            continue
        figures = {
            "chunks": len(deltas),
            "wall_s": round(time.perf_counter() - wall, 4),
            "cpu_s": round(time.process_time() - cpu, 4),
        }
        self._result.write_text(json.dumps(figures), encoding="utf-8")
        self.exit()

    async def _shows_marker(self) -> bool:
        """Waits for the next painting; says whether the marker was in it."""
        painted = asyncio.Event()
        self.call_after_refresh(painted.set)
        await painted.wait()
        return any(MARKER in strip.text for strip in self.screen._compositor.render_strips())


if __name__ == "__main__":
    RenderTranscript(*arguments()).run()
