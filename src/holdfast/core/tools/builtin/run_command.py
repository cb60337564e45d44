"""Runs a shell command in the workspace."""

from __future__ import annotations

from pydantic import Field

from holdfast.core.domain.processes import ProcessRunner
from holdfast.core.domain.tools import CommandBlock, Preview, Risk, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool
from holdfast.core.tools.commands import subjects_of
from holdfast.core.tools.running import run_shown

MAX_TIMEOUT_S = 3600


class RunCommandArguments(Arguments):
    command: str = Field(min_length=1, max_length=30_000, description="The command line, for /bin/sh")
    timeout_s: float | None = Field(
        default=None, gt=0, le=MAX_TIMEOUT_S, description="Seconds after which the command is ended"
    )


class RunCommand(BuiltinTool):
    name = "run_command"
    risk = Risk.EXECUTE
    arguments = RunCommandArguments

    def __init__(self, processes: ProcessRunner) -> None:
        self._processes = processes

    def subjects(self, arguments: RunCommandArguments) -> tuple[str, ...]:
        return subjects_of(arguments.command)

    async def preview(self, arguments: RunCommandArguments, context: ToolContext) -> Preview:
        block = CommandBlock(command=arguments.command, cwd=str(context.workspace.root))
        return Preview(blocks=(block,))

    async def run(self, arguments: RunCommandArguments, context: ToolContext) -> ToolOutput:
        ran = await run_shown(
            self._processes,
            ("/bin/sh", "-c", arguments.command),
            context,
            arguments.timeout_s or context.timeout_s,
        )
        return ran.output(arguments.command, context)
