"""Operations of Sage's API: versions of its desktop program. Who may change them is an administrator."""

from __future__ import annotations

from holdfast.core.domain.errors import ConflictError, ForbiddenError, NotFoundError, ToolError
from holdfast.server.dialects.sage.answering import ok
from holdfast.server.dialects.sage.errors import failure
from holdfast.server.dialects.sage.mapping_versions import new_release, updates, version_record
from holdfast.server.dialects.sage.wire import Envelope
from holdfast.server.dialects.sage.wire_versions import Deleted, Updates, VersionBody, VersionRecord
from holdfast.server.kit.operations import Call, Operation


async def create_version(call: Call) -> Envelope[VersionRecord]:
    """Tells of a version from now on."""
    try:
        made = await call.workbench.releases.add(new_release(call.body))
    except ConflictError as error:
        if error.code != "release_exists":
            raise
        raise failure("version_exists", 400, status=200) from None
    return ok(call, version_record(made), "version_created")


async def list_versions(call: Call) -> Envelope[list[VersionRecord]]:
    """Lists the versions, the newest first."""
    return ok(call, [version_record(each) for each in await call.workbench.releases.list()])


async def latest_version(call: Call) -> Envelope[VersionRecord]:
    """Tells the newest version; null where there is none."""
    found = await call.workbench.releases.latest()
    return ok(call, None if found is None else version_record(found))


async def check_version(call: Call) -> Updates:
    """Tells Tauri's updater of the newest version."""
    found = await call.workbench.releases.latest()
    if found is None:
        raise failure("version_not_found", 404)
    return updates(found)


async def import_version(call: Call) -> Envelope[VersionRecord]:
    """Takes over the newest release of the repository on GitHub that the settings name."""
    try:
        found = await call.workbench.releases.import_newest()
    except (ToolError, ConflictError, ForbiddenError) as error:
        if error.code in ("admin_only", "scope_missing"):
            raise
        raise failure("version_not_imported", detail=error.message) from None
    return ok(call, version_record(found))


async def delete_version(call: Call) -> Envelope[Deleted]:
    """Tells of a version no more."""
    try:
        await call.workbench.releases.remove(call.path["version_str"])
    except NotFoundError:
        raise failure("version_not_found", 404, status=200) from None
    return ok(call, Deleted(success=True), "version_deleted")


_BASE = "/api/system/version"

# fmt: off
OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "create_version", "POST", _BASE, create_version, body=VersionBody, result=Envelope[VersionRecord]
    ),
    Operation("list_versions", "GET", _BASE, list_versions, result=Envelope[list[VersionRecord]]),
    Operation(
        "latest_version", "GET", f"{_BASE}/latest", latest_version,
        public=True, result=Envelope[VersionRecord],
    ),
    Operation("check_version", "GET", f"{_BASE}/check", check_version, public=True, result=Updates),
    Operation(
        "import_version", "POST", f"{_BASE}/import_github", import_version, result=Envelope[VersionRecord]
    ),
    Operation(
        "delete_version", "DELETE", f"{_BASE}/{{version_str}}", delete_version, result=Envelope[Deleted]
    ),
)
# fmt: on
