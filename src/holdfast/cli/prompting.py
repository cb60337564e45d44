"""A prompt on the command line: its name, and what is put into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from holdfast.core.domain.prompts import ResolvedPrompt
from holdfast.core.services.workbench import Workbench


@dataclass(frozen=True, slots=True)
class PromptUse:
    """Which prompt is meant, with which values."""

    name: str
    words: tuple[str, ...] = ()
    arguments: Mapping[str, str] = field(default_factory=dict)


async def resolved(
    workbench: Workbench,
    use: PromptUse,
    *,
    session_id: str | None = None,
    project: str | None = None,
    agent: str | None = None,
) -> ResolvedPrompt:
    """Returns the message that a prompt is. Raises what `Prompts.resolve` raises."""
    return await workbench.prompts.resolve(
        use.name,
        dict(use.arguments),
        use.words,
        session_id=session_id,
        project=project,
        agent=agent,
    )
