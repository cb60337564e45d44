"""What tools an agent is given, and what the rules say of each before it is called."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from holdfast.core.domain.approvals import Verdict
from holdfast.core.domain.tools import ToolInfo
from holdfast.core.domain.values import Value


class GivenTool(Value):
    """A tool that an agent's runs have."""

    tool: ToolInfo
    """Without the arguments that are pinned, as models see it."""
    by: Literal["file", "mcp", "memory", "skills", "subagents"] = "file"
    """What brings it: the agent's list, one of its MCP servers, its memory, its skills, its sub-agents."""
    pinned: dict[str, Any] = Field(default_factory=dict)
    """Arguments that every call has, whatever the model asks for."""
    unknown: tuple[str, ...] = ()
    """Arguments that the file pins and the tool does not know: they are dropped."""
    verdict: Verdict
    """What becomes of a call of which no rule with a pattern speaks."""
    reason: str
    """Which rule says so, and whose it is; for people."""
    rules: tuple[str, ...] = ()
    """What rules with a pattern say of some calls of it, each with whose it is."""


class GivenTools(Value):
    """The tools of an agent, as its next run would have them."""

    agent: str
    tools: tuple[GivenTool, ...]
    missing: tuple[str, ...] = ()
    """Why tools of some MCP servers are not among them, a line each."""
