"""What clients change in the files of a session: written whole, told by an event, kept apart from runs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from holdfast.core.approvals.policy import AGENT_FILES
from holdfast.core.domain.errors import ForbiddenError, InvalidError
from holdfast.core.domain.events import FileChanged
from holdfast.core.domain.files import FileChange, WrittenFile
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.tools import BlobStore
from holdfast.core.domain.transfer import Upload
from holdfast.core.files.entries import made
from holdfast.core.files.jail import WorkspaceJail
from holdfast.core.files.put import ABSENT, put, remove, remove_all
from holdfast.core.runs.supervisor import Supervisor
from holdfast.core.services.access import Access
from holdfast.core.services.workspaces import Workspaces
from holdfast.core.store.log import EventLog

T = TypeVar("T")

_DIGEST = re.compile(r"[0-9a-f]{64}")


class ClientChanges:
    """Changes files for one principal.

    Allowed while a run waits or thinks, refused (`busy`) while one of its calls may be changing files, so
    that undoing the run never takes back what a client did.
    """

    def __init__(
        self,
        access: Access,
        log: EventLog,
        supervisor: Supervisor,
        workspaces: Workspaces,
        blobs: BlobStore,
    ) -> None:
        self._access = access
        self._log = log
        self._supervisor = supervisor
        self._workspaces = workspaces
        self._blobs = blobs
        self._going_on: set[asyncio.Task[Any]] = set()

    async def put(self, session_id: str, path: str, data: Upload, expected: str | None) -> WrittenFile:
        """Makes or replaces a file."""
        if expected is not None:
            expected = expected.lower()
            if expected != ABSENT and not _DIGEST.fullmatch(expected):
                raise InvalidError(
                    "`expected` must be the SHA-256 of the file in hexadecimal, or empty for a new file.",
                    code="invalid_digest",
                )
        return await self._whole(
            self._change(session_id, path, lambda jail: put(jail, self._blobs, path, data, expected))
        )

    async def remove(self, session_id: str, path: str) -> None:
        """Deletes a file."""
        await self._whole(
            self._change(session_id, path, lambda jail: (None, remove(jail, self._blobs, path)))
        )

    async def clear(self, session_id: str) -> int:
        """Deletes the files that runs of the session have made, and the folders that are empty then; returns
        how many they were. Raises `ConflictError` (`deleting`) while that is being done already."""
        return await self._whole(self._clear(session_id))

    async def _clear(self, session_id: str) -> int:
        await self._access.own_session(session_id)
        with self._workspaces.deleting(session_id):
            async with self._supervisor.held(session_id):
                workspace = self._workspaces.open(await self._access.session(session_id))
                async with self._workspaces.watch(workspace).writing():
                    return await self._delete_made(session_id, workspace)

    async def _delete_made(self, session_id: str, workspace: WorkspaceJail) -> int:
        changes = await self.changes(session_id)
        done: list[FileChange] = []

        def delete() -> None:
            paths = [entry.path for entry in made(changes, workspace.walk(hidden=True))]
            for path in paths:
                self._check(workspace, path)
            remove_all(workspace, self._blobs, paths, done)

        try:
            await asyncio.to_thread(delete)
        finally:
            told = ({"session_id": session_id, "origin": "api", **change.model_dump()} for change in done)
            await self._log.append(*map(FileChanged.model_validate, told))
        return len(done)

    async def changes(self, session_id: str) -> list[FileChanged]:
        """Returns what is known to have changed in the session's files, oldest first."""
        events = await self._log.reader.events_of_type(session_id, "file.changed")
        return [logged.event for logged in events if isinstance(logged.event, FileChanged)]

    async def _change(
        self, session_id: str, path: str, act: Callable[[WorkspaceJail], tuple[T, FileChange | None]]
    ) -> T:
        await self._access.own_session(session_id)
        async with self._supervisor.held(session_id):
            workspace = self._workspaces.open(await self._access.session(session_id))
            self._check(workspace, path)
            async with self._workspaces.watch(workspace).writing():
                result, change = await asyncio.to_thread(act, workspace)
                if change is not None:
                    fields = {"session_id": session_id, "origin": "api", **change.model_dump()}
                    await self._log.append(FileChanged.model_validate(fields))
        return result

    def _check(self, workspace: WorkspaceJail, path: str) -> None:
        """Refuses files that say what agents may do to a principal who may not change agents."""
        if self._access.principal.scope.includes(Scope.ADMIN):
            return
        if AGENT_FILES.match(workspace.relative(path)):
            raise ForbiddenError(
                f"{path} says what agents may do; changing it needs a key of scope `admin`.",
                code="scope_missing",
                details={"needs": Scope.ADMIN, "has": self._access.principal.scope},
            )

    async def _whole(self, work: Coroutine[Any, Any, T]) -> T:
        """Returns what `work` returns. It goes on when the caller goes away: a file that is written must
        have its event."""
        task = asyncio.create_task(work)
        self._going_on.add(task)
        task.add_done_callback(self._going_on.discard)
        return await asyncio.shield(task)
