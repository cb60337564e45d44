"""What Sage's API says of the files of agents."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from holdfast.server.dialects.sage.wire import Query, Said, Sent


class WorkspaceQuery(Query):
    """Which folder is listed. The session does not count: all of an agent's have one folder."""

    session_id: str | None = None
    path: str = ""
    max_depth: int | None = Field(default=None, ge=0, le=100)


class FileQuery(Query):
    file_path: str = ""
    session_id: str | None = None


class DeleteQuery(FileQuery):
    missing_ok: bool = False


class File(Said):
    name: str
    path: str
    size: int
    modified_time: float
    """In seconds since 1970."""
    is_directory: bool


class Workspace(Said):
    """What is in a folder, and in those below it."""

    agent_id: str
    files: list[File]
    workspace_path: str
    """A name for it: where it is on the server's machine is nobody's business."""
    path: str
    max_depth: int | None
    truncated_by_depth: bool
    message: str
    user_id: str


class Uploaded(Said):
    filename: str
    path: str
    size: int


class FetchRequest(Sent):
    """A file of the web that is to be put into the folder."""

    source_url: str = Field(max_length=4_000)
    filename: str
    target_path: str = ""


class StatRequest(Sent):
    paths: Annotated[list[str], Field(max_length=200)]


class Stat(Said):
    """A file, or why nothing is said of it."""

    path: str
    exists: bool
    is_directory: bool
    size: int | None = None
    modified_time: float | None = None
    content_type: str | None = None
    content_hash: str | None = None
    hash_algorithm: Literal["md5"] | None = None
    error_code: Literal["FILE_NOT_FOUND", "ACCESS_DENIED", "INVALID_PATH"] | None = None
    message: str | None = None


class Stats(Said):
    files: list[Stat]


class WorkspaceDelete(Sent):
    """Whose files of which agent are to be deleted; nobody deletes another's."""

    agent_id: str
    user_id: str
