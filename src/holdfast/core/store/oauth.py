"""Clients of OAuth, and what they were given. Of secrets, codes and tokens there are only hashes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from holdfast.core.domain.oauth import (
    ACCESS_S,
    CODE_S,
    REFRESH_S,
    OAuthClient,
    OAuthCode,
    OAuthGrant,
    OAuthToken,
)
from holdfast.core.store.reader import Reader
from holdfast.core.store.writer import Writer

T = TypeVar("T")

PENDING = 20
"""Most codes of a user for one client that wait to be used: a page could make any number."""
OPEN = 100
"""Most grants of a user to one client: on so many devices one may use it."""
REMEMBERED = 50
"""Used refresh tokens of a grant that are known again when somebody shows them."""

_ALIVE = """
    g.ends > :now AND EXISTS (SELECT 1 FROM oauth_clients c WHERE c.id = g.client_id AND c.enabled)
    AND EXISTS (SELECT 1 FROM users u WHERE u.id = g.user_id)
"""
"""Whether a grant still holds: its client is enabled, its user is there."""
_TRIMMED = """
    SELECT g.id FROM oauth_grants g WHERE g.user_id = :user AND g.client_id = :client
    AND {exchanged} EXISTS (SELECT 1 FROM oauth_codes c WHERE c.grant_id = g.id AND c.used)
    ORDER BY g.rowid DESC LIMIT -1 OFFSET :most
"""


class OAuthTables:
    """Reads and writes the tables `oauth_*`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def clients(self) -> tuple[OAuthClient, ...]:
        """Returns all clients, oldest first."""
        rows = await self._reader.rows("SELECT * FROM oauth_clients ORDER BY rowid")
        return tuple(map(_client, rows))

    async def client(self, client_id: str) -> tuple[OAuthClient, str] | None:
        """Returns the client of this id, and the hash of its secret (empty: it has none)."""
        rows = await self._reader.rows("SELECT * FROM oauth_clients WHERE id = ?", (client_id,))
        return (_client(rows[0]), rows[0]["secret_hash"]) if rows else None

    async def add_client(self, client: OAuthClient, secret_hash: str) -> bool:
        """Says whether the id was free."""
        values = {
            **client.model_dump(mode="json"),
            "redirect_uris": json.dumps(client.redirect_uris),
            "secret_hash": secret_hash,
        }
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        sql = f"INSERT OR IGNORE INTO oauth_clients ({names}) VALUES ({marks})"
        return await self._writer.run(lambda db: db.execute(sql, values).rowcount == 1)

    async def remove_client(self, client_id: str) -> bool:
        """Removes a client and ends all its grants. Says whether there was one."""

        def remove(db: sqlite3.Connection) -> bool:
            found = db.execute("DELETE FROM oauth_clients WHERE id = ?", (client_id,)).rowcount == 1
            _end(db, "client_id = ?", client_id)
            return found

        return await self._at_once(remove)

    async def enable_client(self, client_id: str, enabled: bool) -> bool:
        """Lets a client ask, or no longer, which ends all its grants. Says whether there is one."""

        def enable(db: sqlite3.Connection) -> bool:
            sql = "UPDATE oauth_clients SET enabled = ? WHERE id = ?"
            found = db.execute(sql, (enabled, client_id)).rowcount == 1
            if not enabled:
                _end(db, "client_id = ?", client_id)
            return found

        return await self._at_once(enable)

    async def grants(self, user_id: str, now: datetime) -> tuple[OAuthGrant, ...]:
        """Returns what a user has let in and what has taken it up, oldest first."""
        rows = await self._reader.rows(
            "SELECT g.id, g.client_id, c.name AS client_name, g.user_id, g.scope, g.created_at, g.expires_at"
            " FROM oauth_grants g JOIN oauth_clients c ON c.id = g.client_id WHERE g.user_id = :user"
            f" AND {_ALIVE} AND EXISTS (SELECT 1 FROM oauth_tokens t WHERE t.grant_id = g.id AND NOT t.used"
            " AND t.expires > :now) ORDER BY g.rowid",
            {"user": user_id, "now": now.timestamp()},
        )
        return tuple(OAuthGrant.model_validate(dict(row)) for row in rows)

    async def end_grant(self, grant_id: str, user_id: str) -> bool:
        """Ends a grant of this user's. Says whether there was one."""
        return await self._at_once(lambda db: _end(db, "id = ? AND user_id = ?", grant_id, user_id) == 1)

    async def add_code(self, hash: str, code: OAuthCode, grant: OAuthGrant, now: datetime) -> None:
        """Keeps a grant with the code that its client can take it up by. The oldest ones make room."""
        values = {
            **code.model_dump(),
            **grant.model_dump(mode="json"),
            "hash": hash,
            "ends": grant.expires_at.timestamp(),
            "expires": now.timestamp() + CODE_S,
        }

        def add(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT INTO oauth_grants (id, client_id, user_id, scope, created_at, expires_at, ends)"
                " VALUES (:id, :client_id, :user_id, :scope, :created_at, :expires_at, :ends)",
                values,
            )
            db.execute(
                "INSERT INTO oauth_codes (hash, grant_id, redirect_uri, redirect_given, challenge,"
                " challenge_method, expires) VALUES (:hash, :id, :redirect_uri, :redirect_given, :challenge,"
                " :challenge_method, :expires)",
                values,
            )
            whose = {"user": grant.user_id, "client": grant.client_id}
            for exchanged, most in (("NOT", PENDING), ("", OPEN)):
                trimmed = _TRIMMED.format(exchanged=exchanged)
                for (old,) in db.execute(trimmed, {**whose, "most": most}).fetchall():
                    _end(db, "id = ?", old)

        await self._at_once(add)

    async def code(self, hash: str, now: datetime) -> OAuthCode | None:
        """Returns the code of this hash: one that can be used, or one that was, as long as its grant is."""
        rows = await self._reader.rows(
            "SELECT o.*, g.client_id, g.user_id, g.scope FROM oauth_codes o"
            " JOIN oauth_grants g ON g.id = o.grant_id"
            f" WHERE o.hash = :hash AND (o.used OR o.expires > :now) AND {_ALIVE}",
            {"hash": hash, "now": now.timestamp()},
        )
        return OAuthCode.model_validate(_of(rows[0], OAuthCode)) if rows else None

    async def token(self, kind: str, hash: str, now: datetime) -> OAuthToken | None:
        """Returns the token of this kind and hash, used ones too."""
        rows = await self._reader.rows(
            "SELECT t.grant_id, t.scope, t.used, g.client_id, g.user_id FROM oauth_tokens t"
            " JOIN oauth_grants g ON g.id = t.grant_id"
            f" WHERE t.hash = :hash AND t.kind = :kind AND t.expires > :now AND {_ALIVE}",
            {"hash": hash, "kind": kind, "now": now.timestamp()},
        )
        return OAuthToken.model_validate(dict(rows[0])) if rows else None

    async def exchange(
        self,
        shown: tuple[str, str],
        grant_id: str,
        access: tuple[str, str],
        refresh: tuple[str, str],
        now: datetime,
    ) -> bool:
        """Takes what was `shown`, whose table (`oauth_codes`, `oauth_tokens`) and hash it is, and keeps the
        new tokens, each with hash and scope, in the place of those before. Says whether that was still
        possible: else somebody has been faster, and the grant is ended."""
        table, hash = shown
        at = now.timestamp()

        def exchange(db: sqlite3.Connection) -> bool:
            sql = f"UPDATE {table} SET used = 1 WHERE hash = ? AND NOT used"
            taken = db.execute(sql, (hash,)).rowcount == 1
            grant = {"grant": grant_id, "now": at}
            alive = db.execute(f"SELECT 1 FROM oauth_grants g WHERE g.id = :grant AND {_ALIVE}", grant)
            if not taken or alive.fetchone() is None:
                _end(db, "id = ?", grant_id)
                return False
            db.execute("DELETE FROM oauth_tokens WHERE grant_id = ? AND kind = 'access'", (grant_id,))
            for kind, (new, scope), life in (("access", access, ACCESS_S), ("refresh", refresh, REFRESH_S)):
                values = (new, grant_id, kind, scope, at + life)
                db.execute("INSERT INTO oauth_tokens VALUES (?, ?, ?, ?, ?, 0)", values)
            db.execute(
                "DELETE FROM oauth_tokens WHERE rowid IN (SELECT rowid FROM oauth_tokens WHERE grant_id = ?"
                " AND kind = 'refresh' AND used ORDER BY rowid DESC LIMIT -1 OFFSET ?)",
                (grant_id, REMEMBERED),
            )
            return True

        return await self._at_once(exchange)

    async def end(self, grant_id: str) -> None:
        """Ends a grant, whosever it is."""
        await self._at_once(lambda db: _end(db, "id = ?", grant_id))

    async def sweep(self, now: datetime) -> None:
        """Removes what nobody can use any more."""
        at = {"now": now.timestamp()}

        def sweep(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM oauth_codes WHERE NOT used AND expires <= :now", at)
            db.execute("DELETE FROM oauth_tokens WHERE expires <= :now", at)
            unused = (
                f"SELECT g.id FROM oauth_grants g WHERE NOT ({_ALIVE}) OR NOT ("
                " EXISTS (SELECT 1 FROM oauth_codes c WHERE c.grant_id = g.id AND NOT c.used)"
                " OR EXISTS (SELECT 1 FROM oauth_tokens t WHERE t.grant_id = g.id AND NOT t.used))"
            )
            for (grant_id,) in db.execute(unused, at).fetchall():
                _end(db, "id = ?", grant_id)

        await self._at_once(sweep)

    async def _at_once(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def run(db: sqlite3.Connection) -> T:
            with db:
                db.execute("BEGIN IMMEDIATE")
                return work(db)

        return await self._writer.run(run)


def _end(db: sqlite3.Connection, where: str, *values: str) -> int:
    """Ends grants with all that came of them; returns how many."""
    for table in ("oauth_codes", "oauth_tokens"):
        sql = f"DELETE FROM {table} WHERE grant_id IN (SELECT id FROM oauth_grants WHERE {where})"
        db.execute(sql, values)
    return db.execute(f"DELETE FROM oauth_grants WHERE {where}", values).rowcount


def _client(row: sqlite3.Row) -> OAuthClient:
    return OAuthClient.model_validate(
        {**_of(row, OAuthClient), "redirect_uris": json.loads(row["redirect_uris"])}
    )


def _of(row: sqlite3.Row, kind: type[OAuthClient | OAuthCode]) -> dict[str, object]:
    """Returns the columns that are fields of this kind."""
    return {name: value for name, value in dict(row).items() if name in kind.model_fields}
