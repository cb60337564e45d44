"""What h2oGPTe's own Python client asks beside the REST API: who it is, its uploads, its WebSocket."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from starlette.datastructures import QueryParams

from holdfast import __version__
from holdfast.core.domain.errors import UnsupportedError
from holdfast.server.dialects.h2ogpte.completing import Begun, begin
from holdfast.server.dialects.h2ogpte.frames import Messages
from holdfast.server.dialects.h2ogpte.talk import Started, talk
from holdfast.server.dialects.h2ogpte.uploading import upload_file
from holdfast.server.dialects.h2ogpte.wire import UploadedFile
from holdfast.server.dialects.h2ogpte.wire_chats import CompletionRequest
from holdfast.server.dialects.h2ogpte.wire_client import Meta, RemovedUpload, UploadQuery
from holdfast.server.kit.auth import principal_of
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.reading import parsed
from holdfast.server.kit.sockets import Socket, SocketCall

VERSION = "1.7.5"
"""Of the client that this was made for."""

_CHAT = "currentSessionID"
_UPLOADS = "/rpc/fs"
_VERSION = re.compile(r"\d{1,4}(\.\d{1,4}){1,3}[\w.-]{0,20}", re.ASCII)


async def meta(call: Call) -> Meta:
    """Says who asks, and what the server is: the version that the client has, so that it has nothing to warn
    of."""
    said = call.request.headers.get("x-client-version", "")
    principal = principal_of(call.request)
    return Meta(
        version=f"v{said if _VERSION.fullmatch(said) else VERSION}",
        build=f"holdfast-{__version__}",
        username=principal.name,
        user_id=principal.user_id,
        subject=principal.user_id,
        email=principal.name,
    )


async def list_uploads(call: Call) -> list[str]:
    """Lists the ids of the files that wait to be taken in."""
    return [staged.id for staged in await call.workbench.knowledge.staged()]


async def delete_upload(call: Call) -> RemovedUpload:
    """Drops a file that waits to be taken in."""
    await call.workbench.knowledge.unstage(call.query.id)
    return RemovedUpload(id=call.query.id)


async def no_remote_calls(call: Call) -> None:
    """Refuses the remote calls of old clients, for most of which the REST API has another way."""
    raise UnsupportedError("These remote calls are not offered; the REST API is.", code="no_remote_calls")


async def ws(call: SocketCall) -> None:
    """Answers the questions that are asked on a socket."""
    chat = await call.workbench.sessions.get(call.socket.query_params.get(_CHAT, ""))
    await talk(call, chat.id, _start)


async def _start(call: SocketCall, chat_id: str, asked: dict[str, Any]) -> Started:
    begun = await begin(call.workbench, chat_id, parsed(CompletionRequest, asked))
    return Started(begun.question_id, begun.uses_agent, _messages(call, begun))


async def _messages(call: SocketCall, begun: Begun) -> AsyncGenerator[str, None]:
    written = Messages(begun.chat_id, begun.question_id, begun.run_id)
    async with aclosing(begun.said(call)) as said:
        async for each in said:
            for message in written(each):
                yield message


def _names_a_chat(query: QueryParams) -> bool:
    """Says whether a socket at the host's root is for us: our clients leave every prefix out."""
    return _CHAT in query


SOCKETS = (Socket("ws", "/ws", ws, _names_a_chat),)

OPERATIONS = (
    Operation("rpc_meta", "GET", "/rpc/meta", meta, result=Meta),
    Operation("rpc_upload", "PUT", _UPLOADS, upload_file, result=UploadedFile, takes="multipart/form-data"),
    Operation("rpc_uploads", "GET", _UPLOADS, list_uploads, result=list[str]),
    Operation(
        "rpc_delete_upload", "DELETE", _UPLOADS, delete_upload, result=RemovedUpload, query=UploadQuery
    ),
    Operation("rpc_db", "POST", "/rpc/db", no_remote_calls),
    Operation("rpc_job", "POST", "/rpc/job", no_remote_calls),
)
