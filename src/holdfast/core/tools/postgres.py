"""Statements on PostgreSQL databases that the settings name, each in a process of its own.

What a statement may touch is for PostgreSQL to say: by the rights of the role that connects, and by a
transaction that only reads. An agent's list of tables holds because a role that reaches more is not used.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from holdfast.core.config.settings import ToolsSettings
from holdfast.core.domain.databases import KEY_PREFIX, DatabaseSpec
from holdfast.core.domain.errors import ForbiddenError, ToolError
from holdfast.core.domain.processes import ProcessRunner, ProcessSpec, Reach
from holdfast.core.domain.tools import ToolContext
from holdfast.core.tools.databases import GRACE_S, KEEP_CHARS, MAX_S, Answer, Statement, answered

_CONNECT_S = 10.0
_PROGRAM = str(Path(__file__).with_name("builtin") / "postgres_main.py")


class Postgres:
    """Finds connections. `key` returns a password that is kept among the keys of providers; may block."""

    def __init__(
        self,
        settings: Callable[[], ToolsSettings],
        key: Callable[[str], str | None],
        processes: ProcessRunner,
    ) -> None:
        self._settings = settings
        self._key = key
        self._processes = processes

    async def execute(
        self, spec: DatabaseSpec, context: ToolContext, statement: Statement, *, keep: bool = False
    ) -> Answer:
        """Executes a statement; a change is made for good with `keep` only.

        Raises `ToolError` when nothing is set up, or it is refused, fails or takes too long, and
        `ForbiddenError` for agents that may use no connections.
        """
        assert spec.postgres is not None
        if not context.connections:
            raise ForbiddenError(
                "PostgreSQL databases are for the agents of the local user that are trusted.",
                code="connections_refused",
            )
        url, password = await asyncio.to_thread(self._found, spec.postgres)
        limit_s = min(MAX_S, context.timeout_s)
        asked = statement.asked(
            limit_s, url=url, password=password, keep=keep, schemas=spec.schemas, tables=spec.pairs
        )
        return _checked(await self._ask(asked, context, limit_s), spec.postgres)

    def _found(self, name: str) -> tuple[str, str | None]:
        url = self._settings().postgres.get(name)
        if url is None:
            raise ToolError(
                f"The setting `tools.postgres.{name}` is not there; the user sets it to the address of the "
                "database.",
                code="not_configured",
            )
        return url, self._key(KEY_PREFIX + name)

    async def _ask(self, asked: bytes, context: ToolContext, limit_s: float) -> Answer:
        folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="holdfast-sql-")
        try:
            spec = ProcessSpec(
                command=(sys.executable, "-I", "-W", "ignore", "-X", "utf8", _PROGRAM),
                cwd=Path(folder.name),
                environment=context.environment,
                timeout_s=limit_s + _CONNECT_S + GRACE_S,
                stdin=asked,
                keep_chars=KEEP_CHARS,
                reach=Reach(writable=(Path(folder.name),), network=True),
            )
            return await answered(self._processes, spec, limit_s, "it takes too much memory")
        finally:
            await asyncio.to_thread(folder.cleanup)


def connected(postgres: Postgres | None) -> Postgres:
    """Returns what reaches PostgreSQL. Raises `ToolError` where there is nothing that could."""
    if postgres is None:
        raise ToolError("PostgreSQL databases cannot be used here.", code="not_configured")
    return postgres


def _checked(answer: Answer, name: str) -> Answer:
    if answer.missing:
        raise ToolError(
            "What speaks to PostgreSQL is not installed. The user installs it with: "
            "pip install 'holdfast[postgres]'",
            code="not_installed",
        )
    if answer.refused:
        raise ToolError(f"Not allowed here: {answer.refused} `tools.postgres.{name}`.", code="sql_refused")
    if answer.error:
        raise ToolError(f"PostgreSQL says: {answer.error}.", code="sql_failed")
    return answer
