"""Users and their credentials. Unlike the index tables they are no projection of the log."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from datetime import datetime

from holdfast.core.domain.accounts import UserPage
from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError
from holdfast.core.domain.ext import Ext, annotated
from holdfast.core.domain.identity import Credential, User
from holdfast.core.store.memory import forget_owner
from holdfast.core.store.reader import Reader
from holdfast.core.store.writer import Writer

_FIELDS = ", ".join(Credential.model_fields)
_TAKEN = """
    SELECT CASE WHEN lower(:name) IN (lower(name), lower(email)) THEN 'name' ELSE 'email' END FROM users
    WHERE lower(:name) IN (lower(name), lower(email))
    OR (:email <> '' AND lower(:email) IN (lower(name), lower(email)))
    ORDER BY 1 DESC
"""


_TAKEN_BY_OTHERS = """
    SELECT 1 FROM users WHERE id <> :id AND :email <> '' AND lower(:email) IN (lower(name), lower(email))
"""


def _email_taken() -> ConflictError:
    return ConflictError("There is a user of this e-mail address already.", code="email_exists")


class Accounts:
    """Reads and writes the tables `users` and `credentials`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def users(self) -> tuple[User, ...]:
        """Returns all users, oldest first."""
        rows = await self._reader.rows("SELECT * FROM users ORDER BY rowid")
        return tuple(User.model_validate(dict(row)) for row in rows)

    async def seen(self) -> dict[str, datetime]:
        """Returns when users have used a credential last, by their ids."""
        rows = await self._reader.rows(
            "SELECT user_id, max(last_used_at) AS at FROM credentials WHERE last_used_at IS NOT NULL"
            " GROUP BY user_id"
        )
        return {row["user_id"]: datetime.fromisoformat(row["at"]) for row in rows}

    async def user_page(self, number: int, size: int) -> UserPage:
        """Returns a page of the users, newest first; the first page is number 1."""
        rows = await self._reader.rows(
            "SELECT * FROM users ORDER BY rowid DESC LIMIT ? OFFSET ?", (size, (number - 1) * size)
        )
        counted = await self._reader.rows("SELECT count(*) AS total FROM users")
        users = tuple(User.model_validate(dict(row)) for row in rows)
        return UserPage(users=users, total=counted[0]["total"])

    async def change_user(self, user: User) -> None:
        """Replaces what is known of a user. Raises `ConflictError` when the e-mail address is another one's,
        or his name."""

        def change(db: sqlite3.Connection) -> bool:
            with db:
                db.execute("BEGIN IMMEDIATE")
                fields = user.model_dump(mode="json")
                if db.execute(_TAKEN_BY_OTHERS, fields).fetchone() is not None:
                    return False
                db.execute(
                    "UPDATE users SET role = :role, email = :email, phone = :phone,"
                    " display_name = :display_name WHERE id = :id",
                    fields,
                )
                return True

        if not await self._writer.run(change):
            raise _email_taken()

    async def user(self, user_id: str) -> User | None:
        """Returns the user with this id."""
        return await self._user("id = ?1", user_id)

    async def user_called(self, name_or_id: str) -> User | None:
        """Returns the user with this id, else the one of this name."""
        return await self._user("id = ?1 OR name = ?1 ORDER BY id = ?1 DESC", name_or_id)

    async def user_signing_in(self, named: str) -> User | None:
        """Returns the user of this name, else of this e-mail address, else of the name in another case."""
        return await self._user(
            "?1 <> '' AND lower(?1) IN (lower(name), lower(email))"
            " ORDER BY name = ?1 DESC, lower(email) = lower(?1) DESC, rowid",
            named,
        )

    async def _user(self, where: str, value: str) -> User | None:
        rows = await self._reader.rows(f"SELECT * FROM users WHERE {where} LIMIT 1", (value,))
        return User.model_validate(dict(rows[0])) if rows else None

    async def add_user(self, user: User, password_hash: str | None = None) -> None:
        """Raises `ConflictError` when the name or the e-mail address is taken, in whatever case, also as the
        other of the two."""

        def insert(db: sqlite3.Connection) -> str:
            with db:
                db.execute("BEGIN IMMEDIATE")
                return add(db)

        def add(db: sqlite3.Connection) -> str:
            fields = user.model_dump(mode="json")
            taken = db.execute(_TAKEN, fields).fetchone()
            if taken is None:
                marks = ", ".join(f":{name}" for name in fields)
                db.execute(f"INSERT INTO users ({', '.join(fields)}) VALUES ({marks})", fields)
                if password_hash is not None:
                    values = (user.id, password_hash, user.created_at.isoformat())
                    db.execute("INSERT INTO passwords VALUES (?, ?, ?)", values)
            return "" if taken is None else str(taken[0])

        match await self._writer.run(insert):
            case "name":
                raise ConflictError(f"There is a user {user.name} already.", code="user_exists")
            case "email":
                raise _email_taken()

    async def remove_user(self, user_id: str) -> None:
        """Removes a user with all credentials, kept answers, prompts and memory, at once."""

        def remove(db: sqlite3.Connection) -> None:
            with db:
                db.execute("BEGIN IMMEDIATE")
                db.execute("DELETE FROM credentials WHERE user_id = ?", (user_id,))
                db.execute("DELETE FROM passwords WHERE user_id = ?", (user_id,))
                db.execute("DELETE FROM identities WHERE user_id = ?", (user_id,))
                db.execute("DELETE FROM idempotency WHERE user_id = ?", (user_id,))
                db.execute("DELETE FROM prompts WHERE owner = ?", (user_id,))
                db.execute("DELETE FROM user_ext WHERE user_id = ?", (user_id,))
                db.execute("DELETE FROM agreements WHERE user_id = ?", (user_id,))
                db.execute("DELETE FROM credit_accounts WHERE owner = ?", (user_id,))
                forget_owner(db, user_id)
                db.execute("DELETE FROM users WHERE id = ?", (user_id,))

        await self._writer.run(remove)

    async def ext(self, user_id: str) -> Ext:
        """Returns what clients of other systems keep with a user."""
        rows = await self._reader.rows("SELECT ext FROM user_ext WHERE user_id = ?", (user_id,))
        return json.loads(rows[0]["ext"]) if rows else {}

    async def annotate(self, user_id: str, ext: Ext) -> Ext:
        """Changes what clients of other systems keep with a user, and returns it. Raises `InvalidError` for
        more than fits."""

        def change(db: sqlite3.Connection) -> Ext | InvalidError:
            with db:
                db.execute("BEGIN IMMEDIATE")
                row = db.execute("SELECT ext FROM user_ext WHERE user_id = ?", (user_id,)).fetchone()
                try:
                    kept = annotated(json.loads(row[0]) if row else {}, ext) or {}
                except InvalidError as error:
                    return error
                text = json.dumps(kept)
                db.execute("INSERT OR REPLACE INTO user_ext VALUES (?, ?)", (user_id, text))
                return kept

        found = await self._writer.run(change)
        if isinstance(found, InvalidError):
            raise found
        return found

    async def credentials(self, user_id: str | None, kind: str) -> tuple[Credential, ...]:
        """Returns the credentials of a user, or of all, oldest first."""
        rows = await self._reader.rows(
            f"SELECT {_FIELDS} FROM credentials WHERE kind = ?1 AND (?2 IS NULL OR user_id = ?2)"
            " ORDER BY created_at, rowid",
            (kind, user_id),
        )
        return tuple(Credential.model_validate(dict(row)) for row in rows)

    async def by_hash(self, hash: str) -> tuple[Credential, User] | None:
        """Returns the credential whose secret has this hash, and its user."""
        rows = await self._reader.rows(f"SELECT {_FIELDS} FROM credentials WHERE hash = ?", (hash,))
        if not rows:
            return None
        credential = Credential.model_validate(dict(rows[0]))
        user = await self.user(credential.user_id)
        return None if user is None else (credential, user)

    async def credential(self, credential_id: str) -> Credential | None:
        """Returns a credential."""
        rows = await self._reader.rows(f"SELECT {_FIELDS} FROM credentials WHERE id = ?", (credential_id,))
        return Credential.model_validate(dict(rows[0])) if rows else None

    async def add_credential(self, credential: Credential, hash: str) -> None:
        """Keeps a credential under the hash of its secret. Raises `NotFoundError` when its user, or the
        credential that asked for it, is gone."""
        fields = credential.model_dump(mode="json")
        sql = (
            f"INSERT INTO credentials ({', '.join(fields)}, hash)"
            f" SELECT {', '.join(f':{name}' for name in fields)}, :hash"
            " WHERE EXISTS (SELECT 1 FROM users WHERE id = :user_id) AND (:made_by IS NULL OR EXISTS"
            " (SELECT 1 FROM credentials WHERE id = :made_by AND revoked_at IS NULL))"
        )
        values = {**fields, "hash": hash}
        if not await self._writer.run(lambda db: db.execute(sql, values).rowcount == 1):
            raise NotFoundError(
                f"There is no user {credential.user_id} any more, or not the key that asks.",
                code="user_not_found",
            )

    async def revoke(self, credential_id: str, at: datetime) -> None:
        """Marks a credential as revoked, with the logins that were made by it; a second time changes
        nothing."""
        sql = (
            "WITH RECURSIVE gone (id) AS (SELECT ?1 UNION SELECT c.id FROM credentials c"
            " JOIN gone ON c.made_by = gone.id WHERE c.kind = 'login')"
            " UPDATE credentials SET revoked_at = ?2 WHERE id IN (SELECT id FROM gone)"
            " AND revoked_at IS NULL"
        )
        await self._write(sql, (credential_id, at.isoformat()))

    async def end_logins(self, user_id: str, but: Collection[str], at: datetime) -> None:
        """Revokes the logins of a user, but for those with these ids."""
        sql = (
            "UPDATE credentials SET revoked_at = ?1 WHERE kind = 'login' AND user_id = ?2"
            " AND revoked_at IS NULL AND id NOT IN (SELECT value FROM json_each(?3))"
        )
        await self._write(sql, (at.isoformat(), user_id, json.dumps(list(but))))

    async def drop_logins(self, user_id: str, before: datetime) -> None:
        """Forgets the logins of a user that ended before then."""
        sql = (
            "DELETE FROM credentials WHERE kind = 'login' AND user_id = ?1"
            " AND (datetime(expires_at) < datetime(?2) OR datetime(revoked_at) < datetime(?2))"
        )
        await self._write(sql, (user_id, before.isoformat()))

    async def used(self, credential_id: str, at: datetime) -> None:
        """Notes when a credential was used last."""
        await self._write(
            "UPDATE credentials SET last_used_at = ? WHERE id = ?", (at.isoformat(), credential_id)
        )

    async def _write(self, sql: str, values: tuple[str, ...]) -> None:
        def write(db: sqlite3.Connection) -> None:
            db.execute(sql, values)

        await self._writer.run(write)
