"""Drafts of agents and prompts as Sage's clients read them. Pure."""

from __future__ import annotations

from datetime import datetime

from holdfast.core.domain.drafts import AgentDraft, DraftTask, PromptDraft
from holdfast.server.dialects.sage.mapping_times import local_time
from holdfast.server.dialects.sage.wire_agents import (
    Analysis,
    Draft,
    OptimizationDetails,
    OptimizedPrompt,
    Sections,
    Task,
    TaskError,
)

_TYPES = {"agent": "agent_auto_generate", "prompt": "system_prompt_optimize"}


def language_of(said: str | None, locale: str) -> str:
    """Returns the language of a draft: what was said, where that can be one, else that of the request."""
    short = (said or "").strip()
    return (
        short if 2 <= len(short) <= 8 and short.replace("-", "").isalnum() and short[:2].isalpha() else locale
    )


def draft_of(draft: AgentDraft, at: datetime) -> Draft:
    """Returns the draft of an agent."""
    return Draft(
        name=draft.display_name,
        description=draft.description,
        systemPrefix=draft.instructions,
        availableTools=list(draft.tools),
        availableWorkflows={name: list(steps) for name, steps in draft.workflows.items()},
        exportTime=local_time(at),
        draftedBy=draft.by,
    )


def optimized(draft: PromptDraft, at: datetime) -> OptimizedPrompt:
    """Returns a better prompt."""
    found = draft.findings
    return OptimizedPrompt(
        optimized_prompt=draft.text,
        analysis=Analysis(
            role_info=found.role,
            skills_info=found.skills,
            preferences_info=found.preferences,
            tool_info=found.tools,
            output_requirements=found.output,
            constraints_info=found.constraints,
            terminology_info=found.terminology,
            language_issues=found.language,
        ),
        sections=Sections.model_validate(draft.sections.model_dump()),
        timestamp=at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        optimization_details=OptimizationDetails(
            original_length=draft.original_length,
            optimized_length=len(draft.text),
            optimization_goal=draft.goal,
        ),
        draftedBy=draft.by,
    )


def task_of(task: DraftTask) -> Task:
    """Returns how a draft stands that its client comes back for."""
    result: Draft | OptimizedPrompt | None = None
    if task.agent is not None:
        result = draft_of(task.agent, task.updated_at)
    elif task.prompt is not None:
        result = optimized(task.prompt, task.updated_at)
    return Task.model_validate(
        {
            "task_id": task.id,
            "task_type": _TYPES[task.kind],
            "status": task.status,
            "result": result,
            "error": None if task.error is None else TaskError(message=task.error.message, code=500),
            "created_at": local_time(task.created_at),
            "updated_at": local_time(task.updated_at),
        }
    )
