"""Running a program for a tool: its output streamed to people, kept whole, and shortened for the model."""

from __future__ import annotations

import asyncio
import re
import tempfile
from dataclasses import dataclass
from typing import BinaryIO

from holdfast.core.domain.processes import Ending, ProcessResult, ProcessRunner, ProcessSpec
from holdfast.core.domain.text import sanitize
from holdfast.core.domain.tools import CommandBlock, ToolContext, ToolOutput
from holdfast.core.tools.shorten import join_ends, keep_whole

MAX_SHOWN_CHARS = 200_000
"""Characters of output that are streamed; the log would keep them all."""
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
"""Colours and cursor movements, and titles of windows."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A program that has ended."""

    result: ProcessResult
    text: str
    """Its output, plain and shortened."""
    timeout_s: float

    def output(self, command: str, context: ToolContext) -> ToolOutput:
        """Returns what the model and people are told."""
        body = self.text if not self.text or self.text.endswith("\n") else f"{self.text}\n"
        block = CommandBlock(
            command=command,
            cwd=str(context.workspace.root),
            output=self.text,
            exit_code=self.result.exit_code,
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
    processes: ProcessRunner, command: tuple[str, ...], context: ToolContext, timeout_s: float
) -> Ran:
    """Runs a program in the workspace and shows its output while it comes."""
    spec = ProcessSpec(
        command=command,
        cwd=context.workspace.root,
        environment=context.environment,
        timeout_s=timeout_s,
        keep_chars=context.max_output_chars,
    )
    shown = _Shown(context)
    with tempfile.TemporaryFile() as spool:
        result = await processes.run(spec, on_output=shown.take, spool=spool)
        text = await asyncio.to_thread(_text, result, spool, context)
    return Ran(result, text, timeout_s)


def _text(result: ProcessResult, spool: BinaryIO, context: ToolContext) -> str:
    if result.complete:
        return plain(result.head + result.tail)
    spool.seek(0)
    where = keep_whole(spool.read(), context)
    total = len(result.head) + result.omitted + len(result.tail)
    return plain(join_ends(result.head, result.tail, total, where))


def plain(text: str) -> str:
    """Returns what a program wrote without escape sequences and control characters."""
    return sanitize(_ESCAPES.sub("", text)) if "\x1b" in text else sanitize(text)


class _Shown:
    """Streams output up to a limit."""

    def __init__(self, context: ToolContext) -> None:
        self._progress = context.progress
        self._left = MAX_SHOWN_CHARS

    def take(self, text: str) -> None:
        if self._left <= 0:
            return
        self._progress(text[: self._left])
        self._left -= len(text)
        if self._left <= 0:
            self._progress("\n[more output follows; it is not shown while it comes]\n")
