"""Operations of Sage's API: files that are kept to be fetched by their address."""

from __future__ import annotations

from collections.abc import Awaitable
from urllib.parse import quote

from starlette.types import ASGIApp

from holdfast.core.domain.errors import NotFoundError, UnavailableError
from holdfast.core.domain.objects import SAFE_IMAGES, StoredObject
from holdfast.server.dialects.sage.answering import ok
from holdfast.server.dialects.sage.errors import failure
from holdfast.server.dialects.sage.wire import PREFIX, Envelope
from holdfast.server.dialects.sage.wire_storage import Stored, StoredFile, UrlBody, WorkspaceFile
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.origin import origin_of, path_of
from holdfast.server.kit.transfer import SentFile, is_form, received_form, upload_limit, whole


async def upload_object(call: Call) -> Envelope[Stored]:
    """Keeps a file; `path` is its key, or a folder."""
    if not is_form(call.request):
        raise failure("storage_no_file", 422)
    async with received_form(call.request, await upload_limit(call.workbench)) as form:
        if form.file is None:
            raise failure("storage_no_file", 422)
        put = call.workbench.objects.put(form.file.name, form.file.file, form.fields.get("path", ""))
        made = await _kept(put)
    return ok(call, Stored(url=await _url(call, made)))


async def import_url(call: Call) -> Envelope[StoredFile]:
    """Keeps what an address of the web answers."""
    made = await _kept(call.workbench.objects.fetch(call.body.url))
    return ok(call, StoredFile(url=await _url(call, made), filename=made.name))


async def import_workspace_file(call: Call) -> Envelope[StoredFile]:
    """Keeps a file of an agent's."""
    body: WorkspaceFile = call.body
    limit = await upload_limit(call.workbench)
    file = await call.workbench.agent_files.download(body.agent_id, body.filename)
    made = await _kept(call.workbench.objects.put(file.name, await whole(file, limit)))
    return ok(call, StoredFile(url=await _url(call, made), filename=made.name))


async def fetch_object(call: Call) -> ASGIApp:
    """Sends a file to who knows its address: pictures to be shown, all else to be saved."""
    try:
        found = await call.workbench.objects.look(call.path["object_id"])
        content = await call.workbench.objects.open(found.id)
    except NotFoundError:
        raise failure("storage_gone", 404) from None  # browsers and models ask, who know no envelopes
    return SentFile(content, shown=found.media_type in SAFE_IMAGES)


async def _kept(keeping: Awaitable[StoredObject]) -> StoredObject:
    try:
        return await keeping
    except UnavailableError as error:
        raise failure("storage_down", detail=error.message) from None


async def _url(call: Call, made: StoredObject) -> str:
    """Returns the whole address of a file, as the world reaches this server."""
    public = (await call.workbench.engine.settings()).accounts.public_url
    base = (public or origin_of(call.request)).rstrip("/")
    return f"{base}{path_of(call.request, PREFIX)}/api/oss/objects/{made.id}/{quote(made.key)}"


_BASE = "/api/oss"

# fmt: off
OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "upload_object", "POST", f"{_BASE}/upload", upload_object,
        takes="multipart/form-data", result=Envelope[Stored],
    ),
    Operation(
        "import_url", "POST", f"{_BASE}/import_url", import_url,
        body=UrlBody, result=Envelope[StoredFile],
    ),
    Operation(
        "import_workspace_file", "POST", f"{_BASE}/import_sandbox_upload", import_workspace_file,
        body=WorkspaceFile, result=Envelope[StoredFile],
    ),
    Operation(
        "fetch_object", "GET", f"{_BASE}/objects/{{object_id}}/{{name:path}}", fetch_object,
        public=True, navigated=True, gives="application/octet-stream",
    ),
)
# fmt: on
