"""Agents' files through h2oGPTe's API: listed, counted, sent, deleted."""

from __future__ import annotations

from functools import partial

from holdfast.core.domain.values import all_items
from holdfast.server.dialects.h2ogpte.mapping_directories import (
    check_directory,
    directories_of,
    directories_of_all,
    directory_of,
    document_of,
    file_of,
    names_workspace,
)
from holdfast.server.dialects.h2ogpte.mapping_files import doc_of
from holdfast.server.dialects.h2ogpte.wire_files import (
    AgentServerDirectoryStats,
    AgentServerFile,
    DetailQuery,
    DirectoriesOfChat,
    DirectoriesQuery,
    DirectoryTypesQuery,
    FileQuery,
)
from holdfast.server.kit.auth import principal_of
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.reading import ids_of
from holdfast.server.kit.transfer import SentFile

CHAT = "/api/v1/chats/{session_id}"
FILES = f"{CHAT}/agent_server_files"
DIRECTORIES = f"{CHAT}/agent_server_directories"


async def list_agent_server_files(call: Call) -> tuple[AgentServerFile, ...]:
    """Lists the files that agents have made in a chat."""
    chat_id: str = call.path["session_id"]
    return tuple(file_of(chat_id, each) for each in await call.workbench.files.made(chat_id))


async def delete_agent_server_files(call: Call) -> None:
    """Deletes the files that agents have made in a chat; a conflict while that is being done already."""
    await call.workbench.files.clear(call.path["session_id"])


async def delete_agent_server_directories(call: Call) -> None:
    """Deletes what agents have made in the folders of chats."""
    asked: DirectoryTypesQuery = call.query
    sessions = [await call.workbench.sessions.get(id) for id in ids_of(call.path["session_ids"])]
    if names_workspace(asked.dir_types):
        for session in sessions:
            await call.workbench.files.clear(session.id)


async def list_all_agent_server_directories_stats(call: Call) -> tuple[AgentServerDirectoryStats, ...]:
    """Says what is in the folder that agents of a chat work in; nothing where it is empty."""
    detail = call.query.detail_level
    session = await call.workbench.sessions.get(call.path["session_id"])
    found = await call.workbench.files.stats(session.id, contents=detail > 0)
    return directories_of(session, found, principal_of(call.request).name, detail)


async def get_agent_server_directory_stats(call: Call) -> AgentServerDirectoryStats:
    """Says what is in one folder of a chat."""
    detail = call.query.detail_level
    session = await call.workbench.sessions.get(call.path["session_id"])
    check_directory(call.path["directory_name"])
    (found,) = await call.workbench.files.stats(session.id, contents=detail > 0)
    return directory_of(session, found, principal_of(call.request).name, detail)


async def list_agent_directory_stats(call: Call) -> tuple[DirectoriesOfChat, ...]:
    """Says what is in the folders of all chats, the latest chat first."""
    asked: DirectoriesQuery = call.query
    found = await call.workbench.files.stats()
    every = await all_items(partial(call.workbench.sessions.list, ""))
    shown = directories_of_all(every, found, principal_of(call.request).name, asked.filter_text)
    return tuple(shown[asked.offset : asked.offset + asked.limit])


async def download_file(call: Call) -> SentFile:
    """Sends a file of an agent's, as it was when its id was told, or a document of a collection."""
    asked: FileQuery = call.query
    if (document_id := document_of(asked.id)) is not None:
        return SentFile(await call.workbench.knowledge.original(document_id))
    chat_id, path, digest = doc_of(asked.id)
    return SentFile(await call.workbench.files.download(chat_id, path, digest or None))


OPERATIONS = (
    Operation(
        "list_agent_server_files", "GET", FILES, list_agent_server_files, result=tuple[AgentServerFile, ...]
    ),
    Operation("delete_agent_server_files", "DELETE", FILES, delete_agent_server_files, 204),
    Operation(
        "delete_agent_server_directories",
        "DELETE",
        "/api/v1/chats/{session_ids}/agent_server_directories",
        delete_agent_server_directories,
        204,
        query=DirectoryTypesQuery,
    ),
    Operation(
        "list_all_agent_server_directories_stats",
        "GET",
        f"{DIRECTORIES}/stats",
        list_all_agent_server_directories_stats,
        result=tuple[AgentServerDirectoryStats, ...],
        query=DetailQuery,
    ),
    Operation(
        "get_agent_server_directory_stats",
        "GET",
        f"{DIRECTORIES}/{{directory_name}}/stats",
        get_agent_server_directory_stats,
        result=AgentServerDirectoryStats,
        query=DetailQuery,
    ),
    Operation(
        "list_agent_directory_stats",
        "GET",
        "/api/v1/agents/directory_stats",
        list_agent_directory_stats,
        result=tuple[DirectoriesOfChat, ...],
        query=DirectoriesQuery,
    ),
    Operation(
        "download_file", "GET", "/file", download_file, gives="application/octet-stream", query=FileQuery
    ),
)
