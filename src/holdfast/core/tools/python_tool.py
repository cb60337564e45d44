"""Python tools of a user's own: each call runs the function in a process of its own, in the workspace."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import tempfile
from pathlib import Path

from holdfast.core.domain.custom_tools import CustomTool, PythonToolSpec
from holdfast.core.domain.processes import ProcessRunner
from holdfast.core.domain.tools import ArgumentsBlock, CodeBlock, Preview, Risk, ToolContext, ToolOutput
from holdfast.core.tools.own_tool import OwnTool
from holdfast.core.tools.running import run_shown
from holdfast.core.tools.schema_arguments import SchemaArguments

_STARTER = str(Path(__file__).with_name("python_tool_main.py"))


class PythonTool(OwnTool[PythonToolSpec]):
    """One of a user's own tools. What the function returns is the result, with all that it prints before."""

    risk = Risk.EXECUTE

    def __init__(self, tool: CustomTool, spec: PythonToolSpec, processes: ProcessRunner) -> None:
        """Raises `InvalidError` (`invalid_schema`)."""
        super().__init__(tool, spec)
        self._processes = processes

    async def preview(self, arguments: SchemaArguments, context: ToolContext) -> Preview:
        """Returns the arguments, and the code that gets them."""
        seen = hashlib.sha256(json.dumps([self.spec.code, arguments.root], sort_keys=True).encode())
        code = CodeBlock(language="python", text=self.spec.code)
        return Preview(blocks=(ArgumentsBlock(arguments=arguments.root), code), fingerprint=seen.hexdigest())

    async def run(self, arguments: SchemaArguments, context: ToolContext) -> ToolOutput:
        call = {"code": self.spec.code, "function": self.name, "arguments": arguments.root}
        with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
            asked = Path(folder, "call.json")
            await asyncio.to_thread(asked.write_text, json.dumps(call), encoding="utf-8")
            # Isolated: no module of the workspace or of the environment stands in for one of the library.
            command = (sys.executable, "-I", "-X", "utf8", "-u", _STARTER, str(asked))
            ran = await run_shown(self._processes, command, context, context.timeout_s, shared=Path(folder))
        return ran.output(self.name, context)
