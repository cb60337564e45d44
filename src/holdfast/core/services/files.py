"""The files of sessions: list, preview, write, send and fetch, attach, complete, undo and redo, count."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import unquote, urlsplit

from holdfast.core.config.settings import Settings
from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError
from holdfast.core.domain.events import FileChanged
from holdfast.core.domain.files import (
    Change,
    FileChange,
    FileContent,
    FileEntry,
    FileVersion,
    WorkspaceStats,
    WrittenFile,
)
from holdfast.core.domain.messages import FilePart, ImagePart
from holdfast.core.domain.runs import Session
from holdfast.core.domain.tools import BlobStore
from holdfast.core.domain.transfer import Download, Upload
from holdfast.core.files.attach import MAX_ATTACHMENT_BYTES, attach
from holdfast.core.files.entries import entries, made
from holdfast.core.files.fetch import fetch_file, fetch_version
from holdfast.core.files.history import versions
from holdfast.core.files.jail import WorkspaceJail
from holdfast.core.files.preview import kept_image, read_for_preview
from holdfast.core.files.stats import count
from holdfast.core.files.undo import redo, undo
from holdfast.core.runs.supervisor import Supervisor
from holdfast.core.services.access import Access
from holdfast.core.services.attachments import Attachments
from holdfast.core.services.changing import ClientChanges
from holdfast.core.services.fetching import fetched
from holdfast.core.services.paging import checked_limit
from holdfast.core.services.workspaces import Workspaces
from holdfast.core.store.log import EventLog
from holdfast.core.tools.web import WebFetcher

STATS_S = 10.0
"""Longest time that counting workspaces takes, in seconds."""


class FileService:
    """Implements the `Files` of a workbench."""

    def __init__(
        self,
        access: Access,
        log: EventLog,
        supervisor: Supervisor,
        workspaces: Workspaces,
        blobs: BlobStore,
        attachments: Attachments,
        web: WebFetcher,
        settings: Callable[[Path | None], Settings],
    ) -> None:
        self._web = web
        self._settings = settings
        self._access = access
        self._log = log
        self._supervisor = supervisor
        self._workspaces = workspaces
        self._blobs = blobs
        self._attachments = attachments
        self._by_client = ClientChanges(access, log, supervisor, workspaces, blobs)
        self._changes = self._by_client.changes

    async def _session(self, session_id: str) -> Session:
        return await self._access.session(session_id)

    async def list(self, session_id: str) -> tuple[FileEntry, ...]:
        session = await self._session(session_id)
        changes = await self._changes(session_id)
        workspace = self._workspaces.open(session)
        return await asyncio.to_thread(lambda: tuple(entries(changes, workspace.walk())))

    async def made(self, session_id: str) -> tuple[FileEntry, ...]:
        session = await self._session(session_id)
        changes = await self._changes(session_id)
        workspace = self._workspaces.open(session)
        return await asyncio.to_thread(lambda: tuple(made(changes, workspace.walk(hidden=True))))

    async def clear(self, session_id: str) -> int:
        return await self._by_client.clear(session_id)

    async def read(self, session_id: str, path: str) -> FileContent:
        workspace = self._workspaces.open(await self._session(session_id))
        return await asyncio.to_thread(read_for_preview, workspace, path)

    async def image(self, session_id: str, blob: str) -> FileContent:
        session = await self._session(session_id)
        if not await self._log.reader.holds(session.id, blob):
            raise NotFoundError("Nothing in this session holds that image.", code="image_not_found")
        return await asyncio.to_thread(kept_image, self._blobs, blob)

    async def write(self, session_id: str, path: str, text: str, expected: str | None = None) -> WrittenFile:
        try:
            data = text.encode()
        except UnicodeEncodeError:
            raise InvalidError("The text holds characters that are not valid Unicode.") from None
        return await self._by_client.put(session_id, path, data, expected)

    async def upload(
        self, session_id: str, path: str, data: Upload, expected: str | None = None
    ) -> WrittenFile:
        return await self._by_client.put(session_id, path, data, expected)

    async def delete(self, session_id: str, path: str) -> None:
        await self._by_client.remove(session_id, path)

    async def download(self, session_id: str, path: str, version: str | None = None) -> Download:
        workspace = self._workspaces.open(await self._session(session_id))
        path = workspace.relative(path)
        if version is None:
            return await asyncio.to_thread(fetch_file, workspace, path)
        changes = await self._changes(session_id)
        return await asyncio.to_thread(fetch_version, self._blobs, changes, path, version)

    async def versions(self, session_id: str, path: str) -> tuple[FileVersion, ...]:
        path = self._workspaces.open(await self._session(session_id)).relative(path)
        changes = await self._changes(session_id)
        return await asyncio.to_thread(versions, changes, path, self._blobs)

    async def stats(
        self, session_id: str | None = None, contents: bool = False
    ) -> tuple[WorkspaceStats, ...]:
        owned = await self._log.reader.workspaces(self._access.owner)
        if session_id is not None:
            folder = str(self._workspaces.open(await self._session(session_id)).root)
            owned = {folder: owned.get(folder, [session_id])}
        async with self._workspaces.counting:
            return await asyncio.to_thread(_count_all, owned, time.monotonic() + STATS_S, contents)

    async def attach(self, session_id: str, path: str) -> ImagePart | FilePart:
        session = await self._session(session_id)
        part = await asyncio.to_thread(self._attach, session, path)
        return self._attachments.note(self._access.owner, part)

    async def attach_data(self, session_id: str, name: str, data: Upload) -> ImagePart | FilePart:
        await self._session(session_id)
        part = await asyncio.to_thread(self._attach_data, name, data)
        return self._attachments.note(self._access.owner, part)

    async def attach_url(self, session_id: str, url: str) -> ImagePart | FilePart:
        await self._session(session_id)
        settings = await asyncio.to_thread(self._settings, None)
        page = await fetched(self._web, url, MAX_ATTACHMENT_BYTES + 1, settings)
        name = PurePosixPath(unquote(urlsplit(url).path)).name or "file"
        part = await asyncio.to_thread(self._attach_data, name, page.data)
        return self._attachments.note(self._access.owner, part)

    def _attach_data(self, name: str, data: Upload) -> ImagePart | FilePart:
        content = data if isinstance(data, bytes) else data.read(MAX_ATTACHMENT_BYTES + 1)
        return attach(content, name, self._blobs)

    def _attach(self, session: Session, path: str) -> ImagePart | FilePart:
        return attach(self._read_named(session, path), Path(path).name, self._blobs)

    def _read_named(self, session: Session, path: str) -> bytes:
        """Returns the content of a file that a person names; one that they place elsewhere may be anywhere.

        What lies in the workspace or the project is read through the jail: a link there may be an agent's,
        or a stranger's who made the project, and this goes to a model.
        """
        try:
            own = Path(path).expanduser()
        except RuntimeError:  # the home of a user there is not
            own = Path(path)
        if own.is_absolute() or ".." in own.parts:
            self._access.machine("Attaching a file from outside of the session's folders")
            return _read_own(Path(session.project, own), session)
        return self._workspaces.read(session, path, MAX_ATTACHMENT_BYTES + 1)

    async def complete(self, session_id: str, prefix: str, limit: int = 20) -> tuple[str, ...]:
        session = await self._session(session_id)
        index = self._workspaces.index(session)
        found = await asyncio.to_thread(index.complete, prefix, checked_limit(limit))
        if session.workspace == session.project:
            return found
        project = self._workspaces.project_index(session)
        more = await asyncio.to_thread(project.complete, prefix, limit)
        return tuple(dict.fromkeys((*found, *more)))[:limit]

    async def undo(self, session_id: str, run_id: str | None = None) -> tuple[FileEntry, ...]:
        return await self._turn(session_id, run_id, "undo")

    async def redo(self, session_id: str, run_id: str | None = None) -> tuple[FileEntry, ...]:
        return await self._turn(session_id, run_id, "redo")

    async def _turn(self, session_id: str, run_id: str | None, way: str) -> tuple[FileEntry, ...]:
        """Undoes or redoes one run's changes; the log keeps that as further changes of that run."""
        await self._access.own_session(session_id)
        async with self._supervisor.idle(session_id):
            session = await self._session(session_id)
            async with self._workspaces.watch(self._workspaces.open(session)).writing():
                await self._turn_idle(session, run_id, way)
        return await self.list(session_id)

    async def _turn_idle(self, session: Session, run_id: str | None, way: str) -> None:
        session_id = session.id
        runs = _standing(await self._changes(session_id))
        wanted = [run for run, undone in runs.items() if undone == (way == "redo")]
        chosen = run_id if run_id is not None else _pick(wanted, way)
        if chosen not in wanted:
            raise ConflictError(f"There is nothing to {way}.", code=f"nothing_to_{way}")
        changes = [
            FileChange(path=c.path, change=c.change, before=c.before, after=c.after, size=c.size)
            for c in await self._changes(session_id)
            if c.run_id == chosen and c.origin == "run"
        ]
        act: Callable[..., list[FileChange]] = undo if way == "undo" else redo
        workspace = self._workspaces.open(session)
        made = await asyncio.to_thread(act, workspace, self._blobs, changes)
        await self._log.append(
            *(
                FileChanged.model_validate(
                    {"session_id": session_id, "run_id": chosen, "origin": way, **change.model_dump()}
                )
                for change in made
            )
        )


def _count_all(
    workspaces: dict[str, list[str]], deadline: float, contents: bool
) -> tuple[WorkspaceStats, ...]:
    """Counts folders that are there, each once, whatever names it has."""
    by_place: dict[str, tuple[str, list[str]]] = {}
    for folder, sessions in workspaces.items():
        by_place.setdefault(os.path.realpath(folder), (folder, []))[1].extend(sessions)
    counted = (_count(folder, sessions, deadline, contents) for folder, sessions in by_place.values())
    return tuple(stats for stats in counted if stats is not None)


def _count(folder: str, sessions: Iterable[str], deadline: float, contents: bool) -> WorkspaceStats | None:
    try:
        jail = WorkspaceJail(Path(folder))
    except NotFoundError:
        return None
    try:
        return count(jail, tuple(sessions), deadline, contents=contents)
    finally:
        jail.close()


def _standing(changes: list[FileChanged]) -> dict[str, bool]:
    """Returns the runs that changed files, in order, and whether each is undone now.

    One that left every file as it found it is not among them: there is nothing to take back.
    """
    runs: dict[str, bool] = {}
    ends: dict[str, dict[str, tuple[str | None, str | None]]] = {}
    for change in changes:
        if change.run_id is None:
            continue
        runs[change.run_id] = change.origin == "undo"
        if change.origin == "run":
            files = ends.setdefault(change.run_id, {})
            first = files[change.path][0] if change.path in files else _side(change, "before")
            files[change.path] = (first, _side(change, "after"))
    return {
        run: undone
        for run, undone in runs.items()
        if any(before != after for before, after in ends.get(run, {}).values())
    }


def _side(change: FileChanged, side: Literal["before", "after"]) -> str | None:
    """Returns what identifies a file's content on one side; None: it does not exist there."""
    absent = Change.CREATED if side == "before" else Change.DELETED
    if change.change is absent:
        return None
    return getattr(change, side) or f"not kept, {side}"


def _pick(runs: list[str], way: str) -> str | None:
    """The last run is undone first, and so the first undone one is brought back first."""
    if not runs:
        return None
    return runs[-1] if way == "undo" else runs[0]


def _read_own(path: Path, session: Session) -> bytes:
    try:
        if not path.is_file():
            raise _no_file(path, session)
        with path.open("rb") as file:
            return file.read(MAX_ATTACHMENT_BYTES + 1)
    except OSError as error:
        raise InvalidError(f"{path} cannot be read: {error.strerror}.", code="file_unreadable") from error


def _no_file(path: Path, session: Session) -> NotFoundError:
    return NotFoundError(
        f"There is no file {path.name} in the session's folder or in {session.project}.",
        code="file_not_found",
    )
