"""Operations of Sage's API: skills."""

from __future__ import annotations

from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.skills import SkillScope
from holdfast.server.dialects.sage.answering import ok
from holdfast.server.dialects.sage.errors import absent, failure, refuse
from holdfast.server.dialects.sage.installing import imported, imported_or_why, importing, is_shared
from holdfast.server.dialects.sage.mapping_skills import address, available, place_of, scope_of, skills
from holdfast.server.dialects.sage.wire import Envelope, Nothing
from holdfast.server.dialects.sage.wire_skills import (
    AvailableQuery,
    AvailableSkills,
    Content,
    CopiesBody,
    CopyForm,
    ImportBody,
    SkillQuery,
    Skills,
    SkillsQuery,
    SkillText,
    SyncBody,
    Synced,
    Uploaded,
    UploadedBatch,
    UploadForm,
)
from holdfast.server.dialects.sage.words import locale_of
from holdfast.server.kit.auth import principal_of
from holdfast.server.kit.forms import sent_fields
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.reading import parsed
from holdfast.server.kit.transfer import is_form, received_files, received_form, upload_limit


async def list_skills(call: Call) -> Envelope[Skills]:
    """Lists the skills of all users and one's own, or those of one dimension."""
    query, own = call.query, call.workbench.skills
    scope = scope_of(query.dimension)
    if query.agent_id is None:
        found = await own.list(scope=scope)
    else:
        found = await own.list(agent=query.agent_id)
    wanted = (each for each in found if scope in (None, each.scope))
    ids = {each.name: each.id for each in await call.workbench.agents.list()}
    return ok(call, skills(wanted, principal_of(call.request).user_id, ids), "skills_listed")


async def list_available(call: Call) -> Envelope[AvailableSkills]:
    """Lists the skills that an agent can have, and says which of its copies are old."""
    own = call.workbench.skills
    copies = await own.list(agent=call.query.agent_id, scope=SkillScope.AGENT)
    return ok(call, available(await own.list(), copies), "skills_available")


async def upload(call: Call) -> Envelope[Uploaded]:
    """Imports the skill that an archive holds; one of its name gives way."""
    async with received_form(call.request, await upload_limit(call.workbench)) as form:
        place = place_of(parsed(UploadForm, form.fields, refuse))
        if form.file is None:
            raise absent("file")
        info = await imported(call.workbench, form.file, place)
    data = Uploaded(user_id=principal_of(call.request).user_id)
    return ok(call, data, "skill_imported", name=info.name)


async def upload_batch(call: Call) -> Envelope[UploadedBatch]:
    """Imports the skills that several archives hold; one that cannot be imported keeps no other out."""
    locale = locale_of(call.request.headers)
    async with received_files(call.request, await upload_limit(call.workbench)) as form:
        if not form.files:
            raise absent("files")
        place = place_of(parsed(UploadForm, form.fields, refuse))
        results = [await imported_or_why(call.workbench, each, place, locale) for each in form.files]
    good = sum(each.success for each in results)
    data = UploadedBatch(
        results=results,
        success_count=good,
        failed_count=len(results) - good,
        user_id=principal_of(call.request).user_id,
    )
    return ok(call, data, "skills_imported", good=good, bad=len(results) - good)


async def import_url(call: Call) -> Envelope[Uploaded]:
    """Imports the skill that is at an https address; one of its name gives way."""
    place, source = place_of(call.body), address(call.body.url)
    with importing():
        info = await call.workbench.skills.install(source, replace=True, **place)
    data = Uploaded(user_id=principal_of(call.request).user_id)
    return ok(call, data, "skill_imported", name=info.name)


async def remove(call: Call) -> Envelope[Nothing]:
    """Puts a skill into the trash; one that there is not is gone already."""
    name, agent = call.query.name, call.query.agent_id or None
    shared = await is_shared(call.workbench, name, agent, "skill_system_remove")
    try:
        await call.workbench.skills.remove(name, agent, shared)
    except NotFoundError as error:
        if error.code != "skill_not_found":
            raise
    return ok(call, Nothing(), "skill_removed", name=name)


async def get_content(call: Call) -> Envelope[Content]:
    """Returns the text of a skill."""
    name = call.query.name
    try:
        skill = await call.workbench.skills.get(name, agent=call.query.agent_id or None)
    except NotFoundError as error:
        if error.code != "skill_not_found":
            raise
        raise failure("skill_not_found", name=name) from error
    return ok(call, Content(content=skill.text))


async def put_content(call: Call) -> Envelope[Nothing]:
    """Replaces the text of a skill, whose name stays."""
    body, agent = call.body, call.body.agent_id or None
    shared = await is_shared(call.workbench, body.name, agent, "skill_system_change")
    try:
        await call.workbench.skills.save(body.name, body.content, None, agent, shared)
    except NotFoundError as error:
        if error.code != "skill_not_found":
            raise
        raise failure("skill_not_found", name=body.name) from error
    except InvalidError as error:
        raise failure("skill_not_changed", 400, message=error.message) from error
    return ok(call, Nothing(), "skill_changed")


async def copy_to_agent(call: Call) -> Envelope[Synced]:
    """Gives an agent a copy of a skill as it is now."""
    if is_form(call.request):
        async with received_form(call.request, call.door.max_body) as received:
            fields = received.fields
    else:
        fields = dict(await sent_fields(call.request))
    form = parsed(CopyForm, fields, refuse)
    return await _synced(call, form.agent_id, (form.skill_name,))


async def copy_several(call: Call) -> Envelope[Synced]:
    """Gives an agent copies of skills as they are now: of the named ones, or of those that it names."""
    names = call.body.skill_names
    return await _synced(call, call.body.agent_id, None if names is None else tuple(names))


async def sync(call: Call) -> Envelope[Synced]:
    """Gives an agent copies of the skills that it names, and takes others away where that is wanted."""
    user = principal_of(call.request).user_id
    if call.body.user_id not in ("", user):
        raise failure("permission_denied", 403)
    return await _synced(call, call.body.agent_id, None, purge=call.body.purge_extra)


async def _synced(
    call: Call, agent: str, names: tuple[str, ...] | None, *, purge: bool = False
) -> Envelope[Synced]:
    try:
        done = await call.workbench.skills.sync(agent, names, purge)
    except NotFoundError as error:
        if error.code != "skill_not_found":
            raise
        raise failure("skill_not_in_square", name=", ".join(names or ()), detail=error.message) from error
    data = Synced(agent_id=agent, synced_skills=list(done.copied), removed_skills=list(done.removed))
    return ok(call, data, "skills_synced")


_ALL = "/api/skills"

OPERATIONS: tuple[Operation, ...] = (
    Operation("list_skills", "GET", _ALL, list_skills, result=Envelope[Skills], query=SkillsQuery),
    Operation(
        "list_agent_skills",
        "GET",
        f"{_ALL}/agent-available",
        list_available,
        result=Envelope[AvailableSkills],
        query=AvailableQuery,
    ),
    Operation(
        "upload_skill",
        "POST",
        f"{_ALL}/upload",
        upload,
        result=Envelope[Uploaded],
        takes="multipart/form-data",
    ),
    Operation(
        "upload_skills",
        "POST",
        f"{_ALL}/upload-batch",
        upload_batch,
        result=Envelope[UploadedBatch],
        takes="multipart/form-data",
    ),
    Operation(
        "import_skill", "POST", f"{_ALL}/import-url", import_url, result=Envelope[Uploaded], body=ImportBody
    ),
    Operation("delete_skill", "DELETE", _ALL, remove, result=Envelope[Nothing], query=SkillQuery),
    Operation(
        "get_skill_content",
        "GET",
        f"{_ALL}/content",
        get_content,
        result=Envelope[Content],
        query=SkillQuery,
    ),
    Operation(
        "update_skill_content",
        "PUT",
        f"{_ALL}/content",
        put_content,
        result=Envelope[Nothing],
        body=SkillText,
    ),
    Operation(
        "sync_skill_to_agent",
        "POST",
        f"{_ALL}/sync-to-agent",
        copy_to_agent,
        result=Envelope[Synced],
        takes="multipart/form-data",
    ),
    Operation(
        "sync_skills_to_agent",
        "POST",
        f"{_ALL}/sync-to-agent-workspaces",
        copy_several,
        result=Envelope[Synced],
        body=CopiesBody,
    ),
    Operation(
        "sync_agent_skills",
        "POST",
        f"{_ALL}/sync-workspace-skills",
        sync,
        result=Envelope[Synced],
        body=SyncBody,
    ),
)
