"""Puts the blocks of a run before its model: into the system prompt, before the message, into files."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.core.domain.errors import HoldfastError
from holdfast.core.domain.events import FileChanged
from holdfast.core.domain.memory import MemoryBlock
from holdfast.core.domain.runs import Session
from holdfast.core.domain.tools import BlobStore
from holdfast.core.files.jail import WorkspaceJail
from holdfast.core.files.put import put
from holdfast.core.memory.render import file_paths, preface, section
from holdfast.core.services.remembering import RunMemory, readable, writable
from holdfast.core.services.workspaces import Workspaces
from holdfast.core.store.log import EventLog

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Injected:
    """What a run's model is shown of memory. Read once, so that it stays the same while the run goes on."""

    system: str = ""
    """A section of the system prompt."""
    preface: str = ""
    """Stands before the run's message."""


class Injection:
    """Makes what is shown, and writes the files."""

    def __init__(self, log: EventLog, workspaces: Workspaces, blobs: BlobStore) -> None:
        self._log = log
        self._workspaces = workspaces
        self._blobs = blobs

    async def inject(
        self, memory: RunMemory, session: Session, workspace: WorkspaceJail, *, changes: bool, files: bool
    ) -> Injected:
        """Returns what is shown. `changes`: whether the run has the tool that changes blocks; `files`:
        whether files are written, as they are at the start of a run."""
        blocks = await memory.blocks()
        shown = [block for block in blocks if readable(block)]
        as_files = file_paths([block for block in shown if block.injection == "file"])
        if files:
            as_files = await self._write(session, workspace, as_files)
        paths = {block.id for block, _ in as_files}
        return Injected(
            section(
                [b for b in shown if b.id not in paths and b.injection != "user_instruction"],
                as_files,
                [block.name for block in blocks if writable(block)] if changes else (),
                await memory.new() if changes else (),
            ),
            preface([block for block in shown if block.injection == "user_instruction"]),
        )

    async def _write(
        self, session: Session, workspace: WorkspaceJail, wanted: Sequence[tuple[MemoryBlock, str]]
    ) -> list[tuple[MemoryBlock, str]]:
        """Writes the files whose content differs; returns those that are there. Each is a change of the
        session's and not of the run's, so that no undo takes it back."""
        written: list[tuple[MemoryBlock, str]] = []
        for block, path in wanted:
            try:
                async with self._workspaces.watch(workspace).writing():
                    data = block.content.encode()
                    _, change = await asyncio.to_thread(put, workspace, self._blobs, path, data)
            except (HoldfastError, OSError) as error:
                # The model still gets it, in the system prompt.
                logger.warning("the memory block %s could not be written to a file: %s", block.id, error)
                continue
            if change is not None:
                fields = {"session_id": session.id, "origin": "api", **change.model_dump()}
                await self._log.append(FileChanged.model_validate(fields))
            written.append((block, path))
        return written
