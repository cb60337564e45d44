"""Makes the README's picture: the app itself, offline, on the tutorial's data, with an approval waiting.

python tests/tui/picture.py docs/img/holdfast.svg
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

ROOT = Path(__file__).parents[2]
SIZE = (140, 40)


async def main(target: Path) -> None:
    folder = Path(tempfile.mkdtemp())
    os.environ["HOLDFAST_HOME"] = str(folder / "home")
    project = folder / "tutorial"
    shutil.copytree(ROOT / "docs" / "tutorial", project)
    os.chdir(project)

    from holdfast import __version__, bootstrap
    from holdfast.core.config.paths import shipped
    from holdfast.tui.app import HoldfastApp
    from holdfast.tui.start import Start

    where = bootstrap.paths()
    where.make()

    async def connect():
        return await bootstrap._connect_in_process()

    start = Start(
        connect,
        folder=project,
        state_file=where.ui_state,
        themes=[shipped("themes")],
        session=None,
        agent="analyst",
        model=None,
        version=__version__,
    )
    app = HoldfastApp(start)
    async with app.run_test(size=SIZE) as pilot:

        async def until(wanted: Callable[[], object]) -> None:
            async with asyncio.timeout(20):
                while not wanted():
                    await pilot.pause(0.05)

        await until(lambda: app.model.hint)
        for letter in "Summarise @iowa-electricity.csv and save a report to report.md":
            await pilot.press("space" if letter == " " else letter if letter.isalnum() else _key(letter))
        await pilot.press("escape", "enter")
        await until(lambda: len(app.model.inbox))
        await pilot.pause(1.0)
        picture = app.export_screenshot(title="Holdfast")
        # The fonts that the picture would fetch from elsewhere: every reader has a monospaced one.
        target.write_text(re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL))
    shutil.rmtree(folder)


def _key(letter: str) -> str:
    return {"@": "at", "-": "minus", ".": "full_stop"}[letter]


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]).absolute()))
