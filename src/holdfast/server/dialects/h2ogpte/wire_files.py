"""What h2oGPTe says of agents' files and of the folders that agents work in."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from holdfast.server.dialects.h2ogpte.wire import PageQuery, Wire


class AgentServerFile(Wire):
    """A file that an agent has made, as OpenAI's API shows files."""

    id: str
    object: str = "file"
    bytes: int
    created_at: int
    """Seconds since 1970."""
    filename: str
    """Its path in the folder."""
    purpose: str = "assistants"


class AgentServerDirectoryFileStats(Wire):
    name: str
    path: str
    size_bytes: int
    size_human_readable: str
    created_timestamp: float
    modified_timestamp: float
    created_date: str
    modified_date: str
    is_directory: bool
    owner: str
    permissions: str


class AgentServerDirectoryStats(Wire):
    """A folder that an agent works in."""

    id: str
    """Names it in paths."""
    object: str = "directory"
    size_bytes: int
    size_human_readable: str
    file_count: int
    directory_count: int
    created_timestamp: float
    modified_timestamp: float
    created_date: str
    modified_date: str
    is_empty: bool
    top_level_contents: tuple[str, ...]
    owner: str
    permissions: str
    files: tuple[AgentServerDirectoryFileStats, ...] | None = None
    """Where details are asked for."""


class DirectoriesOfChat(Wire):
    agent_chat_session_id: str
    chat_preview: str
    stats: tuple[AgentServerDirectoryStats, ...]


class DetailQuery(Wire):
    detail_level: Annotated[int, Field(ge=0)] = 0
    """Over 0: with each file."""


class DirectoriesQuery(PageQuery):
    filter_text: Annotated[str, Field(max_length=200)] = ""
    """A part of what is shown of the chat."""


class DirectoryTypesQuery(Wire):
    dir_types: str | None = None
    """Ids of folders, joined by commas; None: all."""


class FileQuery(Wire):
    id: Annotated[str, Field(min_length=1, max_length=16_000)]
    name: str = ""
    """The file's name; `id` says which file it is."""
