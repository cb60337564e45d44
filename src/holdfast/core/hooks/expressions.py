"""Regular expressions of rules, matched in a process of their own within a time limit."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from holdfast.core.domain.errors import ToolError
from holdfast.core.domain.processes import Ending, ProcessRunner, ProcessSpec, Reach

_PROGRAM = str(Path(__file__).with_name("expressions_main.py"))
_MOST_CHARS = 16_000_000


class Expressions:
    """Matches and replaces. Both raise `ToolError` when that takes more than `timeout_s` seconds."""

    def __init__(self, processes: ProcessRunner, environment: Mapping[str, str]) -> None:
        self._processes = processes
        self._environment = environment

    async def found(self, pattern: str, texts: Sequence[str], timeout_s: float) -> list[bool]:
        """Says of each text whether the expression matches anywhere in it."""
        return [bool(each) for each in await self._ask({"pattern": pattern, "texts": texts}, timeout_s)]

    async def replaced(
        self, pattern: str, replacement: str, texts: Sequence[str], timeout_s: float
    ) -> list[str]:
        """Returns each text with its matches replaced by `replacement`, which is taken as it stands."""
        asked = {"pattern": pattern, "texts": texts, "replacement": replacement}
        return [str(each) for each in await self._ask(asked, timeout_s)]

    async def _ask(self, asked: dict[str, Any], timeout_s: float) -> list[Any]:
        if not asked["texts"]:  # so for each call without the field that a rule looks at
            return []
        spec = ProcessSpec(
            command=(sys.executable, "-I", "-S", "-X", "utf8", "-W", "ignore", _PROGRAM),
            cwd=Path("/"),
            environment=self._environment,
            timeout_s=timeout_s,
            stdin=json.dumps(asked).encode(),
            keep_chars=_MOST_CHARS,
            reach=Reach(),
        )
        result = await self._processes.run(spec)
        if result.ending is Ending.TIMED_OUT:
            raise ToolError(f"An expression was not done within {timeout_s:g} s.", code="tool_timeout")
        if result.ending is not Ending.EXITED or result.exit_code != 0 or not result.complete:
            raise ToolError("An expression needs more memory than there is, or gives too much.")
        found: list[Any] = json.loads(result.head + result.tail)
        return found
