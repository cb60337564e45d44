"""Makes the README's pictures: the app itself, offline, on the tutorial and on the project's documents.

python tests/tui/picture.py docs/img
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SIZE = (120, 36)
LONGEST_S = 90
NAMES = {"@": "at", "-": "minus", ".": "full_stop", " ": "space", "'": "apostrophe", "?": "question_mark"}


class Camera:
    """An app, and who takes pictures of it."""

    def __init__(self, app: Any, pilot: Any, target: Path) -> None:
        self.app, self._pilot, self._target = app, pilot, target

    @property
    def shown(self) -> str:
        strips = self.app.screen._compositor.render_strips(self.app.size)
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    async def until(self, wanted: Callable[[], object]) -> None:
        async with asyncio.timeout(LONGEST_S):
            while not wanted():
                await self._pilot.pause(0.05)

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)
        await self._pilot.pause(0.3)

    async def send(self, text: str) -> None:
        """Types a message, and sends it."""
        for letter in text:
            await self._pilot.press(NAMES.get(letter, letter))
        await self._pilot.press("escape", "enter")

    async def take(self, name: str, sees: str) -> None:
        """Keeps what is on the screen, once a text is there."""
        await self.until(lambda: sees in self.shown)
        self.app.clear_notifications()
        await self._pilot.pause(1.0)
        picture = self.app.export_screenshot(title="Holdfast")
        # The fonts that the picture would fetch from elsewhere: every reader has a monospaced one.
        picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
        (self._target / f"{name}.svg").write_text(picture)


async def deciding(camera: Camera) -> None:
    """A file is to be written; then it is to be changed."""
    app = camera.app
    await camera.send("Summarise @iowa-electricity.csv and save a report to report.md")
    await camera.until(lambda: len(app.model.inbox))
    await camera.take("holdfast", "y once")
    await camera.press("y")
    await camera.until(lambda: not app.model.run.busy)
    await camera.send("replace 'Fossil Fuels' with 'Coal' everywhere in report.md")
    await camera.until(lambda: len(app.model.inbox))
    await camera.press("f2", "enter")
    await camera.take("approval", "Coal")
    await camera.press("y")
    await camera.until(lambda: not app.model.run.busy)


async def asking(camera: Camera) -> None:
    """A question is answered from documents."""
    bench = camera.app.desk.context.workbench
    made = await bench.knowledge.create("docs")
    job = await bench.knowledge.add(made.id, (str(ROOT / "docs" / "how-to"),))
    while not (await bench.jobs.get(job.id, wait_s=5)).status.ended:
        pass
    await camera.send("How do I revoke a key?")
    await camera.until(lambda: camera.app.model.answers.find(1) and not camera.app.model.run.busy)
    await camera.press("f5")
    await camera.take("knowledge", "score")


async def main(target: Path) -> None:
    folder = Path(tempfile.mkdtemp())
    os.environ["HOLDFAST_HOME"] = str(folder / "home")
    os.environ["HOLDFAST_TUI__KEY_GUARD_S"] = "0"
    project = folder / "tutorial"
    shutil.copytree(ROOT / "docs" / "tutorial", project)
    os.chdir(project)
    try:
        await _show("analyst", project, target, deciding)
        await _show("librarian", project, target, asking)
    finally:
        shutil.rmtree(folder)


async def _show(agent: str, project: Path, target: Path, scene: Callable[[Camera], Any]) -> None:
    from holdfast import __version__, bootstrap
    from holdfast.core.config.paths import shipped
    from holdfast.tui.app import HoldfastApp
    from holdfast.tui.start import Start

    where = bootstrap.paths()
    where.make()
    start = Start(
        lambda: bootstrap._connect_in_process("app"),
        folder=project,
        state_file=where.ui_state,
        themes=[shipped("themes")],
        session=None,
        agent=agent,
        model=None,
        version=__version__,
    )
    app = HoldfastApp(start)
    async with app.run_test(size=SIZE) as pilot:
        camera = Camera(app, pilot, target)
        await camera.until(lambda: app.model.hint)
        await scene(camera)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]).absolute()))
