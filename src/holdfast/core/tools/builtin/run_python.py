"""Runs Python code in a process of its own, in the workspace."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from pydantic import Field

from holdfast.core.domain.processes import ProcessRunner
from holdfast.core.domain.tools import CodeBlock, Preview, Risk, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool
from holdfast.core.tools.builtin.write_file import encoded
from holdfast.core.tools.running import run_shown

_STARTER = str(Path(__file__).with_name("python_main.py"))


class RunPythonArguments(Arguments):
    code: str = Field(min_length=1, max_length=1_000_000, description="The program")


class RunPython(BuiltinTool):
    name = "run_python"
    risk = Risk.EXECUTE
    arguments = RunPythonArguments

    def __init__(self, processes: ProcessRunner) -> None:
        self._processes = processes

    def subjects(self, arguments: RunPythonArguments) -> tuple[str, ...]:
        return (arguments.code,)

    async def preview(self, arguments: RunPythonArguments, context: ToolContext) -> Preview:
        return Preview(blocks=(CodeBlock(language="python", text=arguments.code),))

    async def run(self, arguments: RunPythonArguments, context: ToolContext) -> ToolOutput:
        code = encoded(arguments.code)
        with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
            script = Path(folder, "script.py")
            await asyncio.to_thread(script.write_bytes, code)
            # Isolated: no module of the workspace or of the environment stands in for one of the library.
            command = (sys.executable, "-I", "-X", "utf8", "-u", _STARTER, str(script))
            own = replace(context, environment={**context.environment, "MPLBACKEND": "Agg"})
            ran = await run_shown(self._processes, command, own, context.timeout_s, shared=Path(folder))
        return ran.output("python", context)
