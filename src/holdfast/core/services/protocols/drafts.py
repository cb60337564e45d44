"""The noun `drafts` of a workbench."""

from __future__ import annotations

from typing import Annotated, Protocol

from pydantic import Field

from holdfast.core.domain.drafts import (
    AgentDraft,
    Before,
    Description,
    DraftTask,
    Goal,
    Language,
    MessageDraft,
    PromptDraft,
    PromptText,
)
from holdfast.core.domain.identity import Scope
from holdfast.core.services.needs import needs

ToolNames = Annotated[tuple[str, ...], Field(max_length=500)]


class Drafts(Protocol):
    """What a model drafts, outside of any conversation: the model of new sessions is asked, and what that
    takes counts as what runs take. On the offline model it is made of a template, and says so.

    All raise `BudgetSpent`, `ModelError`, and `ModelError` (`unusable_draft`) where the model has answered
    twice what is none.
    """

    @needs(Scope.CHAT)
    async def agent(
        self, description: Description, tools: ToolNames | None = None, language: Language = "en"
    ) -> AgentDraft:
        """Returns what an agent could be that does what is described. `tools` are those that it may have;
        None: all that come with Holdfast, and the user's own."""
        ...

    @needs(Scope.CHAT)
    async def prompt(self, text: PromptText, goal: Goal = "", language: Language = "en") -> PromptDraft:
        """Returns a system prompt that says what `text` says, better, and with that `goal`."""
        ...

    @needs(Scope.CHAT)
    async def message(
        self, text: PromptText, before: Before = "", language: Language | None = None
    ) -> MessageDraft:
        """Returns a message to an agent that asks for the same as `text`, better. `before` is what was said
        until now; without a `language` it is in that of the message."""
        ...

    @needs(Scope.CHAT)
    async def submit_agent(
        self, description: Description, tools: ToolNames | None = None, language: Language = "en"
    ) -> DraftTask:
        """Does as `agent`, for who comes back for it. Raises `ConflictError` (`too_many_drafts`)."""
        ...

    @needs(Scope.CHAT)
    async def submit_prompt(self, text: PromptText, goal: Goal = "", language: Language = "en") -> DraftTask:
        """Does as `prompt`, for who comes back for it. Raises `ConflictError` (`too_many_drafts`)."""
        ...

    @needs(Scope.READ)
    async def task(self, id: str) -> DraftTask:
        """Returns how a draft stands. Raises `NotFoundError`, also half an hour after it was asked for."""
        ...

    @needs(Scope.CHAT)
    async def cancel(self, id: str) -> DraftTask:
        """Stops a draft; one that has ended is returned as it is. Raises `NotFoundError`."""
        ...
