"""The files of agents as Sage's clients read them. Pure."""

from __future__ import annotations

from holdfast.core.domain.agent_files import AgentFileInfo, AgentFolder
from holdfast.core.domain.errors import HoldfastError, InvalidError, NotFoundError, OutsideWorkspace
from holdfast.server.dialects.sage.errors import failure
from holdfast.server.dialects.sage.wire_workspaces import File, Stat, Uploaded, Workspace


def workspace_of(folder: AgentFolder, user_id: str, depth: int | None, message: str) -> Workspace:
    """Returns a folder as it is listed."""
    return Workspace(
        agent_id=folder.agent_id,
        files=[_file(each) for each in folder.files],
        workspace_path=f"agents/{user_id}/{folder.agent_id}",
        path=folder.path,
        max_depth=depth,
        truncated_by_depth=folder.cut,
        message=message,
        user_id=user_id,
    )


def _file(info: AgentFileInfo) -> File:
    return File(
        name=info.path.rpartition("/")[2],
        path=info.path,
        size=info.size,
        modified_time=info.changed_at.timestamp(),
        is_directory=info.is_folder,
    )


def target_of(folder: str, name: str) -> str:
    """Returns the path of a file that is sent. Raises `InvalidError` for a name that is none."""
    plain = name.strip()
    if plain in ("", ".", "..") or "/" in plain or "\\" in plain or not plain.isprintable():
        raise failure("file_name_invalid")
    return f"{folder.strip().strip('/')}/{plain}".lstrip("/")


def uploaded(info: AgentFileInfo) -> Uploaded:
    """Returns what is told of a file that was sent."""
    return Uploaded(filename=info.path.rpartition("/")[2], path=info.path, size=info.size)


def stat_of(path: str, info: AgentFileInfo) -> Stat:
    """Returns what is told of a file or a folder."""
    return Stat(
        path=path,
        exists=True,
        is_directory=info.is_folder,
        size=info.size,
        modified_time=info.changed_at.timestamp(),
        content_type=info.media_type or None,
        content_hash=info.md5 or None,
        hash_algorithm="md5" if info.md5 else None,
    )


def no_stat(path: str, error: HoldfastError) -> Stat:
    """Returns why nothing is told of a path."""
    match error:
        case NotFoundError():
            code = "FILE_NOT_FOUND"
        case InvalidError():
            code = "INVALID_PATH"
        case _:
            code = "ACCESS_DENIED"
    return Stat.model_validate(
        {"path": path, "exists": False, "is_directory": False, "error_code": code, "message": error.message}
    )


def said_of(error: HoldfastError, path: str) -> InvalidError:
    """Returns an error of a path in the words of Sage."""
    match error:
        case OutsideWorkspace():
            return failure("path_outside", detail=error.message)
        case NotFoundError():
            return failure("file_missing", path=path[:500], detail=error.message)
        case _ if error.code == "invalid_name":
            return failure("file_name_invalid", detail=error.message)
        case _:
            return failure("path_no_folder", detail=error.message)
