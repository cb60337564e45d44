"""Skills of Sage's users are imported, changed and removed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from holdfast.core.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    TooLargeError,
    ToolError,
)
from holdfast.core.domain.skills import SkillInfo, SkillScope
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.sage.errors import failure, said_by
from holdfast.server.dialects.sage.mapping_skills import check_archive, not_imported
from holdfast.server.dialects.sage.wire_skills import UploadResult
from holdfast.server.dialects.sage.words import Locale, worded
from holdfast.server.kit.transfer import ReceivedFile


@contextmanager
def importing() -> Iterator[None]:
    """Tells why a skill could not be imported."""
    try:
        yield
    except (ConflictError, ForbiddenError, InvalidError, NotFoundError, TooLargeError, ToolError) as error:
        raise not_imported(error) from error


async def imported(workbench: Workbench, file: ReceivedFile, place: dict[str, Any]) -> SkillInfo:
    """Keeps the skill that an archive holds, in the place of one of its name. Raises `InvalidError`."""
    with importing():
        start = file.file.read(4)
        file.file.seek(0)
        check_archive(file.name, start)
        return await workbench.skills.upload(file.file, file.name, replace=True, **place)


async def imported_or_why(
    workbench: Workbench, file: ReceivedFile, place: dict[str, Any], locale: Locale
) -> UploadResult:
    """Keeps the skill that an archive holds; that it cannot be kept is a result as well."""
    try:
        info = await imported(workbench, file, place)
    except InvalidError as error:
        return UploadResult(filename=file.name, success=False, message=said_by(error, locale))
    message = worded("skill_imported", locale, {"name": info.name})
    return UploadResult(filename=file.name, success=True, message=message)


async def is_shared(workbench: Workbench, name: str, agent: str | None, refusal: str) -> bool:
    """Says whether the skill of a name is one of all users. Raises `InvalidError`, with the text `refusal`,
    for a caller who may not change such a one."""
    if agent is not None:
        return False
    seen = {each.name: each for each in await workbench.skills.list()}
    shared = name in seen and seen[name].scope is SkillScope.SHARED
    if shared and not (await workbench.users.me()).is_admin:
        raise failure(refusal)
    return shared
