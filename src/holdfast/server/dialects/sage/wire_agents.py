"""What Sage's API says of agents and of their drafts. Some names are in camel case, some are not."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from holdfast.core.domain.drafts import MAX_DESCRIPTION, MAX_PROMPT
from holdfast.server.dialects.sage.wire import Query, Said, Sent

Names = Annotated[list[Annotated[str, Field(max_length=500)]], Field(max_length=500)]


def _steps(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Steps = Annotated[list[str], BeforeValidator(_steps)]


class AgentConfig(Sent):
    """An agent as it is sent."""

    name: str
    systemPrefix: str | None = None
    systemContext: dict[str, Any] | None = None
    availableWorkflows: dict[str, Steps] | None = None
    availableTools: Names | None = None
    """None: all that there are; so of the next three."""
    availableSubAgentIds: Names | None = None
    availableSkills: Names | None = None
    availableKnowledgeBases: Names | None = None
    subAgentSelectionMode: str | None = None
    memoryType: str | None = None
    maxLoopCount: Any = None
    deepThinking: bool | None = None
    thinkingLevel: str | None = None
    llm_provider_id: str | None = None
    fast_llm_provider_id: str | None = None
    enableMultimodal: bool | None = None
    multiAgent: bool | None = None
    agentMode: str | None = None
    description: str | None = None
    im_channels: dict[str, Any] | None = None


class Agent(Said):
    """An agent as it is told, with all of its fields."""

    id: str
    user_id: str | None
    name: str
    systemPrefix: str | None
    systemContext: dict[str, Any] | None
    availableWorkflows: dict[str, list[str]] | None
    availableTools: list[str] | None
    availableSubAgentIds: list[str] | None
    availableSkills: list[str] | None
    availableKnowledgeBases: list[str] | None
    subAgentSelectionMode: str | None
    memoryType: str | None
    maxLoopCount: int
    deepThinking: bool
    thinkingLevel: str
    llm_provider_id: str | None
    fast_llm_provider_id: str | None
    enableMultimodal: bool
    multiAgent: bool
    agentMode: str
    description: str | None
    is_default: bool
    created_at: str | None
    updated_at: str | None
    im_channels: dict[str, Any] | None


class AgentId(Said):
    agent_id: str


class TemplateQuery(Query):
    language: str = "en"


class Content(Said):
    content: str


class Authorised(Sent):
    """With whom an agent is to be shared, and with nobody else."""

    user_ids: Annotated[list[str], Field(max_length=10_000)]


class DraftRequest(Sent):
    """What an agent is to be for."""

    agent_description: str = Field(max_length=MAX_DESCRIPTION)
    available_tools: Names | None = None
    language: str | None = None


class PromptRequest(Sent):
    """A system prompt that is to be better."""

    original_prompt: str = Field(max_length=MAX_PROMPT)
    optimization_goal: str | None = Field(default=None, max_length=MAX_DESCRIPTION)
    language: str | None = None


class LlmConfig(Said):
    """Of a draft: nothing is said of the model."""

    model: str = ""
    maxTokens: str = ""
    temperature: str = ""


DraftedBy = Literal["model", "template"]


class Draft(Said):
    """An agent that is not kept."""

    id: str = ""
    name: str
    description: str
    systemPrefix: str
    deepThinking: bool = False
    multiAgent: bool = False
    moreSupport: bool = False
    maxLoopCount: int = 100
    llmConfig: LlmConfig = LlmConfig()
    availableTools: list[str]
    systemContext: dict[str, Any] = Field(default={})
    availableWorkflows: dict[str, list[str]]
    exportTime: str
    version: str = "1.0"
    draftedBy: DraftedBy
    """An addition: `template` where no model was asked."""


class Analysis(Said):
    """What the prompt says as it was."""

    role_info: str
    skills_info: str
    preferences_info: str
    tool_info: str
    output_requirements: str
    constraints_info: str
    terminology_info: str
    language_issues: str


class Sections(Said):
    """The parts of the better prompt."""

    role: str
    skills: str
    tool_guidance: str
    content_preference: str
    format_preference: str
    terminology: str
    constraints: str


class OptimizationDetails(Said):
    original_length: int
    optimized_length: int
    optimization_goal: str


class OptimizedPrompt(Said):
    success: bool = True
    optimized_prompt: str
    analysis: Analysis
    sections: Sections
    timestamp: str
    optimization_details: OptimizationDetails
    draftedBy: DraftedBy
    """An addition: `template` where no model was asked."""


class TaskError(Said):
    message: str
    code: int


class Task(Said):
    """A draft that its client comes back for."""

    task_id: str
    task_type: Literal["agent_auto_generate", "system_prompt_optimize"]
    status: Literal["pending", "running", "completed", "failed", "cancelled"]
    result: Draft | OptimizedPrompt | None
    error: TaskError | None
    metadata: dict[str, Any] = Field(default={})
    created_at: str
    updated_at: str


class AbilitiesRequest(Sent):
    """Which agent is asked what it can do."""

    agent_id: str
    session_id: str | None = None
    context: Any = None
    language: str = "zh"


class Ability(Said):
    id: str
    title: str
    description: str
    promptText: str


class Abilities(Said):
    items: list[Ability]
