"""An app on a furnished workbench, led to where a picture is taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fake_workbench import FakeRun, FakeWorkbench, new_file
from textual.pilot import Pilot

from holdfast.core.config.paths import shipped
from holdfast.core.domain.tools import CommandBlock, PlanBlock, PlanItem, Risk

REPORT = """# Third quarter

Revenue **rose in every region** [1].

| region | Q2 | Q3 |
|---|---:|---:|
| north | 1,200 | 1,710 |
| south | 980 | 1,004 |
"""


async def report(job: FakeRun) -> None:
    plan = (PlanItem(text="Read the figures", status="completed"), PlanItem(text="Write the report"))
    await job.call("update_plan", {}, ask=False, display=(PlanBlock(items=plan),), risk=Risk.READ)
    await job.say(REPORT)
    arguments, preview = new_file("report.md", REPORT)
    await job.call("write_file", arguments, "report.md", preview)
    await job.say("It is written.")


async def build(job: FakeRun) -> None:
    block = CommandBlock(command="make all", cwd="/work/project")
    await job.call("run_command", {"command": "make all"}, "make all", (block,), risk=Risk.EXECUTE)


class Stage:
    """An app on a workbench that is furnished when the app connects to it."""

    def __init__(self, make_app: Callable[..., Any], until: Any, theme: str, **more: Any) -> None:
        self.bench = FakeWorkbench([report])
        self.until = until
        self.theme = theme
        self.app = make_app(self.bench, connect=self.connect, themes=[shipped("themes")], **more)

    async def connect(self) -> FakeWorkbench:
        bench = self.bench
        if not bench.log:
            old = bench.add_session("Old notes")
            await bench.play(old.id, "What is a holdfast?")
            other = bench.add_session("Refactor the parser", "coder")
            bench._spawn(bench.play(other.id, "go", build))
        return bench

    async def ready(self, pilot: Pilot[Any]) -> None:
        """Waits for the engine and the themes."""
        app = self.app
        await self.until(pilot, lambda: app.model.header.engine == "ready" and app.model.header.model)
        await self.until(pilot, lambda: len(app.model.inbox) == 1 and self.theme in app.theming.names)
        app.theming.show(self.theme)

    async def approval(self, pilot: Pilot[Any]) -> None:
        """Goes to where a file waits to be written."""
        await self.ready(pilot)
        for character in "report":
            await pilot.press(character)
        await pilot.press("enter")
        await self.until(pilot, lambda: len(self.app.model.inbox) == 2)
        # Opened anew: what was on the screen while it streamed must not matter to the picture.
        await self.app.desk.sessions.open(self.app.model.session_id)
        await self.rest(pilot)

    async def rest(self, pilot: Pilot[Any]) -> None:
        """Waits until everything is drawn."""
        main = self.app.main
        await self.until(pilot, lambda: main.panes.at_rest)
        await pilot.pause(0.2)
