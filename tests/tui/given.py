"""What agents are given, on a workbench in memory: tools, MCP servers, skills, prompts and hooks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from fake_prompts import FILE
from fake_workbench import NOON

from holdfast.core.domain.approvals import Verdict
from holdfast.core.domain.given_tools import GivenTool, GivenTools
from holdfast.core.domain.hooks import HookInfo, HookSpec
from holdfast.core.domain.mcp import McpServer, McpServerSpec, McpState
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.prompts import PromptArgument, PromptInfo, PromptOrigin, PromptSpec
from holdfast.core.domain.runs import RunStatus, ToolRun
from holdfast.core.domain.skills import Skill, SkillFile, SkillInfo, SkillScope
from holdfast.core.domain.tools import Risk, ToolInfo

SCHEMA = {
    "type": "object",
    "required": ["path"],
    "properties": {
        "path": {"type": "string", "description": "Path of the file, relative to the workspace."},
        "limit": {"type": "integer", "minimum": 1, "maximum": 500, "default": 200},
        "kind": {"enum": ["text", "table"], "description": "How it is read."},
    },
}


def answering(answer: Any) -> Any:
    async def give(*_: Any, **__: Any) -> Any:
        return answer

    return give


def tool(name: str, risk: Risk, about: str, source: str = "builtin", **more: Any) -> GivenTool:
    info = ToolInfo(name=name, description=about, risk=risk, parameters=SCHEMA, source=source)
    known = {"verdict": Verdict.ASK, "reason": "no rule allows it", **more}
    return GivenTool(tool=info, **known)


TOOLS = (
    tool("read_file", Risk.READ, "Reads a text file.", verdict=Verdict.ALLOW, reason="reading is allowed"),
    tool(
        "write_file", Risk.WRITE, "Writes a whole text file.", pinned={"path": "report.md"},
        unknown=("colour",), rules=("your policy allows write_file(*.md)",),
    ),
    tool("run_command", Risk.EXECUTE, "Runs a command.", verdict=Verdict.DENY, reason="you deny it"),
    tool("find_stock", Risk.NETWORK, "Says how many are in stock.", "custom"),
    tool("mcp__clock__now", Risk.EXECUTE, "Says what time it is.", "mcp", by="mcp"),
)  # fmt: skip
SERVERS = (
    McpServer(
        spec=McpServerSpec(name="clock", command=("python", "clock.py")), state=McpState.READY, tools=1,
        started_at=NOON, log="clock: listening\n",
    ),
    McpServer(
        spec=McpServerSpec(name="docs", url="https://docs.example.org/mcp",
                           headers={"Authorization": "Bearer ${secret:DOCS}"}),
        state=McpState.FAILED, reason="it answered with status 401", failures=3, missing=("DOCS",),
    ),
    McpServer(spec=McpServerSpec(name="old", command=("old-server",), enabled=False)),
)  # fmt: skip
SKILLS = tuple(
    SkillInfo(name=name, description=about, scope=SkillScope(scope), path=f"/skills/{name}", trusted=trusted)
    for name, about, scope, trusted in (
        ("minutes", "Writes the minutes of a meeting.", "user", True),
        ("review", "Reviews a change as a careful colleague would.", "project", False),
    )
)
TEXT = "---\nname: minutes\n---\n# Minutes\n\n1. Who was there?\n2. What was decided?\n"
REVIEW = PromptSpec(
    name="review", description="Reviews a file as a careful colleague would.",
    text="Review {{file}} in a {{tone}} tone, and say first what is good.\n\n$ARGUMENTS",
    arguments=(PromptArgument(name="file", description="Which one", required=True),
               PromptArgument(name="tone", default="kind")),
)  # fmt: skip
PROMPTS = (
    PromptInfo(
        key="project:release", name="release", description="Writes the notes of a release.",
        origin=PromptOrigin.PROJECT, path="/work/project/prompts/release.md", trusted=False,
    ),
    PromptInfo(
        key="mcp:docs:help", name="help", description="Says where a question is answered.",
        origin=PromptOrigin.MCP, server="docs", arguments=(PromptArgument(name="topic", required=True),),
    ),
)  # fmt: skip
HOOK = HookSpec.model_validate(
    {
        "id": "11111111-1111-1111-1111-111111111111", "name": "no sudo", "point": "before_tool",
        "type": "rule", "matcher": "run_command",
        "rules": [{"when": "command CONTAINS sudo", "reason": "no"}],
    }
)  # fmt: skip
LATE = HookSpec(id="2" * 8 + "-2222" * 3 + "-" + "2" * 12, point="before_response", type="webhook",
                url="https://example.org/hook", enabled=False)  # fmt: skip


def furnish_given(bench: Any) -> None:
    """Gives a workbench tools, servers, skills, prompts and hooks."""
    given = GivenTools(agent="general", tools=TOOLS, missing=("docs: it answered with status 401",))
    tools = tuple(one.tool for one in TOOLS if one.tool.source != "mcp")
    bench.ran = []

    async def run(session_id: str, name: str, arguments: dict[str, Any], *_: Any) -> ToolRun:
        bench.ran.append((name, arguments))
        return ToolRun(
            session_id=session_id, run_id="r1", call_id="c1", tool=name, status=RunStatus.COMPLETED,
            outcome="ok", content=(TextPart(text="It has three lines."),),
        )  # fmt: skip

    bench.tools = SimpleNamespace(list=answering(tools), given=answering(given), run=run)

    async def server(name: str) -> McpServer:
        return next(one for one in SERVERS if one.spec.name == name)

    bench.mcp = SimpleNamespace(list=answering(SERVERS), get=server, tools=answering((TOOLS[-1].tool,)))
    whole = Skill(info=SKILLS[0], text=TEXT, digest="d", files=(SkillFile(path="form.md", size=812),))
    bench.skills = SimpleNamespace(list=answering(SKILLS), get=answering(whole))
    bench.prompts.own = {"review": REVIEW}
    bench.prompts.attached = {"review": FILE}
    bench.prompts.extra = list(PROMPTS)
    hooks = (HookInfo(hook=HOOK, source="user"), HookInfo(hook=LATE, source="agent", agent="general"))
    bench.hooks = SimpleNamespace(list=answering(hooks))
