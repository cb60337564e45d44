"""Hands a task to another agent, which has a run of its own for it."""

from __future__ import annotations

from pydantic import Field

from holdfast.core.domain.delegating import DELEGATE, ChildReport, DelegationDesk
from holdfast.core.domain.errors import ToolError
from holdfast.core.domain.tools import ChildRunBlock, Risk, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool

MAX_TASK = 50_000


class DelegateArguments(Arguments):
    agent: str = Field(min_length=1, max_length=64, description="Name of the agent")
    task: str = Field(
        min_length=1,
        max_length=MAX_TASK,
        description="What it is to do, with everything that it must know: it does not see this conversation",
    )
    background: bool = Field(
        default=False, description="Go on without waiting; you are told when it has ended"
    )


class Delegate(BuiltinTool):
    name = DELEGATE
    risk = Risk.READ  # what the agent does then is judged call by call
    arguments = DelegateArguments

    def subjects(self, arguments: DelegateArguments) -> tuple[str, ...]:
        return (arguments.agent,)

    async def run(self, arguments: DelegateArguments, context: ToolContext) -> ToolOutput:
        desk = desk_of(context)
        if arguments.background:
            begun = await desk.start(arguments.agent, arguments.task, context.call_id)
            return ToolOutput.text(
                f"{begun.agent} works on it in the background, in run {begun.run_id}. You are told when it "
                "has ended; child_runs waits for it, looks at it or cancels it.",
                block(begun),
            )
        ended = await desk.delegate(arguments.agent, arguments.task, context.call_id, context.progress)
        return output(ended)


def desk_of(context: ToolContext) -> DelegationDesk:
    """Returns the sub-agents of a run. Raises `ToolError` where there are none."""
    if context.sub_agents is None:
        raise ToolError("This run has no agents that it could hand work to.", code="unsupported")
    return context.sub_agents


def output(report: ChildReport) -> ToolOutput:
    """Returns a child run that has ended, as its reply, and an error where it came to no good end."""
    if report.status == "completed":
        return ToolOutput.text(report.reply or f"{report.agent} has ended without words.", block(report))
    text = f"The run of {report.agent} was not completed ({report.status}): {report.reason}".rstrip(": ")
    if report.reply:
        text = f"{text}\nWhat it said last:\n{report.reply}"
    return ToolOutput.text(text, block(report), is_error=True)


def block(report: ChildReport) -> ChildRunBlock:
    """Returns a child run for people."""
    return ChildRunBlock(
        session_id=report.session_id,
        run_id=report.run_id,
        agent=report.agent,
        status=report.status,
        calls=report.calls,
        reply=report.reply,
        reason=report.reason,
    )
