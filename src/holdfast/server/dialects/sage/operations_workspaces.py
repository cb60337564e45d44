"""Operations of Sage's API: the files of agents. Each user has one folder for each agent."""

from __future__ import annotations

from starlette.types import ASGIApp

from holdfast.core.domain.errors import (
    InvalidError,
    NotFoundError,
    OutsideWorkspace,
)
from holdfast.core.domain.identity import Scope
from holdfast.server.dialects.sage.agents import agent_meant, named_agent
from holdfast.server.dialects.sage.answering import ok
from holdfast.server.dialects.sage.errors import absent, failure
from holdfast.server.dialects.sage.mapping_workspaces import (
    no_stat,
    said_of,
    stat_of,
    target_of,
    uploaded,
    workspace_of,
)
from holdfast.server.dialects.sage.operations_agents import ONE
from holdfast.server.dialects.sage.wire import Envelope, Nothing
from holdfast.server.dialects.sage.wire_workspaces import (
    DeleteQuery,
    FetchRequest,
    FileQuery,
    Stat,
    StatRequest,
    Stats,
    Uploaded,
    Workspace,
    WorkspaceDelete,
    WorkspaceQuery,
)
from holdfast.server.dialects.sage.words import locale_of, worded
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.transfer import SentFile, received_form, upload_limit

_FILES = f"{ONE}/file_workspace"
_OF_PATHS = (NotFoundError, OutsideWorkspace, InvalidError)


async def list_workspace(call: Call) -> Envelope[Workspace]:
    """Lists the caller's files of an agent."""
    info, me, asked = await agent_meant(call), await call.workbench.users.me(), call.query
    try:
        found = await call.workbench.agent_files.list(info.id, asked.path, asked.max_depth)
    except _OF_PATHS as error:
        raise said_of(error, asked.path) from None
    said = "files_listed" if found.files else "workspace_empty"
    message = worded(said, locale_of(call.request.headers))
    return ok(call, workspace_of(found, me.user_id, asked.max_depth, message), said)


def _named(call: Call) -> str:
    path: str = call.query.file_path
    if not path.strip().strip("/."):
        raise failure("path_missing")
    return path


async def download_file(call: Call) -> ASGIApp:
    """Returns a file, or a folder as a zip."""
    info, path = await agent_meant(call), _named(call)
    try:
        return SentFile(await call.workbench.agent_files.download(info.id, path))
    except _OF_PATHS as error:
        raise said_of(error, path) from None


async def delete_file(call: Call) -> Envelope[Nothing]:
    """Deletes a file, or a folder with all that is in it."""
    info, path = await agent_meant(call), _named(call)
    try:
        await call.workbench.agent_files.delete(info.id, path)
    except _OF_PATHS as error:
        if not (call.query.missing_ok and isinstance(error, NotFoundError)):
            raise said_of(error, path) from None
    return ok(call, Nothing(), "file_deleted", path=path)


async def upload_file(call: Call) -> Envelope[Uploaded]:
    """Takes a file in, under its own name, in the place of one that is called so."""
    info = await agent_meant(call)
    async with received_form(call.request, await upload_limit(call.workbench)) as form:
        if form.file is None:
            raise absent("file")
        path = target_of(form.fields.get("target_path", ""), form.file.name)
        try:
            made = await call.workbench.agent_files.upload(info.id, path, form.file.file)
        except _OF_PATHS as error:
            raise said_of(error, path) from None
    return ok(call, uploaded(made), "file_uploaded", name=uploaded(made).filename)


async def fetch_file(call: Call) -> Envelope[Uploaded]:
    """Takes in what a public address of the web answers."""
    info = await agent_meant(call)
    path = target_of(call.body.target_path, call.body.filename)
    made = await call.workbench.agent_files.fetch(info.id, path, call.body.source_url)
    return ok(call, uploaded(made), "file_uploaded", name=uploaded(made).filename)


async def stat_files(call: Call) -> Envelope[Stats]:
    """Tells of each path what is there."""
    info = await agent_meant(call)
    found = [await _stat(call, info.id, path) for path in call.body.paths]
    return ok(call, Stats(files=found), "files_listed")


async def _stat(call: Call, agent: str, path: str) -> Stat:
    try:
        return stat_of(path, await call.workbench.agent_files.look(agent, path))
    except _OF_PATHS as error:
        return no_stat(path, error)


async def delete_workspace(call: Call) -> Envelope[Nothing]:
    """Deletes all of the caller's files of an agent."""
    me = await call.workbench.users.me()
    if call.body.user_id != me.user_id:
        raise failure("workspace_forbidden")
    info = await named_agent(call, call.body.agent_id)
    await call.workbench.agent_files.clear(info.id)
    return ok(call, Nothing(), "workspace_deleted")


OPERATIONS = (
    Operation(
        "list_file_workspace",
        "POST",
        _FILES,
        list_workspace,
        result=Envelope[Workspace],
        query=WorkspaceQuery,
    ),
    Operation(
        "download_workspace_file",
        "GET",
        f"{_FILES}/download",
        download_file,
        gives="application/octet-stream",
        query=FileQuery,
    ),
    Operation(
        "delete_workspace_file",
        "DELETE",
        f"{_FILES}/delete",
        delete_file,
        result=Envelope[Nothing],
        query=DeleteQuery,
        least=Scope.CHAT,
    ),
    Operation(
        "upload_workspace_file",
        "POST",
        f"{_FILES}/upload",
        upload_file,
        result=Envelope[Uploaded],
        takes="multipart/form-data",
        least=Scope.CHAT,
    ),
    Operation(
        "download_workspace_file_from_url",
        "POST",
        f"{_FILES}/download_from_url",
        fetch_file,
        result=Envelope[Uploaded],
        body=FetchRequest,
        least=Scope.CHAT,
    ),
    Operation(
        "stat_workspace_files",
        "POST",
        f"{_FILES}/stat",
        stat_files,
        result=Envelope[Stats],
        body=StatRequest,
    ),
    Operation(
        "delete_agent_workspace",
        "POST",
        "/api/agent/workspace/delete",
        delete_workspace,
        result=Envelope[Nothing],
        body=WorkspaceDelete,
        least=Scope.CHAT,
    ),
)
