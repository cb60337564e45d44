"""The folders that agents work in, and what is in them, in h2oGPTe's words. Pure."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.files import FileEntry, FoundFile, WorkspaceStats
from holdfast.core.domain.runs import Session
from holdfast.server.dialects.h2ogpte.mapping_files import doc_id
from holdfast.server.dialects.h2ogpte.wire_files import (
    AgentServerDirectoryFileStats,
    AgentServerDirectoryStats,
    AgentServerFile,
    DirectoriesOfChat,
)

WORKSPACE = "workspace"
"""The id of a chat's one folder."""
_UNITS = ("B", "KB", "MB", "GB", "TB")
_LONG_AGO = datetime.fromtimestamp(0, UTC)


def file_of(chat_id: str, entry: FileEntry) -> AgentServerFile:
    """Returns a file that runs of a chat have made."""
    return AgentServerFile(
        id=doc_id(chat_id, entry.path, ""),
        bytes=entry.size,
        created_at=int((entry.modified_at or _LONG_AGO).timestamp()),
        filename=entry.path,
    )


def directory_of(
    session: Session, found: WorkspaceStats, owner: str, detail: int
) -> AgentServerDirectoryStats:
    """Returns the folder of a chat; `owner` is the name of the user."""
    made = session.created_at
    changed = max(made, found.changed_at or made)
    return AgentServerDirectoryStats(
        id=WORKSPACE,
        size_bytes=found.total_bytes,
        size_human_readable=readable(found.total_bytes),
        file_count=found.files,
        directory_count=found.folders,
        created_timestamp=made.timestamp(),
        modified_timestamp=changed.timestamp(),
        created_date=_date(made),
        modified_date=_date(changed),
        is_empty=is_empty(found),
        top_level_contents=found.names,
        owner=owner,
        permissions=stat.filemode(stat.S_IFDIR | found.mode),
        files=tuple(_content(each, owner) for each in found.contents) if detail else None,
    )


def directories_of(
    session: Session, found: Iterable[WorkspaceStats], owner: str, detail: int
) -> tuple[AgentServerDirectoryStats, ...]:
    """Returns the folders of a chat in which there is something."""
    return tuple(directory_of(session, each, owner, detail) for each in found if not is_empty(each))


def directories_of_all(
    sessions: Iterable[Session], found: Iterable[WorkspaceStats], owner: str, wanted: str
) -> list[DirectoriesOfChat]:
    """Returns the chats with something in their folders, in their order; `wanted`: a part of their titles."""
    places = {id: each for each in found for id in each.sessions}
    return [
        DirectoriesOfChat(
            agent_chat_session_id=session.id,
            chat_preview=session.title,
            stats=directories_of(session, [places[session.id]], owner, 0),
        )
        for session in sessions
        if session.id in places
        and not is_empty(places[session.id])
        and wanted.casefold() in session.title.casefold()
    ]


def check_directory(name: str) -> None:
    """Raises `NotFoundError` for what is not the id of a chat's folder."""
    if name != WORKSPACE:
        raise NotFoundError("This chat has no such directory.", code="directory_not_found")


def names_workspace(types: str | None) -> bool:
    """Says whether ids of folders, joined by commas, name that of a chat; None names all."""
    return types is None or WORKSPACE in (each.strip() for each in types.split(","))


def document_of(id: str) -> str | None:
    """Returns the id of a document of a collection that an id of a file is; None for an agent's file."""
    try:
        return str(UUID(id))
    except ValueError:
        return None


def is_empty(found: WorkspaceStats) -> bool:
    """Says whether a folder has nothing in it."""
    return not (found.files or found.folders)


def readable(size: int) -> str:
    """Returns bytes as people say it."""
    number, unit = float(size), 0
    while number >= 1024 and unit < len(_UNITS) - 1:
        number, unit = number / 1024, unit + 1
    return f"{number:.2f} {_UNITS[unit]}" if unit else f"{size} B"


def _content(found: FoundFile, owner: str) -> AgentServerDirectoryFileStats:
    modified = found.modified_at or _LONG_AGO
    made = found.changed_at or modified
    return AgentServerDirectoryFileStats(
        name=found.path.rpartition("/")[2],
        path=found.path,
        size_bytes=found.size,
        size_human_readable=readable(found.size),
        created_timestamp=made.timestamp(),
        modified_timestamp=modified.timestamp(),
        created_date=_date(made),
        modified_date=_date(modified),
        is_directory=found.folder,
        owner=owner,
        permissions=stat.filemode((stat.S_IFDIR if found.folder else stat.S_IFREG) | found.mode),
    )


def _date(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="seconds")
