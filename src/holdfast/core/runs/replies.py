"""Replies that must be JSON of a schema: whether the schema can be one, and whether a reply fits it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.processes import Ending, ProcessRunner, ProcessSpec, Reach

_CHECKER = str(Path(__file__).with_name("reply_main.py"))
_CHECK_S = 10.0
_AT_ONCE = 4


class ReplyCheck:
    """Checks in a process of its own, for the schemas are callers'. `check_s` is the time it may take."""

    def __init__(
        self, processes: ProcessRunner, environment: Mapping[str, str], *, check_s: float = _CHECK_S
    ) -> None:
        self._processes = processes
        self._environment = environment
        self._check_s = check_s
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def schema(self, schema: dict[str, Any]) -> None:
        """Raises `InvalidError` (`invalid_schema`) for what is no JSON Schema."""
        await self._ask({"schema": schema})

    async def problem(self, reply: str, schema: dict[str, Any]) -> str:
        """Returns what is wrong with a reply; empty when nothing is.

        Raises `InvalidError` (`invalid_schema`) where the schema itself is at fault, for it refers to
        something outside of it, or where checking takes too long.
        """
        return await self._ask({"schema": schema, "reply": reply})

    async def _ask(self, asked: dict[str, Any]) -> str:
        spec = ProcessSpec(
            command=(sys.executable, "-I", "-X", "utf8", "-W", "ignore", _CHECKER),
            cwd=Path("/"),
            environment=self._environment,
            timeout_s=self._check_s,
            stdin=json.dumps(asked).encode(),
            reach=Reach(),
        )
        async with self._room:
            result = await self._processes.run(spec)
        if result.ending is not Ending.EXITED or result.exit_code != 0:
            raise _unusable(f"checking it takes more than {self._check_s:g} s, or more memory than there is")
        said = json.loads(result.head)
        if said["schema"]:
            raise _unusable(said["schema"])
        return str(said["reply"])


def _unusable(why: str) -> InvalidError:
    return InvalidError(f"response_format cannot be used: {why}.", code="invalid_schema")
