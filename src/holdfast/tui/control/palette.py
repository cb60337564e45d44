"""The command palette and the arguments of slash commands: what there is to choose from, and doing it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from textual.dom import DOMNode

from holdfast.core.domain.errors import HoldfastError
from holdfast.core.domain.text import sanitize_line
from holdfast.tui.keys import BY_ID
from holdfast.tui.presenters.choices import Choice
from holdfast.tui.presenters.commands import BY_NAME
from holdfast.tui.presenters.fuzzy import match
from holdfast.tui.presenters.palette import Entry, Targets, entries, used
from holdfast.tui.presenters.spans import Line, line
from holdfast.tui.screens.modelled import ModelScreen
from holdfast.tui.screens.palette import PaletteScreen

if TYPE_CHECKING:
    from holdfast.tui.app import HoldfastApp

GIVES = {
    "session": "open",
    "agent": "agent",
    "model": "model",
    "theme": "theme",
    "setting": "settings",
    "prompt": "prompt",
}
"""The command that goes to a target of a kind."""
STAYS = ("help", "quit", "theme", "mouse", "settings", "logs", "health", "reconnect", "restart")
"""What is done without going back to the main screen first; other commands are about what is there."""
MOST_ARGUMENTS = 50
Argument = tuple[str, Line]
"""What is put in, and how it is shown."""


class Palette:
    """One app's palette. It works without an engine, too: with what needs none."""

    def __init__(self, app: HoldfastApp) -> None:
        self._app = app
        self._targets = Targets()

    # --- the palette

    async def open(self) -> None:
        """Lets the person choose something, and does it."""
        app = self._app
        if app.screen.is_modal and not hasattr(app.screen, "PLACE"):
            return  # a dialog waits for an answer, or the palette is open already
        focused, place = app.focused, self._place()
        screen = PaletteScreen(entries(place, self._targets), app.theming.state.recent)
        done = app.push_screen(screen, wait_for_dismiss=True)
        app.work(partial(self._read_into, screen, place), "palette")
        chosen = await done
        if chosen is not None:
            app.theming.state.recent = used(app.theming.state.recent, chosen.id)
            app.theming.save()
            await self._do(chosen, focused)

    def _place(self) -> str:
        screen = self._app.screen
        return getattr(screen, "PLACE", "") or (self._app.main.place if screen is self._app.main else "")

    async def _read_into(self, screen: PaletteScreen, place: str) -> None:
        await self.read()
        screen.add(entries(place, self._targets))

    async def _do(self, entry: Entry, focused: DOMNode | None) -> None:
        app = self._app
        if entry.kind == "key":
            await self._press(entry.name, focused)
            return
        name = entry.name if entry.kind == "command" else GIVES[entry.kind]
        if name not in STAYS:
            while len(app.screen_stack) > 1 and (not app.screen.is_modal or hasattr(app.screen, "PLACE")):
                if isinstance(app.screen, ModelScreen) and not await app.screen.may_leave():
                    return
                app.pop_screen()
        app.command(name, "" if entry.kind == "command" else entry.name)

    async def _press(self, key_id: str, focused: DOMNode | None) -> None:
        """Does what a key of where the person was does, there."""
        action = BY_ID[key_id].action
        name = action.partition("(")[0].rpartition(".")[2]
        nodes: list[Any] = list(focused.ancestors_with_self) if focused is not None else []
        nodes += [self._app.screen, self._app]
        owner = next((node for node in nodes if hasattr(node, f"action_{name}")), None)
        if owner is not None:
            await self._app.run_action(action, owner)

    # --- what there is

    async def read(self, kinds: tuple[str, ...] = ("agents", "models", "settings", "prompts")) -> None:
        """Reads what one can go to; of what the engine knows, `kinds`."""
        app, desk, targets = self._app, self._app.desk, self._targets
        targets.themes = ("auto", *app.theming.names)
        rows = app.model.sessions.rows(app.start.now(), app.model.session_id)
        targets.sessions = [(one.id, one.title) for one in rows]
        if desk is None or not desk.context.connected:
            return
        bench, project = desk.context.workbench, app.start.project or None
        if "agents" in kinds:
            agents = await bench.agents.list(project)
            targets.agents = [(one.name, one.description) for one in agents if one.spec is not None]
        if "models" in kinds:
            usable = [one for one in await bench.models.list() if one.available]
            targets.models = [("default", "the usual model"), *((one.name, one.provider) for one in usable)]
        if "prompts" in kinds:
            known = await desk.prompts.offered()
            targets.prompts = [(one.word, " ".join((one.hint, one.help)).strip()) for one in known]
        if "settings" in kinds and app.model.may_trust:
            report = await bench.engine.describe_settings(project)
            targets.settings = [(one.key, one.about) for one in report.settings]

    async def complete(self, name: str, typed: str) -> None:
        """Offers what fits as the argument of a command in the message field; without a name, prompts."""
        try:
            if not name:
                await self._offer_prompts()
                return
            rows = await self.arguments(name, typed)
        except HoldfastError as error:
            self._app.log(f"nothing to complete /{name} with: {error.message}")
            return
        self._app.main.box.offer_arguments(name, typed, rows)

    async def _offer_prompts(self) -> None:
        desk = self._app.desk
        if desk is not None and desk.context.connected:
            self._app.main.box.offer_prompts(await desk.prompts.offered())

    async def arguments(self, name: str, typed: str) -> list[Argument]:
        """Returns what fits as the argument of a command, the best first."""
        found = await self._known(name)
        fitting = [(match(typed, f"{value} {about}"), value, about) for value, about in found]
        hits = [(one.score, value, about) for one, value, about in fitting if one is not None]
        hits.sort(key=lambda hit: -hit[0])
        return [
            (
                value,
                line((sanitize_line(value), "key"), (f"  {sanitize_line(about)}" if about else "", "muted")),
            )
            for _, value, about in hits[:MOST_ARGUMENTS]
        ]

    async def _known(self, name: str) -> list[tuple[str, str]]:
        words = BY_NAME[name].argument.strip("[]").split("|")
        if len(words) > 1:
            return [(word, "") for word in words]
        kinds = {
            "new": "agents",
            "agent": "agents",
            "agent.edit": "agents",
            "playground": "agents",
            "details": "agents",
            "runs": "agents",
            "model": "models",
            "settings": "settings",
            "prompt": "prompts",
        }
        if name in kinds or name in ("theme", "open"):
            await self.read((kinds.get(name, ""),))
        if name in kinds:
            return list(getattr(self._targets, kinds[name]))
        if name == "theme":
            return [(one, "") for one in self._targets.themes]
        if name == "open":
            return [(title, "") for _, title in self._targets.sessions]
        if name == "collections":
            return [(one.name, "") for one in self._app.model.knowledge.collections or []]
        return []

    async def open_session(self, wanted: str) -> None:
        """Opens the session of an id or a title; without one it is chosen.

        Raises `HoldfastError` of the engine.
        """
        app, desk = self._app, self._app.desk
        if desk is None:
            return
        rows = app.model.sessions.rows(app.start.now(), app.model.session_id)
        exact = next((one.id for one in rows if wanted in (one.id, one.title)), None)
        fitting = [one for one in rows if match(wanted, one.title) is not None]
        if exact is None and wanted and len(fitting) == 1:
            exact = fitting[0].id
        if exact is None:
            exact = await self._choose_session(wanted)
        if exact is not None:
            await desk.sessions.open(exact)

    async def _choose_session(self, wanted: str) -> str | None:
        app = self._app
        rows = app.model.sessions.rows(app.start.now(), app.model.session_id)
        found = [one for one in rows if match(wanted, one.title) is not None] or rows
        choices = [
            Choice(
                one.id,
                line((one.title, "strong"), (f"  {one.agent} · {one.age}", "muted")),
                [line((one.title, "heading")), line((f"{one.agent} · {one.age}", "muted"))],
                f"{one.title} {one.agent}",
            )
            for one in found
        ]
        return await app.dialogs.choose("Which session?", choices)
