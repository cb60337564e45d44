"""Drafts that a model writes for people: of an agent, and of a better system prompt."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.options import Workflows
from holdfast.core.domain.values import Value

MAX_DESCRIPTION = 20_000
"""Characters of what an agent is described by."""
MAX_PROMPT = 100_000
"""Characters of a prompt that is to be better."""

DraftedBy = Literal["model", "template"]
"""`template`: no model was asked, for there is none but the offline one."""
Description = Annotated[str, Field(min_length=1, max_length=MAX_DESCRIPTION)]
PromptText = Annotated[str, Field(min_length=1, max_length=MAX_PROMPT)]
Before = Annotated[str, Field(max_length=MAX_PROMPT)]
Goal = Annotated[str, Field(max_length=MAX_DESCRIPTION)]
Language = Annotated[str, Field(pattern=r"^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,2}$")]
"""A tag such as `en`, `zh` or `pt-BR`."""


class AgentDraft(Value):
    """What an agent could be. Nothing is kept of it."""

    display_name: str
    description: str
    instructions: str
    tools: tuple[str, ...] = ()
    """Some of those that it may have."""
    workflows: Workflows = Field(default={})
    by: DraftedBy
    model: str = ""
    """That has written it; empty for a template."""


class PromptSections(Value):
    """The parts of a system prompt; those that it does not need are empty."""

    role: str = ""
    skills: str = ""
    tool_guidance: str = ""
    content_preference: str = ""
    format_preference: str = ""
    terminology: str = ""
    constraints: str = ""


class PromptFindings(Value):
    """What the prompt says as it was, by subject, and what is wrong with its language."""

    role: str = ""
    skills: str = ""
    preferences: str = ""
    tools: str = ""
    output: str = ""
    constraints: str = ""
    terminology: str = ""
    language: str = ""


class PromptDraft(Value):
    """A system prompt that says the same better."""

    text: str
    """In Markdown: the sections under headings."""
    sections: PromptSections
    findings: PromptFindings
    original_length: int
    """Of the prompt as it was, in characters."""
    goal: str = ""
    by: DraftedBy
    model: str = ""


class MessageDraft(Value):
    """What somebody wants to say to an agent, said better."""

    text: str
    original_length: int
    """Of the message as it was, in characters."""
    by: DraftedBy
    """`template`: it is as it was."""
    model: str = ""


DraftStatus = Literal["pending", "running", "completed", "failed", "cancelled"]


class DraftTask(Value):
    """A draft that somebody comes back for: it is there for half an hour."""

    id: str
    kind: Literal["agent", "prompt"]
    status: DraftStatus
    agent: AgentDraft | None = None
    """Where it is completed, of that kind; so is `prompt`."""
    prompt: PromptDraft | None = None
    error: ErrorInfo | None = None
    """Where it has failed."""
    created_at: AwareDatetime
    updated_at: AwareDatetime
