"""The reference: a minimal program that draws finished Markdown blocks once, and nothing else.

No selection, no links, no history, no resizing, no estimated heights: what is left when everything but
drawing a reply is left out. It renders with Rich. Its figures are what ours are divided by.

    python tests/benchmarks/render_minimal.py 1000 result.json      (in a terminal)
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from markdown_it import MarkdownIt
from rich.console import Console
from rich.markdown import Markdown
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

sys.path.insert(0, str(Path(__file__).parent))

from render_text import MARKER, arguments, timed

TICK = 1 / 20


class Lines(ScrollView):
    """Finished blocks as strips; the unfinished tail is rendered again at each tick."""

    DEFAULT_CSS = "Lines { overflow-y: scroll; overflow-x: hidden; }"

    def __init__(self) -> None:
        super().__init__()
        self._parser = MarkdownIt("commonmark").enable("table")
        self._done: list[Strip] = []
        self._tail: list[Strip] = []
        self._rest = ""
        self._incoming: list[str] = []

    def write(self, text: str) -> None:
        self._incoming.append(text)

    def tick(self) -> None:
        if not self._incoming:
            return
        self._rest += "".join(self._incoming)
        self._incoming.clear()
        starts = [t.map[0] for t in self._parser.parse(self._rest) if t.level == 0 and t.map]
        if len(starts) > 1:
            lines = self._rest.splitlines(keepends=True)
            self._done += self._render("".join(lines[: starts[-1]]))
            self._rest = "".join(lines[starts[-1] :])
        self._tail = self._render(self._rest)
        self.virtual_size = Size(self.size.width, len(self._done) + len(self._tail))
        self.scroll_to(y=self.max_scroll_y, animate=False)
        self.refresh()

    def _render(self, source: str) -> list[Strip]:
        width = self.scrollable_content_region.width
        console = Console(width=width, color_system="truecolor", force_terminal=True)
        rows = console.render_lines(Markdown(source), console.options.update(width=width), pad=False)
        return [Strip([*row, Segment("")]) for row in [*rows, []]]

    def render_line(self, y: int) -> Strip:
        row = y + self.scroll_offset.y
        done = len(self._done)
        if row < done:
            strip = self._done[row]
        elif row < done + len(self._tail):
            strip = self._tail[row - done]
        else:
            return Strip.blank(self.size.width)
        return strip.adjust_cell_length(self.size.width)


class RenderMinimal(App[None]):
    """Feeds the lines and writes the figures."""

    def __init__(self, source: str, result: Path, rate: float) -> None:
        super().__init__()
        self._source, self._result, self._rate = source, result, rate

    def compose(self) -> ComposeResult:
        yield Lines()

    def on_ready(self) -> None:
        self.set_interval(TICK, self.query_one(Lines).tick)
        self.run_worker(self._feed())

    async def _feed(self) -> None:
        view = self.query_one(Lines)
        deltas = timed(self._source)
        view._render("# warm\n\n```python\nx = 1\n```\n")
        began = time.time()
        wall, cpu = time.perf_counter(), time.process_time()
        for number, (delta, at) in enumerate(deltas, 1):
            if at:
                await asyncio.sleep(max(0, wall + at - time.perf_counter()))
            view.write(delta)
            if self._rate:
                await asyncio.sleep(max(0, wall + number / self._rate - time.perf_counter()))
            elif number % 32 == 0:
                await asyncio.sleep(0)
        view.tick()
        while not await self._shows_marker():
            continue
        figures = {
            "chunks": len(deltas),
            "began": began,
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
    RenderMinimal(*arguments()).run()
