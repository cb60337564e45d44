"""The noun `agent_files` of a workbench."""

from __future__ import annotations

from typing import Annotated, Protocol

from pydantic import Field

from holdfast.core.domain.agent_files import AgentFileInfo, AgentFolder
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.transfer import Download, Upload
from holdfast.core.services.needs import needs


class AgentFiles(Protocol):
    """The files of agents: of each, one folder that all sessions of the user with it may have together
    (`workspace: agent`). Of an agent that is shared everybody has one of his own.

    All raise `NotFoundError` for an agent that cannot be seen, `OutsideWorkspace` for a path that leads out
    of the folder, and `InvalidError` for what is no path.
    """

    @needs(Scope.READ)
    async def list(
        self, agent: str, path: str = "", depth: Annotated[int, Field(ge=0, le=100)] | None = None
    ) -> AgentFolder:
        """Returns what is in a folder and in those below it, `depth` of them (None: all), without names that
        begin with a dot. Raises `NotFoundError` for a folder that is not there, but the agent's own."""
        ...

    @needs(Scope.READ)
    async def look(self, agent: str, path: str) -> AgentFileInfo:
        """Returns a file, with its type and MD5, or a folder. Raises `NotFoundError`."""
        ...

    @needs(Scope.READ)
    async def download(self, agent: str, path: str) -> Download:
        """Returns a file, or a folder as a zip. Raises `NotFoundError`, `TooLargeError` for a folder that is
        too large to be packed."""
        ...

    @needs(Scope.CHAT)
    async def upload(self, agent: str, path: str, data: Upload) -> AgentFileInfo:
        """Makes or replaces a file, with the folders that it needs. Raises `TooLargeError` over the setting
        `server.max_upload_mb` when it comes by HTTP."""
        ...

    @needs(Scope.CHAT)
    async def fetch(self, agent: str, path: str, url: str) -> AgentFileInfo:
        """Makes or replaces a file with what a public address of the web answers, under the rules of the tool
        `fetch_url`. Raises `ForbiddenError` for an address that is not public, `ToolError` when it cannot be
        fetched, `TooLargeError`."""
        ...

    @needs(Scope.CHAT)
    async def delete(self, agent: str, path: str) -> None:
        """Deletes a file, or a folder with all that is in it. Raises `NotFoundError`, `ConflictError` where
        something of it stays, which is no file."""
        ...

    @needs(Scope.CHAT)
    async def clear(self, agent: str) -> None:
        """Deletes the whole folder; sessions that work there begin with an empty one."""
        ...
