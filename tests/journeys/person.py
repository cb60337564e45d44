"""A person at the app: presses keys, looks at the screen, and can say what was really done."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.events import Key
from textual.pilot import Pilot

from holdfast import bootstrap
from holdfast.core.config.paths import shipped
from holdfast.core.domain.events import EventFilter
from holdfast.tui.app import HoldfastApp
from holdfast.tui.keys import key_of
from holdfast.tui.start import Start

WAIT_S = 20.0
"""Longest wait for something to be on the screen; only a failing journey waits that long."""
_SLICE_S = 0.01
SIZE = (120, 40)

Wanted = str | re.Pattern[str]


class Person:
    """Somebody at an app whose engine is in this process."""

    def __init__(self, app: HoldfastApp, pilot: Pilot[Any], workbench: Callable[[], Any]) -> None:
        self._app = app
        self._pilot = pilot
        self._workbench = workbench

    # --- looking

    @property
    def text(self) -> str:
        """The characters on the screen, one line a row; spaces that hold words together are spaces."""
        app = self._app
        strips = app.screen._compositor.render_strips(app.size)
        rows = ("".join(segment.text for segment in strip).rstrip() for strip in strips)
        return "\n".join(rows).replace("\xa0", " ")

    def shows(self, wanted: Wanted) -> bool:
        """Says whether a text or a regular expression is on the screen."""
        return wanted in self.text if isinstance(wanted, str) else wanted.search(self.text) is not None

    async def sees(self, *wanted: Wanted) -> None:
        """Waits until all of `wanted` are on the screen together."""
        await self.until(lambda: all(map(self.shows, wanted)), f"{wanted} to be shown")

    async def sees_no_more(self, *unwanted: Wanted) -> None:
        """Waits until none of `unwanted` is on the screen."""
        await self.until(lambda: not any(map(self.shows, unwanted)), f"{unwanted} to be gone")

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Waits, bounded, until `condition()` holds."""
        deadline = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < deadline, f"waited for {what}; the screen is\n{self.text}"
            await self._pilot.pause(_SLICE_S)

    # --- doing

    async def press(self, *keys: str) -> None:
        """Presses keys one after the other, by the names that Textual has for them."""
        await self._pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Types a text, a key for each character, as fast as a terminal that sends them all at once."""
        driver = self._app._driver
        assert driver is not None
        for character in text:
            key = Key(key_of(character), character)
            key.set_sender(self._app)
            driver.send_message(key)
        await self._pilot.pause()

    async def ask(self, text: str) -> None:
        """Types a text and sends it."""
        await self.type(text)
        await self.press("enter")

    # --- what was really done

    async def events(self, *kinds: str) -> list[Any]:
        """Returns the events of the log of some kinds, oldest first."""
        found: list[Any] = []
        wanted, after = EventFilter(), 0
        while page := (await self._workbench().events.read(wanted, after=after)).items:
            found += [logged.event for logged in page if logged.event.type in kinds]
            after = page[-1].id
        return found

    async def ends(self, runs: int = 1) -> None:
        """Waits until so many runs are completed."""
        deadline = time.monotonic() + WAIT_S
        while len(await self.events("run.completed")) < runs:
            assert time.monotonic() < deadline, f"the run does not end; the screen is\n{self.text}"
            await self._pilot.pause(_SLICE_S)


@dataclass(frozen=True, slots=True)
class Desk:
    """A home and a project that a person works in."""

    home: Path
    project: Path
    root: Path

    @asynccontextmanager
    async def sit_down(
        self, *, agent: str | None = None, model: str | None = None, at: Any = None
    ) -> AsyncIterator[Person]:
        """Opens the app, with an engine in this process, on a screen of 120 columns and 40 rows. `at` is an
        engine's workbench that is open already, and stays so."""
        made: list[Any] = []

        async def connect() -> Any:
            made.append(at or await bootstrap._connect_in_process("app"))
            return made[-1]

        start = Start(
            connect,
            folder=self.project,
            state_file=bootstrap.paths().ui_state,
            themes=[shipped("themes")],
            session=None,
            agent=agent,
            model=model,
        )
        app = HoldfastApp(start)
        async with app.run_test(size=SIZE) as pilot:
            person = Person(app, pilot, lambda: made[-1])
            await person.sees("engine ●")
            yield person

    def script(self, name: str, *steps: list[dict[str, Any]]) -> str:
        """Writes a script for the scripted model; returns the model's name. Its steps go by the place in the
        conversation, so that a copy of a session goes on where it stands."""
        path = self.root / f"{name}.json"
        path.write_text(json.dumps({"steps": steps, "by": "conversation"}), encoding="utf-8")
        return f"scripted/{path}"

    def written(self, name: str) -> Path | None:
        """Returns the path of a file that an agent wrote in a workspace of its own; None when it is not."""
        return next(bootstrap.paths().workspaces.glob(f"*/{name}"), None)


def says(text: str) -> list[dict[str, Any]]:
    """A step in which the model only says something."""
    return [{"type": "text", "text": text}]


def calls(tool: str, key: str = "call", **arguments: Any) -> dict[str, Any]:
    """A call of a tool, part of a step."""
    return {"type": "tool_call", "key": key, "name": tool, "arguments": arguments}
