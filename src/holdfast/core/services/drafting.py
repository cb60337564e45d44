"""Agents and system prompts, drafted by a model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.config.settings import Settings
from holdfast.core.domain.drafts import AgentDraft, DraftTask, MessageDraft, PromptDraft
from holdfast.core.domain.errors import InvalidError, ModelError
from holdfast.core.domain.models import ModelCatalog
from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.core.domain.values import Value
from holdfast.core.services.asking import OFFLINE
from holdfast.core.services.counted_asking import CountedAsker
from holdfast.core.services.draft_tasks import DraftTasks
from holdfast.core.services.draft_texts import (
    DraftedAgent,
    DraftedMessage,
    DraftedPrompt,
    agent_prompt,
    agent_system,
    agent_template,
    assembled,
    json_in,
    message_prompt,
    message_system,
    prompt_prompt,
    prompt_system,
    prompt_template,
    repair_prompt,
)

_TOKENS = 8_000
"""Of an answer at most."""
_ATTEMPTS = 2
"""The second one to mend the first."""

D = TypeVar("D", bound=Value)


class DraftService:
    """Implements the `Drafts` of a workbench."""

    def __init__(
        self,
        owner: str,
        ask: CountedAsker,
        catalog: ModelCatalog,
        settings: Callable[[Path | None], Settings],
        registry: AgentRegistry,
        tasks: DraftTasks,
    ) -> None:
        self._owner = owner
        self._ask = ask
        self._catalog = catalog
        self._settings = settings
        self._registry = registry
        self._tasks = tasks

    async def agent(
        self, description: str, tools: tuple[str, ...] | None = None, language: str = "en"
    ) -> AgentDraft:
        _check_said(description, "description")
        known = tools
        if known is None:
            known = await asyncio.to_thread(self._registry.known_tools, self._owner)
        model = await self._model()
        if model == OFFLINE:
            return agent_template(description, known, tools is not None, language)
        made = await self._drafted(
            DraftedAgent, model, agent_system(language), agent_prompt(description, known)
        )
        return AgentDraft(
            display_name=sanitize_line(made.name),
            description=sanitize_line(made.description),
            instructions=sanitize(made.instructions),
            tools=tuple(name for name in dict.fromkeys(made.tools) if name in known),
            workflows=made.workflows,
            by="model",
            model=model,
        )

    async def prompt(self, text: str, goal: str = "", language: str = "en") -> PromptDraft:
        _check_said(text, "text")
        model = await self._model()
        if model == OFFLINE:
            return prompt_template(text, goal, language)
        made = await self._drafted(DraftedPrompt, model, prompt_system(language), prompt_prompt(text, goal))
        better = sanitize(assembled(made.sections, language))
        return PromptDraft(
            text=better,
            sections=made.sections,
            findings=made.findings,
            original_length=len(text),
            goal=goal,
            by="model",
            model=model,
        )

    async def message(self, text: str, before: str = "", language: str | None = None) -> MessageDraft:
        _check_said(text, "text")
        model = await self._model()
        if model == OFFLINE:
            return MessageDraft(text=text, original_length=len(text), by="template")
        made = await self._drafted(
            DraftedMessage, model, message_system(language), message_prompt(text, before)
        )
        return MessageDraft(text=sanitize(made.text), original_length=len(text), by="model", model=model)

    async def submit_agent(
        self, description: str, tools: tuple[str, ...] | None = None, language: str = "en"
    ) -> DraftTask:
        _check_said(description, "description")
        return self._tasks.begin(self._owner, "agent", lambda: self.agent(description, tools, language))

    async def submit_prompt(self, text: str, goal: str = "", language: str = "en") -> DraftTask:
        _check_said(text, "text")
        return self._tasks.begin(self._owner, "prompt", lambda: self.prompt(text, goal, language))

    async def task(self, id: str) -> DraftTask:
        return self._tasks.get(self._owner, id)

    async def cancel(self, id: str) -> DraftTask:
        return await self._tasks.cancel(self._owner, id)

    async def _model(self) -> str:
        """Returns the model that is asked: that of new sessions."""
        settings = await asyncio.to_thread(self._settings, None)
        choice = await self._catalog.choose(
            flag=None, session=None, agent=None, settings=settings.models.default, owner=self._owner
        )
        return choice.model

    async def _drafted(self, kind: type[D], model: str, system: str, prompt: str) -> D:
        """Returns what a model answers, in this form; it is asked once more where that is none. Raises
        `ModelError` (`unusable_draft`)."""
        asked = prompt
        for _ in range(_ATTEMPTS):
            answer = await self._ask(
                model, system, asked, schema=kind.model_json_schema(), max_tokens=_TOKENS
            )
            try:
                return kind.model_validate_json(json_in(answer) or answer)
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(map(str, first["loc"])) or "the answer"
                asked = repair_prompt(prompt, answer, f"{where}: {first['msg']}")
        raise ModelError(
            f"The model {model} has answered twice what is no draft. Try again, or choose another model.",
            code="unusable_draft",
            retryable=True,
        )


def _check_said(text: str, name: str) -> None:
    if not text.strip():
        raise InvalidError(f"The {name} is empty.", code="invalid_request")
