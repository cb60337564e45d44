"""The noun `files` of a workbench."""

from __future__ import annotations

from typing import Protocol

from holdfast.core.domain.files import FileContent, FileEntry, FileVersion, WorkspaceStats, WrittenFile
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.messages import FilePart, ImagePart
from holdfast.core.domain.transfer import Download, Upload
from holdfast.core.domain.values import Limit
from holdfast.core.services.needs import needs


class Files(Protocol):
    """The files of sessions, with their versions."""

    @needs(Scope.READ)
    async def list(self, session_id: str) -> tuple[FileEntry, ...]:
        """Returns the files of the session's workspace, deleted ones that runs had included."""
        ...

    @needs(Scope.READ)
    async def made(self, session_id: str) -> tuple[FileEntry, ...]:
        """Returns the files that runs of the session have made and that are there, hidden ones too."""
        ...

    @needs(Scope.CHAT)
    async def clear(self, session_id: str) -> int:
        """Deletes the files that runs of the session have made, and the folders that are empty then; their
        contents stay among the versions. Returns how many files they were.

        Raises `ConflictError`: `deleting` while that is being done already, `busy` as `write` does.
        """
        ...

    @needs(Scope.READ)
    async def read(self, session_id: str, path: str) -> FileContent:
        """Returns a file for a preview."""
        ...

    @needs(Scope.READ)
    async def image(self, session_id: str, blob: str) -> FileContent:
        """Returns an image that a message or a call of the session holds, by the digest that names it there.
        One of more than 2 MiB comes without its data. Raises `NotFoundError`."""
        ...

    @needs(Scope.CHAT)
    async def write(self, session_id: str, path: str, text: str, expected: str | None = None) -> WrittenFile:
        """Makes or replaces a text file, in UTF-8.

        `expected` is the SHA-256 of what the writer had read (empty: there must be no such file, None: no
        matter). Raises `ConflictError`: `file_changed` where the file is another now, `busy` while a call
        of a run may be changing files.
        """
        ...

    @needs(Scope.CHAT)
    async def upload(
        self, session_id: str, path: str, data: Upload, expected: str | None = None
    ) -> WrittenFile:
        """Makes or replaces a file of any kind, as `write` does. Raises `TooLargeError` over the setting
        `server.max_upload_mb` when it comes by HTTP."""
        ...

    @needs(Scope.CHAT)
    async def delete(self, session_id: str, path: str) -> None:
        """Deletes a file; its content stays among its versions. Raises `NotFoundError`, `ConflictError`."""
        ...

    @needs(Scope.READ)
    async def download(self, session_id: str, path: str, version: str | None = None) -> Download:
        """Returns a file as it is now, or with `version`, a digest, as it was. Raises `NotFoundError`."""
        ...

    @needs(Scope.READ)
    async def versions(self, session_id: str, path: str) -> tuple[FileVersion, ...]:
        """Returns the contents that a file had in this session, oldest first."""
        ...

    @needs(Scope.READ)
    async def stats(
        self, session_id: str | None = None, contents: bool = False
    ) -> tuple[WorkspaceStats, ...]:
        """Counts what is in the session's workspace, or in those of all of the user's sessions: each once,
        latest first, without those whose folder is gone. With `contents` each file is named."""
        ...

    @needs(Scope.CHAT)
    async def attach(self, session_id: str, path: str) -> ImagePart | FilePart:
        """Takes in a file for a message; a relative path is of the workspace, then of the project."""
        ...

    @needs(Scope.CHAT)
    async def attach_data(self, session_id: str, name: str, data: Upload) -> ImagePart | FilePart:
        """Takes in a file of the caller's own machine for a message; it does not become one of the
        workspace. Raises `TooLargeError`."""
        ...

    @needs(Scope.CHAT)
    async def attach_url(self, session_id: str, url: str) -> ImagePart | FilePart:
        """Takes in what a public address of the web answers for a message, under the rules of the tool
        `fetch_url`. Raises `ForbiddenError` for an address that is not public, `ToolError` when it cannot be
        fetched, `TooLargeError`."""
        ...

    @needs(Scope.READ)
    async def complete(self, session_id: str, prefix: str, limit: Limit = 20) -> tuple[str, ...]:
        """Returns paths for `@prefix`, best first, fuzzy."""
        ...

    @needs(Scope.CHAT)
    async def undo(self, session_id: str, run_id: str | None = None) -> tuple[FileEntry, ...]:
        """Takes back one run's changes (None: the last run that has some). Raises `ConflictError` where a
        file was changed since, naming it; then nothing is changed."""
        ...

    @needs(Scope.CHAT)
    async def redo(self, session_id: str, run_id: str | None = None) -> tuple[FileEntry, ...]:
        """Brings back what `undo` took."""
        ...
