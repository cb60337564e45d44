"""Agents: what an agent file says."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, Field

from holdfast.core.domain.approvals import Rules
from holdfast.core.domain.errors import Diagnostic
from holdfast.core.domain.models import ModelSettings
from holdfast.core.domain.values import Value

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"


class Limits(Value):
    """Where a run ends at the latest."""

    max_steps: int = Field(default=50, gt=0)
    """Model calls in one run."""
    timeout_s: float = Field(default=3600, gt=0)
    """Seconds of work in one run; time spent waiting for a person does not count."""
    max_cost_usd: float | None = Field(default=None, gt=0)
    """Does not act with a model of unknown price; a limit in the run's options refuses such a model."""
    max_tool_output_chars: int = Field(default=30_000, ge=1_000)
    """Longer output is kept whole as a file and shown to the model shortened."""
    approval_expires_s: float | None = Field(default=None, gt=0)
    """Seconds after which an approval is decided by `on_expiry`; without it it waits for ever."""
    on_expiry: Literal["deny", "cancel"] = "deny"


class Prompt(Value):
    """A text that is sent by name; `{{word}}` is asked for or given."""

    name: str = Field(pattern=NAME_PATTERN)
    text: str


class AgentSpec(Value):
    """One agent file after `extends` and defaults."""

    version: Literal[1]
    name: str = Field(pattern=NAME_PATTERN)
    description: str = ""
    model: str | None = None
    """Omitted: the model order decides (settings, a key in the environment, Ollama, `offline`)."""
    fallback_models: tuple[str, ...] = ()
    model_settings: ModelSettings = ModelSettings()
    instructions: str = ""
    tools: tuple[str, ...] = ()
    approvals: Rules = Rules()
    workspace: str = "session"
    """`session`: a folder of the session's own; `project`: the folder it was started in; or a path."""
    limits: Limits = Limits()
    prompts: tuple[Prompt, ...] = ()
    extends: str | None = None


class Layer(StrEnum):
    """Where an agent was found; the first layer that has a name wins."""

    PROJECT = "project"
    USER = "user"
    SHIPPED = "shipped"


class AgentInfo(Value):
    """One agent as a listing shows it; an invalid file is listed too, with its mistakes."""

    name: str
    description: str = ""
    layer: Layer
    path: str
    spec: AgentSpec | None = None
    """None when the file is invalid."""
    trusted: bool = True
    """False for a project's agent in a folder that the user has not trusted yet."""
    problems: tuple[Diagnostic, ...] = ()


class Trust(Value):
    """The user's word on one project folder."""

    path: str
    trusted: bool
    decided_at: AwareDatetime
