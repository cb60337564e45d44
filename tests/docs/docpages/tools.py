"""The page of built-in tools."""

from __future__ import annotations

from docpages.markdown import code, page, table
from docpages.models import record_table
from holdfast.core.domain.tools import Risk, Tool
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.tools.builtin.catalog import builtin_tools

_INTRO = """\
An agent names the tools that it may call under `tools` of [its file](agent-file.md). The text under each
name is what the model reads. Keys that a tool does not know are refused.

All paths are inside the session's workspace; nothing outside can be reached through them. Output that is
longer than the agent's limit is kept whole as a file under `.holdfast/outputs` and shown to the model
shortened."""

_RISKS = {
    Risk.READ: "Looks at the workspace or at the conversation only. Allowed where no rule says otherwise.",
    Risk.WRITE: "Changes files in the workspace. Asked for unless a rule allows it.",
    Risk.NETWORK: "Talks to other machines. Asked for unless a rule allows it.",
    Risk.EXECUTE: "Runs programs. Asked for unless a rule allows it.",
}


def tools() -> tuple[Tool, ...]:
    """Returns every built-in tool."""
    return builtin_tools(ChildProcesses())


def tools_page() -> str:
    """Returns the page."""
    known = tools()
    return page(
        "Tools",
        _INTRO,
        table(
            ("Tool", "Risk", "Arguments"),
            [
                (f"[{code(t.name)}](#{t.name})", t.risk.value, ", ".join(map(code, t.arguments.model_fields)))
                for t in known
            ],
        ),
        "## Risks",
        table(("Risk", "What it means"), [(risk.value, _RISKS[risk]) for risk in Risk]),
        "What happens to a call before it runs is described under"
        " [approvals and policy](../how-to/approvals-and-policy.md).",
        *(_section(tool) for tool in known),
    )


def _section(tool: Tool) -> str:
    arguments = record_table(tool.arguments, lambda record: record.__name__, head="Argument")
    return "\n\n".join((f"## {tool.name}", f"Risk: {tool.risk.value}.", tool.description, arguments))
