"""Looks after the runs of sub-agents that go on in the background."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from holdfast.core.domain.delegating import CHILD_RUNS, ChildReport
from holdfast.core.domain.errors import ToolError
from holdfast.core.domain.tools import Risk, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool
from holdfast.core.tools.builtin.delegate import block, desk_of, output

_CALLS = 20


class ChildRunsArguments(Arguments):
    action: Literal["list", "wait", "cancel"] = Field(
        default="list", description="list: how all stand; wait: until one has ended; cancel: end one"
    )
    run: str = Field(default="", max_length=64, description="Id of the run, for wait and cancel")


class ChildRuns(BuiltinTool):
    name = CHILD_RUNS
    risk = Risk.READ
    arguments = ChildRunsArguments

    def subjects(self, arguments: ChildRunsArguments) -> tuple[str, ...]:
        return (arguments.action,)

    async def run(self, arguments: ChildRunsArguments, context: ToolContext) -> ToolOutput:
        desk = desk_of(context)
        if arguments.action == "list":
            reports = await desk.reports()
            text = "\n\n".join(map(_told, reports)) or "No run was started in the background."
            return ToolOutput.text(text, *map(block, reports))
        if not arguments.run:
            raise ToolError(f"Say with `run` which run is meant by {arguments.action}.")
        if arguments.action == "wait":
            return output(await desk.wait(arguments.run))
        report = await desk.cancel(arguments.run)
        return ToolOutput.text(_told(report), block(report))


def _told(report: ChildReport) -> str:
    state = "waits for a person" if report.waiting else report.status
    lines = [f"Run {report.run_id} of {report.agent}: {state}. {report.reason}".rstrip()]
    lines += report.calls[-_CALLS:]
    if report.reply:
        lines.append(f"It said last: {report.reply}")
    return "\n".join(lines)
