"""Between skills as Sage has them and ours. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from holdfast.core.domain.errors import HoldfastError, InvalidError
from holdfast.core.domain.skills import SkillInfo, SkillScope
from holdfast.server.dialects.sage.errors import failure
from holdfast.server.dialects.sage.wire_skills import (
    AvailableSkill,
    AvailableSkills,
    Dimension,
    Skill,
    Skills,
    UploadForm,
)

_DIMENSIONS: Mapping[SkillScope, Dimension] = {
    SkillScope.SHARED: "system",
    SkillScope.USER: "user",
    SkillScope.AGENT: "agent",
}
_SCOPES: Mapping[str, SkillScope] = {dimension: scope for scope, dimension in _DIMENSIONS.items()}
_ALL = ("", "all")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


def scope_of(dimension: str | None) -> SkillScope | None:
    """Returns the scope that is wanted; None for all that can be seen. One that there is not is a scope that
    has nothing here."""
    if dimension is None or dimension in _ALL:
        return None
    return _SCOPES.get(dimension, SkillScope.PROJECT)  # nobody names a project folder here


def skills(found: Iterable[SkillInfo], user_id: str, agents: Mapping[str, str]) -> Skills:
    """Returns skills as they are listed; `agents` has the ids of agents by their names."""
    return Skills(
        skills=[
            Skill(
                name=each.name,
                description=each.description,
                user_id="" if each.scope is SkillScope.SHARED else user_id,
                dimension=_DIMENSIONS[each.scope],
                owner_user_id="" if each.scope is SkillScope.SHARED else user_id,
                agent_id=agents.get(each.agent) if each.agent else None,
                agent_name=each.agent or None,
                path=_path(each),
            )
            for each in found
            if each.scope in _DIMENSIONS
        ]
    )


def available(seen: Iterable[SkillInfo], copies: Iterable[SkillInfo]) -> AvailableSkills:
    """Returns the skills that an agent can have: those that can be `seen`, and those beside it (`copies`)."""
    own = {each.name: each for each in copies if not each.problems}
    sources = own | {each.name: each for each in seen if not each.problems}
    listed = [_available(source, own.get(name)) for name, source in sorted(sources.items())]
    return AvailableSkills(skills=listed)


def _available(source: SkillInfo, copy: SkillInfo | None) -> AvailableSkill:
    return AvailableSkill(
        name=source.name,
        description=source.description,
        source_dimension=_DIMENSIONS[source.scope],
        source_path=_path(source),
        need_update=copy is not None and copy.digest != source.digest,
        agent_path=None if copy is None else _path(copy),
    )


def _path(info: SkillInfo) -> str:
    """Returns where a skill is, without the folders of the engine's machine."""
    name = PurePath(info.path).name
    return f"agents/{info.agent}/skills/{name}" if info.agent else f"skills/{name}"


def place_of(form: UploadForm) -> dict[str, Any]:
    """Returns who gets a skill, as services are told. Raises `InvalidError` for an agent that nobody
    names."""
    if form.is_agent and not form.agent_id:
        raise failure("skill_not_imported", 400, message="agent_id")
    return {"shared": form.is_system, "agent": form.agent_id if form.is_agent else None}


def check_archive(name: str, start: bytes) -> None:
    """Raises `InvalidError` for a file that is no zip by its name, or by how it begins."""
    if not name.lower().endswith(".zip"):
        raise failure("skill_zip_only", 400)
    if not start.startswith(_ZIP):
        raise failure("skill_zip_invalid", 400)


def address(url: str) -> str:
    """Returns the address that a skill is fetched from. Raises `InvalidError` for what is none: it could be
    the path of a file of the engine's machine."""
    if not url.strip().startswith(("https://", "http://")):
        raise failure("skill_not_imported", 400, message=url[:200])
    return url.strip()


def not_imported(error: HoldfastError) -> InvalidError:
    """Returns the error of a skill that could not be imported."""
    if error.code == "sage_own" and isinstance(error, InvalidError):
        return error
    if error.code == "admin_only":
        return failure("skill_system_import")
    if error.code in _SAID:
        return failure(_SAID[error.code], 400, detail=error.message)
    return failure("skill_not_imported", 400, message=error.message)


_SAID = {"invalid_archive": "skill_zip_invalid", "no_skill": "skill_missing"}
