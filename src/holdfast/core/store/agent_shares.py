"""With whom users share agents. No projection of the log."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from holdfast.core.domain.agents import AgentShare, SharedAgent
from holdfast.core.store.reader import Reader
from holdfast.core.store.writer import Writer


class AgentShareTable:
    """Reads and writes the table `agent_shares`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def all(self) -> tuple[tuple[str, SharedAgent], ...]:
        """Returns, for all users, each with an agent that is shared with him."""
        rows = await self._reader.rows(
            "SELECT s.*, COALESCE((SELECT name FROM users WHERE id = s.owner), s.owner) AS owner_name"
            " FROM agent_shares s ORDER BY s.owner, s.agent_id"
        )
        return tuple(
            (
                row["user_id"],
                SharedAgent(owner=row["owner"], owner_name=row["owner_name"], agent_id=row["agent_id"]),
            )
            for row in rows
        )

    async def of_agent(self, owner: str, agent_id: str) -> tuple[AgentShare, ...]:
        """Returns with whom an agent is shared, by name."""
        rows = await self._reader.rows(
            "SELECT u.id, u.name FROM agent_shares s JOIN users u ON u.id = s.user_id"
            " WHERE s.owner = ? AND s.agent_id = ? ORDER BY u.name",
            (owner, agent_id),
        )
        return tuple(AgentShare(user_id=row["id"], name=row["name"]) for row in rows)

    async def replace(self, owner: str, agent_id: str, users: Sequence[str]) -> None:
        """Shares an agent with these users and no others."""

        def replace(db: sqlite3.Connection) -> None:
            with db:
                db.execute("BEGIN IMMEDIATE")
                db.execute("DELETE FROM agent_shares WHERE owner = ? AND agent_id = ?", (owner, agent_id))
                db.executemany(
                    "INSERT INTO agent_shares (owner, agent_id, user_id) VALUES (?, ?, ?)",
                    [(owner, agent_id, user) for user in users],
                )

        await self._writer.run(replace)

    async def forget_user(self, user_id: str) -> None:
        """Ends what a user shares, and what is shared with him."""

        def forget(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM agent_shares WHERE owner = ?1 OR user_id = ?1", (user_id,))

        await self._writer.run(forget)
