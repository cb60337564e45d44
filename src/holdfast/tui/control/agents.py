"""Agents, models and trust: who answers, with which model, and what a project's agents may do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from holdfast.core.domain.agents import Layer
from holdfast.core.domain.errors import HoldfastError
from holdfast.core.domain.text import sanitize_line
from holdfast.tui.control.base import Context
from holdfast.tui.control.sessions import SessionsControl
from holdfast.tui.presenters.choices import agent_choices, model_choices

if TYPE_CHECKING:
    from holdfast.core.domain.agents import AgentInfo

FALLBACK_AGENT = "general"


class AgentsControl:
    """Choosing who answers."""

    def __init__(self, context: Context, sessions: SessionsControl) -> None:
        self._context = context
        self._sessions = sessions

    async def load(self) -> None:
        """Finds the agent of the next session and its model, and asks about the folder when needed."""
        model = self._context.model
        agents = await self._list()
        if not model.agent or all(a.name != model.agent for a in agents):
            wanted = model.agent
            model.agent = _default(agents)
            if wanted and model.agent != wanted:
                self._context.view.say_error(
                    f"There is no agent {sanitize_line(wanted)}; {model.agent} answers."
                )
        if model.session_id is None:
            await self._choose_model()
        await self._look_at_trust(agents)

    async def _list(self) -> tuple[AgentInfo, ...]:
        return await self._context.workbench.agents.list(str(self._context.app.start.project))

    async def _choose_model(self) -> None:
        model = self._context.model
        try:
            chosen = await self._context.workbench.models.choose(
                model.agent, str(self._context.app.start.project), model.model_flag
            )
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
        await self._context.workbench.agents.get(chosen, str(self._context.app.start.project))
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
        await self._context.workbench.agents.get(chosen, str(self._context.app.start.project))
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
            return
        session = await self._context.workbench.sessions.configure(model.session_id, model=flag)
        model.header = replace(model.header, model=session.model or "the usual model")
        self._context.view.mark("header")
        self._context.view.say(f"{session.model or 'The usual model'} answers from the next message on.")

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
        known = (
            await self._context.workbench.agents.trusted(str(self._context.app.start.project))
            if names
            else None
        )
        model.untrusted = tuple(names) if names and known is None else ()
        self._context.view.mark("trust")

    async def trust(self, answer: str) -> None:
        """Records the person's word on this folder; `no` is a word too."""
        trusted = answer.lower() not in ("no", "n", "ignore")
        project = str(self._context.app.start.project)
        await self._context.workbench.agents.trust(project, trusted)
        self._context.model.untrusted = ()
        self._context.view.mark("trust")
        self._context.view.say(
            f"{project} is trusted: its agents use their own allow rules."
            if trusted
            else f"{project} is not trusted: its agents ask before everything."
        )


def _default(agents: tuple[AgentInfo, ...]) -> str:
    valid = [a.name for a in agents if a.spec is not None]
    if FALLBACK_AGENT in valid:
        return FALLBACK_AGENT
    return valid[0] if valid else FALLBACK_AGENT
