"""An app on a furnished workbench, led to where a picture is taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from fake_workbench import FakeWorkbench
from furnished import furnish, report
from textual.pilot import Pilot
from textual.timer import Timer

from holdfast.core.config.paths import shipped
from holdfast.tui.app import REPEATABLE
from holdfast.tui.presenters.commands import by_slash

HERE = Path("/work/project")
"""The folder that the app is started in. There is none: the pictures are the same on every machine."""
LONGEST_S = 10.0
READING = {"complete", "open", "reading", "run in full", "runs with words", "do runs.page"}
"""Groups of workers whose end is waited for."""
SOON_S = 1.0
"""A timer that rings within this time is waited for; what rings later leaves the picture as it is."""

SMALL, LARGE = (80, 24), (120, 40)
DARK, LIGHT = "holdfast-dark", "holdfast-light"
TWO = ((SMALL, DARK), (LARGE, LIGHT))
ALL = (*TWO, (SMALL, LIGHT), (LARGE, DARK))


class Stage:
    """An app on a workbench that is furnished when the app connects to it."""

    def __init__(self, make_app: Callable[..., Any], until: Any, script: Any = report, **more: Any) -> None:
        self.bench = FakeWorkbench([script])
        self._until = until
        self.app = make_app(
            self.bench,
            **({"connect": self.connect, "themes": [shipped("themes")], "folder": HERE} | more),
        )
        notify = self.app.notify
        self.app.notify = lambda text, **how: notify(text, **(how | {"timeout": 3600}))

    async def connect(self) -> FakeWorkbench:
        if not self.bench.log:
            await furnish(self.bench)
        return self.bench

    async def ready(self, pilot: Pilot[Any]) -> None:
        """Waits for the engine and the themes."""
        app = self.app
        await self._until(pilot, lambda: app.model.header.engine == "ready" and app.model.header.model)
        await self._until(pilot, lambda: app.model.inbox and app.model.found is not None)
        await self._until(pilot, lambda: "fjord" in app.theming.names)

    async def ask(self, pilot: Pilot[Any], sees: str, waits: int = 2) -> None:
        """Sends a message that the script answers, until `waits` things wait and `sees` is on the screen."""
        await self.ready(pilot)
        await pilot.press(*"report", "enter")
        await self._until(pilot, lambda: self.app.model.session_id and len(self.app.model.inbox) == waits)
        # Opened anew: what was on the screen while it streamed must not matter to the picture.
        await self.app.desk.sessions.open(self.app.model.session_id)
        await self.see(pilot, sees)

    async def go(self, pilot: Pilot[Any], *steps: str) -> None:
        """Does one step after the other: a command (`/rules`), words to type (`:words`), something to be
        seen first (`?text`), else a key."""
        for step in steps:
            if step.startswith("?"):
                await self.see(pilot, step[1:])
            elif step.startswith(":"):
                await pilot.press(*("space" if letter == " " else letter for letter in step[1:]))
            elif step.startswith("/"):
                word, _, argument = step[1:].partition(" ")
                command = by_slash(word)
                assert command is not None, f"there is no command {step}"
                self.app.command(command.name, argument)
            else:
                await pilot.press(step)
            await self.rest(pilot)

    async def see(self, pilot: Pilot[Any], text: str) -> None:
        """Waits until a text is on the screen and everything is drawn."""
        deadline = time.monotonic() + LONGEST_S
        while text not in self.shown:
            assert time.monotonic() < deadline, f"{text!r} never came:\n{self.shown}"
            await pilot.pause(0.02)
        await self.rest(pilot)

    async def leave(self, pilot: Pilot[Any]) -> None:
        """Goes back to the main screen and an empty message field, whatever is open."""
        app = self.app
        while app.screen is not app.main:
            await app.screen.dismiss(None)
        app.main.panes.finder.close()
        app.main.box.set_text("")
        app.main.panes.side.show_tab("approvals")
        app.main.go_back()
        app.model.confirming = None
        app.main.mark("inbox")
        app.clear_notifications()
        await self.rest(pilot)

    @property
    def shown(self) -> str:
        """The characters on the screen."""
        return "\n".join("".join(segment.text for segment in strip) for strip in self._strips())

    def _strips(self) -> list[Any]:
        return list(self.app.screen._compositor.render_strips(self.app.size))

    async def rest(self, pilot: Pilot[Any]) -> None:
        """Waits until nothing is to be drawn any more."""
        before: list[Any] = []
        while True:
            await pilot.pause(0.02)
            await self._until(pilot, self._is_at_rest)
            now = self._strips()
            if now == before:
                return
            before = now

    def _is_at_rest(self) -> bool:
        app = self.app
        if app.main.panes is None or not app.main.panes.at_rest or app.animator._animations:
            return False
        under_way = {worker.group for worker in app.workers if worker.is_running}
        if under_way & {f"do {name}" for name in REPEATABLE} or under_way & READING:
            return False
        nodes = [app, *(node for screen in app.screen_stack for node in screen.walk_children(with_self=True))]
        return not any(_rings_soon(timer) for node in nodes for timer in list(node._timers))


def _rings_soon(timer: Timer) -> bool:
    """Whether a timer that rings once is about to."""
    waiting = timer._task is not None and not timer._task.done()
    return waiting and timer._repeat is not None and timer._interval < SOON_S


class Scene(NamedTuple):
    """What is seen after some steps from the main screen."""

    name: str
    steps: tuple[str, ...]
    sees: str
    whole: bool = False
    """Whether it is kept in both themes at both sizes."""


async def tour(stage: Stage, pilot: Pilot[Any], pictures: Any, *scenes: Scene) -> None:
    """Visits scenes, and compares each with its kept pictures."""
    wrong = []
    for scene in scenes:
        await stage.go(pilot, *scene.steps)
        await stage.see(pilot, scene.sees)
        wrong += await pictures(pilot, scene.name, stage, looks=ALL if scene.whole else TWO)
        await stage.leave(pilot)
    differ = "\n".join(wrong)
    assert not wrong, f"not as their kept pictures; --snapshot-update keeps what is now:\n{differ}"
