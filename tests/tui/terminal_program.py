"""The app on a fake workbench, in a terminal: `python terminal_program.py FOLDER`.

The run of the first message asks a question as soon as the terminal has lost the focus. At the end it
prints what is left in the message field, and the theme.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from fake_workbench import FakeRun, FakeWorkbench, settings

from holdfast.core.config.paths import shipped
from holdfast.tui.app import HoldfastApp
from holdfast.tui.start import Start


def start(folder: Path) -> None:
    """Runs the app to its end."""
    away = asyncio.Event()

    async def ask_when_nobody_looks(run: FakeRun) -> None:
        await run.wait(away)
        await run.ask("Which colour?", ("red", "blue"))

    class Watched(HoldfastApp):
        def watch_app_focus(self, focus: bool) -> None:
            if not focus:
                away.set()

        def exit(self, result: int | None = None, *more: Any) -> None:
            left.append(self.main.box.area.text)
            super().exit(result)

    left: list[str] = []
    bench = FakeWorkbench([ask_when_nobody_looks])
    bench.settings = settings(tui={"notifications": "osc9"})
    app = Watched(
        Start(bench.connect, folder=folder, state_file=folder / "tui.json", themes=[shipped("themes")])
    )
    app.run()
    if app._exception is not None:
        raise app._exception
    print(f"LEFT {left[0]!r} {app.theming.state.theme_data['name']}")


if __name__ == "__main__":
    start(Path(sys.argv[1]))
