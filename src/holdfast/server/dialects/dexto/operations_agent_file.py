"""The active agent's file, as one of Dexto's: looked at, checked, saved and exported."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import ASGIApp

from holdfast.core.domain.agents import AgentInfo, AgentSpec
from holdfast.core.domain.errors import ConflictError
from holdfast.core.domain.values import utc_now
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.dexto.active import active_agent
from holdfast.server.dialects.dexto.mapping_agent_text import agent_text, applied, changes_of, exported
from holdfast.server.dialects.dexto.mapping_agents import WARNINGS, checked, looked_at, path_of, saved_file
from holdfast.server.dialects.dexto.mapping_config import converted, read_config
from holdfast.server.dialects.dexto.places import known
from holdfast.server.dialects.dexto.saving import keep_secrets, own_copy
from holdfast.server.dialects.dexto.times import iso
from holdfast.server.dialects.dexto.wire import Sent
from holdfast.server.dialects.dexto.wire_agents import (
    AgentFileText,
    AgentPath,
    AuthStatus,
    Checked,
    Saved,
    SavedFile,
    Validation,
)
from holdfast.server.kit.operations import Call, Operation


class OfSession(Sent):
    """Which session's agent is meant."""

    session_id: str | None = None


async def path(call: Call) -> AgentPath:
    """Returns where the active agent's file is."""
    return path_of(await active_agent(call.workbench), await _default(call.workbench))


async def config(call: Call) -> AgentFileText:
    """Returns the active agent as a Dexto agent file."""
    agent = await active_agent(call.workbench)
    place = path_of(agent, "")
    return AgentFileText(
        yaml=await _text_of(call.workbench, agent),
        path=place.path,
        relative_path=place.relative_path,
        last_modified=iso(agent.updated_at or utc_now()),
        warnings=WARNINGS,
    )


async def export(call: Call) -> ASGIApp:
    """Returns the agent of a session, or the active one, as a whole Dexto agent file without its secrets."""
    asked: OfSession = call.query
    agent = await active_agent(call.workbench)
    if asked.session_id:
        session = await known(call.workbench, asked.session_id)
        agent = await call.workbench.agents.get(session.agent)
    text = exported(await _text_of(call.workbench, agent))
    return Response(text, media_type="application/x-yaml")


async def validate(call: Call) -> Validation:
    """Returns every mistake in a Dexto agent file, with its place."""
    asked: Checked = call.body
    return looked_at(asked.yaml)


async def save(call: Call) -> SavedFile:
    """Makes the active agent what a Dexto agent file says; its next run begins with that."""
    asked: Saved = call.body
    workbench = call.workbench
    after = checked(*read_config(asked.yaml))
    found = converted(after)
    await keep_secrets(workbench, found)  # first: who may not keep them changes nothing
    agent = await own_copy(workbench, await active_agent(workbench))
    before, _ = read_config(await _text_of(workbench, agent))
    source = await workbench.agents.source(agent.name)
    old = converted(before) if before is not None else None
    changes = changes_of(old, found, source.values, asked.yaml, after.greeting)
    await workbench.agents.edit(agent.name, changes, source.digest)
    return saved_file(agent.path, applied(before, after))


async def auth_status(call: Call) -> AuthStatus:
    """Says that nobody is signed in to Dexto's own service, which models are not reached through here."""
    return AuthStatus()


async def _text_of(workbench: Workbench, agent: AgentInfo) -> str:
    source = await workbench.agents.source(agent.name)
    chosen = await workbench.models.choose(agent.name)
    return agent_text(_spec(agent), source.values, chosen.model)


def _spec(agent: AgentInfo) -> AgentSpec:
    if agent.spec is None:
        said = "; ".join(str(one) for one in agent.problems)
        raise ConflictError(f"The agent's file has mistakes: {said}", code="agent_invalid_config")
    return agent.spec


async def _default(workbench: Workbench) -> str:
    return (await workbench.engine.settings()).default_agent


OPERATIONS = (
    Operation("get_agent_path", "GET", "/api/agent/path", path, result=AgentPath),
    Operation("get_agent_config", "GET", "/api/agent/config", config, result=AgentFileText),
    Operation(
        "export_agent_config",
        "GET",
        "/api/agent/config/export",
        export,
        gives="application/x-yaml",
        query=OfSession,
    ),
    Operation("validate_agent", "POST", "/api/agent/validate", validate, result=Validation, body=Checked),
    Operation("save_agent_config", "POST", "/api/agent/config", save, result=SavedFile, body=Saved),
    Operation("get_dexto_auth_status", "GET", "/api/dexto-auth/status", auth_status, result=AuthStatus),
)
