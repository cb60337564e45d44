"""Files of the open session: list, preview, editor, undo and redo; completion of `@path`."""

from __future__ import annotations

import asyncio
import os
import shlex
from pathlib import Path

from holdfast.core.domain.errors import HoldfastError, UnavailableError, UnsupportedError
from holdfast.core.domain.text import sanitize_line
from holdfast.tui.control.base import Context
from holdfast.tui.control.local_files import Copy, complete, is_rooted
from holdfast.tui.control.sessions import SessionsControl
from holdfast.tui.presenters.files import changed_line, file_rows
from holdfast.tui.presenters.previews import preview_of


class FilesControl:
    """What a person does with files."""

    def __init__(self, context: Context, sessions: SessionsControl) -> None:
        self._context = context
        self._sessions = sessions

    async def reload(self, _: str = "") -> None:
        """Asks for the files of the open session."""
        model = self._context.model
        session_id = model.session_id
        if session_id is None:
            return
        try:
            entries = await self._context.workbench.files.list(session_id)
        except HoldfastError as error:
            model.files_error = sanitize_line(error.message)
        else:
            if model.session_id == session_id:
                model.files, model.files_error = file_rows(entries, model.run.numbers), ""
        self._context.view.mark("files")

    async def preview(self, path: str) -> None:
        """Shows a file of the open session."""
        if self._context.model.session_id is None:
            return
        content = await self._context.workbench.files.read(self._context.model.session_id, path)
        preview = await asyncio.to_thread(preview_of, content)
        self._context.app.dialogs.preview(preview, path)

    async def complete(self, prefix: str) -> tuple[str, ...]:
        """Returns paths for `@prefix`: of the session's files, or of this machine's for one from its root."""
        at_hand = self._context.app.start.at_hand
        if self._context.remote is not None and at_hand and is_rooted(prefix):
            return await asyncio.to_thread(complete, prefix, self._context.app.start.folder)
        if self._context.model.session_id is None and not self._context.model.header.may_send:
            return ()  # there is no session to look in, and none can be made
        # Shielded: the next key asks anew and ends this, but a session that is being made must be noted.
        session_id = await asyncio.shield(self._sessions.for_paths())
        return await self._context.workbench.files.complete(session_id, prefix)

    async def edit(self, path: str) -> None:
        """Opens a file in $VISUAL or $EDITOR; the app steps aside meanwhile."""
        session_id = self._context.model.session_id
        if session_id is None:
            return
        if not self._context.app.start.at_hand:
            raise UnsupportedError("There is no editor in a browser; an agent can change the file.")
        if self._context.remote is not None:
            await self._edit_copy(session_id, path)
            return
        session = await self._context.workbench.sessions.get(session_id)
        target = Path(session.workspace) / path
        if not target.is_file():
            raise UnavailableError(
                f"{sanitize_line(str(target))} is not on this machine.", code="file_not_here", retryable=False
            )
        self._open_editor(target)
        await self.reload()

    def _open_editor(self, path: Path) -> None:
        problem = self._context.app.dialogs.run_aside([*shlex.split(_editor()), "--", str(path)])
        if problem:
            self._context.view.say_error(problem)

    async def _edit_copy(self, session_id: str, path: str) -> None:
        """Edits a copy of a file that is on another machine; what was changed goes back there."""
        files = self._context.workbench.files
        try:
            copy = await Copy.fetch(await files.download(session_id, path))
            self._open_editor(copy.path)
            content = copy.changed()
        except OSError as error:
            self._context.view.say_error(f"The copy cannot be kept here: {error.strerror or error}.")
            return
        if content is None:
            copy.remove()
            return
        try:
            await files.upload(session_id, path, content, expected=copy.digest)
        except HoldfastError as error:
            self._context.view.say_error(f"{error.message} Your version is kept in {copy.path}.")
            return
        copy.remove()
        self._context.view.say(f"{sanitize_line(path)} was changed at {self._context.app.start.place}.")
        await self.reload()

    async def undo(self, _: str = "") -> None:
        files, session_id = self._context.workbench.files, self._open()
        before = await files.list(session_id)
        done = changed_line(before, await files.undo(session_id), "undo")
        self._context.view.say(f"{done}  (U brings it back)")
        await self.reload()

    async def redo(self, _: str = "") -> None:
        files, session_id = self._context.workbench.files, self._open()
        before = await files.list(session_id)
        self._context.view.say(changed_line(before, await files.redo(session_id), "redo"))
        await self.reload()

    def _open(self) -> str:
        session_id = self._context.model.session_id
        if session_id is None:
            raise UnavailableError("No session is open yet, so there is nothing to undo.", code="no_session")
        return session_id


def _editor() -> str:
    return os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
