"""Runs JavaScript in Node.js, in a process of its own, in the workspace."""

from __future__ import annotations

import shutil

from pydantic import Field

from holdfast.core.domain.errors import UnavailableError
from holdfast.core.domain.processes import ProcessRunner
from holdfast.core.domain.tools import CodeBlock, Preview, Risk, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool
from holdfast.core.tools.builtin.write_file import encoded
from holdfast.core.tools.running import run_shown

_REQUIRE = "data:text/javascript," + (
    'import{createRequire}from"node:module";globalThis.require=createRequire(process.cwd()+"/")'
)
"""Run before the program, which is a module: `require` is there all the same."""


class RunJavascriptArguments(Arguments):
    code: str = Field(min_length=1, max_length=1_000_000, description="The program")


class RunJavascript(BuiltinTool):
    name = "run_javascript"
    risk = Risk.EXECUTE
    arguments = RunJavascriptArguments

    def __init__(self, processes: ProcessRunner) -> None:
        self._processes = processes

    def subjects(self, arguments: RunJavascriptArguments) -> tuple[str, ...]:
        return (arguments.code,)

    async def preview(self, arguments: RunJavascriptArguments, context: ToolContext) -> Preview:
        return Preview(blocks=(CodeBlock(language="javascript", text=arguments.code),))

    async def run(self, arguments: RunJavascriptArguments, context: ToolContext) -> ToolOutput:
        code = encoded(arguments.code)
        # As the child's own search would find it; a name alone could mean a program of the workspace.
        node = shutil.which("node", path=context.environment.get("PATH", ""))
        if node is None:
            raise UnavailableError(
                "JavaScript cannot be run: Node.js (`node`) is not installed here, or not in PATH. "
                "Install Node.js 20 or later, or use run_python.",
                code="node_missing",
                retryable=False,
            )
        command = (node, "--import", _REQUIRE, "--input-type=module", "-")
        ran = await run_shown(self._processes, command, context, context.timeout_s, stdin=code)
        return ran.output("node", context)
