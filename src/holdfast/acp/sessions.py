"""A session that an editor has open: what can be chosen for it, its commands, what goes on in it."""

from __future__ import annotations

from acp.schema import (
    AvailableCommand,
    AvailableCommandInput,
    SessionModeState,
    UnstructuredCommandInput,
)

from holdfast.acp.choices import ConfigOption, config_options, modes_of
from holdfast.acp.turn import Turn
from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.models import ModelInfo
from holdfast.core.domain.prompts import PromptInfo
from holdfast.core.domain.runs import Session
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.services.workbench import Workbench

_DESCRIPTION = 120


class EditorSession:
    """One session; `session` is as it was seen last."""

    def __init__(self, workbench: Workbench, session: Session) -> None:
        self._workbench = workbench
        self._models: tuple[ModelInfo, ...] = ()
        self.session = session
        self.turns: list[Turn] = []
        """Those that go on."""
        self.waiting: Turn | None = None
        """A turn that has ended with a question: the next prompt answers it."""
        self.notes: list[str] = []
        """What the person has to be told at the next prompt."""
        self.prompts: dict[str, PromptInfo] = {}
        """What can be sent by a slash: the commands of the session."""

    async def look_at_agent(self) -> list[AvailableCommand]:
        """Returns the prompts that the session can see as commands; notes when its agent's folder is not
        trusted, or it is gone."""
        known = await self._workbench.prompts.list(session_id=self.session.id)
        self.prompts = {each.key if each.shadowed else each.name: each for each in known if each.usable}
        commands = [_command(name, each) for name, each in self.prompts.items()]
        name, project = self.session.agent, self.session.project or None
        try:
            info = await self._workbench.agents.get(name, project)
        except NotFoundError as error:  # the session can be read all the same, and given another agent
            self.notes.append(error.message)
            return commands
        if not info.trusted:
            self.notes.append(
                f"{sanitize_line(info.name)} comes from a folder that you have not trusted: it asks first, "
                "and has neither knowledge nor memory (`holdfast trust`)."
            )
        return commands

    def taken_notes(self) -> list[str]:
        """Returns what the person has to be told, each once."""
        notes, self.notes = self.notes, []
        return [f"{note}\n\n" for note in notes]

    async def choices(self) -> tuple[SessionModeState, list[ConfigOption]]:
        """Returns what can be chosen, and what is."""
        session = self.session
        project = session.project or None
        found = await self._workbench.approvals.mode(session.id)
        mode = ApproveMode.ASK if found is None else found.mode
        self._models = await self._workbench.models.list()
        try:
            usual = (await self._workbench.models.choose(session.agent, project)).model
        except NotFoundError:  # its agent is gone
            usual = "unknown"
        options = config_options(
            mode=mode,
            model=session.model,
            models=self._models,
            usual=usual,
            agent=session.agent,
            agents=await self._workbench.agents.list(project),
        )
        return modes_of(mode), list(options)

    def window(self, model: str) -> int | None:
        """Returns how many tokens a model takes, None where that is not known."""
        return next((each.context_window for each in self._models if each.name == model), None)


def _command(name: str, prompt: PromptInfo) -> AvailableCommand:
    hint = sanitize_line(prompt.hint)
    words = AvailableCommandInput(root=UnstructuredCommandInput(hint=hint)) if hint else None
    said = prompt.description or prompt.title or f"A prompt ({prompt.key})"
    shown = shorten(sanitize_line(said).strip(), _DESCRIPTION)
    return AvailableCommand(name=name, description=shown, input=words)
