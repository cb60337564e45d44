"""Agents, models and trust: who answers, with which model, and what a project's agents may do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from holdfast.core.config.settings import Settings, TuiSettings
from holdfast.core.domain.agents import Layer
from holdfast.core.domain.errors import HoldfastError, InvalidError, NotFoundError
from holdfast.core.domain.text import sanitize_line
from holdfast.tui import keymap as keymaps
from holdfast.tui.control.base import Context
from holdfast.tui.control.sessions import SessionsControl
from holdfast.tui.presenters.choices import agent_choices, model_choices

if TYPE_CHECKING:
    from holdfast.core.domain.agents import AgentInfo


class AgentsControl:
    """Choosing who answers."""

    def __init__(self, context: Context, sessions: SessionsControl) -> None:
        self._context = context
        self._sessions = sessions
        self.on_settings: Callable[[TuiSettings], None] = lambda _: None
        """Takes how the person wants the app, each time that it is read."""

    @property
    def _project(self) -> str | None:
        """The folder whose agents and settings are used; None when none is named."""
        return self._context.app.start.project or None

    async def load(self) -> None:
        """Finds the agent of the next session and its model, and asks about the folder when needed."""
        model = self._context.model
        settings = await self.read_settings()
        agents = await self._list()
        if not model.agent or all(a.name != model.agent for a in agents):
            wanted = model.agent
            model.agent = _default(agents, settings.default_agent)
            if wanted and model.agent != wanted:
                self._context.view.say_error(
                    f"There is no agent {sanitize_line(wanted)}; {model.agent} answers."
                )
        if model.session_id is None:
            await self._choose_model()
        await self._look_at_trust(agents)

    async def read_settings(self) -> Settings:
        """Reads the settings and applies those of the app; of a file with mistakes none is used."""
        try:
            settings = await self._context.workbench.engine.settings(self._project)
        except InvalidError as error:
            self._context.view.say_error(error.message)
            settings = Settings()
        tui = await self._own(settings.tui)
        self._take_mode(settings.approve.value)
        self._context.app.guard.seconds = tui.key_guard_s
        self._use_keys(tui.keys)
        self.on_settings(tui)
        return settings

    def _take_mode(self, usual: str) -> None:
        """Takes the setting for sessions whose mode nobody has chosen."""
        model = self._context.model
        model.approve = usual
        if not model.mode.chosen:
            model.mode = replace(model.mode, mode=usual)
        self._context.view.mark("header")

    def _use_keys(self, changes: Mapping[str, str]) -> None:
        """Gives actions the keys that the settings say; tells what is wrong with them."""
        keymap, problems = keymaps.use(changes)
        self._context.app.set_keymap(keymap)
        for problem in problems:
            self._context.view.say_error(problem)
        self._context.view.mark("footer", "inbox", "hint", "trust", "skew", "title")

    async def _own(self, tui: TuiSettings) -> TuiSettings:
        """Returns how the person wants the app; of an engine elsewhere, it is this machine that says so."""
        remote = self._context.remote
        if remote is None or remote.settings is None:
            return tui
        try:
            return await asyncio.to_thread(remote.settings)
        except InvalidError as error:
            self._context.view.say_error(error.message)
            return TuiSettings()

    async def _list(self) -> tuple[AgentInfo, ...]:
        return await self._context.workbench.agents.list(self._project)

    async def _choose_model(self) -> None:
        model = self._context.model
        try:
            chosen = await self._context.workbench.models.choose(model.agent, self._project, model.model_flag)
        except HoldfastError as error:
            model.hint = sanitize_line(error.message)
        else:
            model.hint = sanitize_line(chosen.hint) if chosen.model == "offline" else ""
            model.header = replace(model.header, agent=model.agent, model=chosen.model)
        self._context.view.mark("header", "hint", "welcome")

    async def new(self, name: str) -> None:
        """Starts afresh with an agent of the person's choice."""
        chosen = name or await self._pick_agent("New session: which agent?")
        if chosen is None:
            return
        await self._context.workbench.agents.get(chosen, self._project)
        model = self._context.model
        model.agent = chosen
        self._context.app.remember_agent(chosen)
        self._sessions.start_afresh()
        await self._choose_model()

    async def change_agent(self, name: str) -> None:
        """Lets another agent answer from the next message on."""
        chosen = name or await self._pick_agent("Which agent answers from now on?")
        model = self._context.model
        if chosen is None:
            return
        await self._context.workbench.agents.get(chosen, self._project)
        model.agent = chosen
        if model.session_id is None:
            await self._choose_model()
            return
        session = await self._context.workbench.sessions.configure(model.session_id, agent=chosen)
        model.sessions.merge(session)
        model.header = replace(model.header, agent=chosen)
        self._context.view.mark("header", "sessions")
        self._context.view.say(f"{chosen} answers from the next message on.")

    async def change_model(self, name: str) -> None:
        """Lets another model answer from the next message on; `default` goes back to the usual order."""
        chosen = name or await self._pick_model()
        if chosen is None:
            return
        model = self._context.model
        flag = "" if chosen == "default" else chosen
        if model.session_id is None:
            model.model_flag = flag or None
            await self._choose_model()
            self._context.view.say(f"{flag or 'The usual model'} answers in the next session.")
            return
        session = await self._context.workbench.sessions.configure(model.session_id, model=flag)
        model.header = replace(model.header, model=session.model or "the usual model")
        self._context.view.mark("header")
        self._context.view.say(f"{session.model or 'The usual model'} answers from the next message on.")

    async def renew(self, before: str, name: str) -> str:
        """Takes note that the file of the agent `before`, which may be called `name` now, has changed; says
        what that does to the open session, or nothing."""
        model = self._context.model
        if model.agent != before:
            return ""
        if name != before:
            await self.change_agent(name)
        elif model.session_id is None:
            await self._choose_model()
        if model.run.busy:
            return "The run under way ends as it began; the next one uses this version."
        return "This session uses this version from its next run on."

    async def _pick_agent(self, title: str) -> str | None:
        return await self._context.app.dialogs.choose(title, agent_choices(await self._list()))

    async def _pick_model(self) -> str | None:
        models = await self._context.workbench.models.list()
        current = self._context.model.header.model
        return await self._context.app.dialogs.choose("Which model answers?", model_choices(models, current))

    # --- trust

    async def _look_at_trust(self, agents: tuple[AgentInfo, ...]) -> None:
        model = self._context.model
        names = [sanitize_line(a.name) for a in agents if a.layer is Layer.PROJECT and not a.trusted]
        asked = bool(names) and self._project is not None and model.may_trust
        known = await self._context.workbench.agents.trusted(self._project or "") if asked else None
        model.untrusted = tuple(names) if asked and known is None else ()
        self._context.view.mark("trust")

    async def trust(self, answer: str) -> None:
        """Records the person's word on this folder; `no` is a word too."""
        trusted = answer.lower() not in ("no", "n", "ignore")
        project = self._project
        if project is None:
            raise NotFoundError("No project folder was named, so there is none to trust.", code="no_project")
        await self._context.workbench.agents.trust(project, trusted)
        self._context.model.untrusted = ()
        self._context.view.mark("trust")
        self._context.view.say(
            f"{project} is trusted: its agents use their own allow rules, knowledge and memory."
            if trusted
            else f"{project} is not trusted: its agents ask first, and have neither knowledge nor memory."
        )


def _default(agents: tuple[AgentInfo, ...], wanted: str) -> str:
    valid = [a.name for a in agents if a.spec is not None]
    return next((name for name in (wanted, *valid) if name in valid), wanted)
