"""What an agent's next run would have: its tools, what is pinned of them, and what the rules say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from holdfast.core.approvals.policy import EDIT_TOOLS, Layers, evaluate
from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.approvals import ApproveMode, PolicyAnswer, Rule
from holdfast.core.domain.delegating import DELEGATION_TOOLS
from holdfast.core.domain.given_tools import GivenTool, GivenTools
from holdfast.core.domain.mcp import server_of
from holdfast.core.domain.skills import LOAD_TOOL
from holdfast.core.domain.tools import Tool, ToolInfo
from holdfast.core.tools.forced import ForcedTool
from holdfast.core.tools.registry import schema

ANY_FILE = "…"
"""Stands for the file that a call will write: which one is not known yet."""

_BROUGHT: dict[str, Literal["skills", "subagents"]] = {
    LOAD_TOOL: "skills",
    **dict.fromkeys(DELEGATION_TOOLS, "subagents"),
}
Refuses = Callable[[Tool], PolicyAnswer | None]


def tool_info(tool: Tool, source: str = "builtin", id: str | None = None) -> ToolInfo:
    """Returns a tool as it is listed."""
    known = schema(tool)
    return ToolInfo(
        name=known.name,
        description=known.description,
        risk=tool.risk,
        parameters=known.parameters,
        source=source,
        id=id,
    )


def given_tools(
    spec: AgentSpec,
    tools: Mapping[str, Tool],
    missing: tuple[str, ...],
    layers: Layers,
    mode: ApproveMode,
    refuses: Refuses,
    own: Mapping[str, str],
) -> GivenTools:
    """Returns the tools of an agent with what is to be said of each; `own` has the ids of the user's own
    tools by their names, `refuses` the answer to what no rule could allow."""
    pins = {each.tool: each.arguments for each in spec.tools}

    def described(name: str, tool: Tool) -> GivenTool:
        source = "custom" if name in own else "mcp" if server_of(name) else "builtin"
        known = tool.pins if isinstance(tool, ForcedTool) else {}
        answer = refuses(tool) or _whole(tool, layers, mode)
        by = "mcp" if source == "mcp" else _BROUGHT.get(name, "memory")
        return GivenTool(
            tool=tool_info(tool, source, own.get(name)),
            by="file" if name in spec.tool_names else by,
            pinned=known,
            unknown=tuple(sorted(set(pins.get(name, {})) - set(known))),
            verdict=answer.verdict,
            reason=answer.reason,
            rules=tuple(_patterns(tool, layers)),
        )

    given = tuple(described(name, tool) for name, tool in tools.items())
    return GivenTools(agent=spec.name, tools=given, missing=missing)


def _whole(tool: Tool, layers: Layers, mode: ApproveMode) -> PolicyAnswer:
    """Returns the answer to a call that no pattern speaks of."""
    subject = ANY_FILE if tool.name in EDIT_TOOLS else ""
    return evaluate(tool.name, tool.risk, (subject,), layers, mode)


def _patterns(tool: Tool, layers: Layers) -> Iterator[str]:
    named = (("your policy", layers.user), ("this session", layers.session), ("the agent", layers.agent))
    for origin, rules in named:
        for verb, texts in (("denies", rules.deny), ("asks for", rules.ask), ("allows", rules.allow)):
            for text in texts:
                rule = Rule.parse(text)
                whole = Rule(tool=rule.tool, pattern=None)
                if rule.pattern is not None and whole.matches(tool.name, ""):
                    yield f"{origin} {verb} {text}"
