"""Running a program for a tool: its output streamed to people, kept whole, and shortened for the model."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from holdfast.core.domain.printed import plain
from holdfast.core.domain.processes import Ending, ProcessResult, ProcessRunner, ProcessSpec, Reach
from holdfast.core.domain.tools import CommandBlock, ToolContext, ToolOutput
from holdfast.core.tools.shorten import Kept, join_ends, keep_whole

_PIECE = 2**20


@dataclass(frozen=True, slots=True)
class Ran:
    """A program that has ended."""

    result: ProcessResult
    text: str
    """Its output, plain and shortened."""
    timeout_s: float
    whole: str = ""
    """The file of the workspace with all of it, when `text` is only its two ends."""

    def output(self, command: str, context: ToolContext) -> ToolOutput:
        """Returns what the model and people are told."""
        body = self.text if not self.text or self.text.endswith("\n") else f"{self.text}\n"
        block = CommandBlock(
            command=command,
            cwd=str(context.workspace.root),
            output=self.text,
            exit_code=self.result.exit_code,
            whole=self.whole,
            whole_bytes=self.result.total_bytes if self.whole else 0,
        )
        return ToolOutput.text(f"{body}[{self._end()}]", block, is_error=self.failed)

    @property
    def failed(self) -> bool:
        """Whether it did not end well by itself."""
        return self.result.ending is not Ending.EXITED or self.result.exit_code != 0

    def _end(self) -> str:
        match self.result.ending:
            case Ending.TIMED_OUT:
                return f"ended after the time limit of {self.timeout_s:g} s"
            case Ending.OUTPUT_LIMIT:
                return f"ended because it wrote more than {self.result.total_bytes // 2**20} MiB"
            case _:
                return f"exit code {self.result.exit_code}"


async def run_shown(
    processes: ProcessRunner,
    command: tuple[str, ...],
    context: ToolContext,
    timeout_s: float,
    *,
    shared: Path | None = None,
    stdin: bytes = b"",
) -> Ran:
    """Runs a program in the workspace and shows its output while it comes. It may change what is in the
    workspace and in `shared`, has the network where the user allows it, and can read `stdin`."""
    root = context.workspace.root
    spec = ProcessSpec(
        command=command,
        cwd=root,
        environment=context.environment,
        timeout_s=timeout_s,
        stdin=stdin,
        keep_chars=context.max_output_chars,
        reach=Reach(
            writable=(root,) if shared is None else (root, shared), network=True, keeps_temporary=True
        ),
    )
    with tempfile.TemporaryFile() as spool:
        result = await processes.run(spec, on_output=context.progress, spool=spool)
        if result.complete:
            return Ran(result, plain(result.head + result.tail), timeout_s)
        kept = await asyncio.to_thread(_keep, spool, context)
    total = len(result.head) + result.omitted + len(result.tail)
    text = plain(join_ends(result.head, result.tail, total, kept.where))
    return Ran(result, text, timeout_s, kept.path)


def _keep(spool: BinaryIO, context: ToolContext) -> Kept:
    spool.seek(0)
    return keep_whole(iter(partial(spool.read, _PIECE), b""), context)
