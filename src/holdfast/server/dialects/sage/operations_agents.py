"""Operations of Sage's API: agents, with whom they are shared, and drafts of them."""

from __future__ import annotations

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.values import utc_now
from holdfast.server.dialects.sage.agents import agent_meant, named_agent, offered, usual_agent
from holdfast.server.dialects.sage.answering import ok
from holdfast.server.dialects.sage.errors import failure
from holdfast.server.dialects.sage.mapping_agents import (
    abilities_of,
    agent_of,
    agent_values,
    check_name,
    listed,
    nested,
)
from holdfast.server.dialects.sage.mapping_drafts import draft_of, language_of, optimized, task_of
from holdfast.server.dialects.sage.wire import Envelope, Nothing
from holdfast.server.dialects.sage.wire_agents import (
    Abilities,
    AbilitiesRequest,
    Agent,
    AgentConfig,
    AgentId,
    Authorised,
    Content,
    Draft,
    DraftRequest,
    OptimizedPrompt,
    PromptRequest,
    Task,
    TemplateQuery,
)
from holdfast.server.dialects.sage.words import locale_of, worded
from holdfast.server.kit.auth import principal_of
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.turns import Turns

ONE = "/api/agent/{agent_id:uuid}"
_TASK = "/api/agent/tasks/{task_id:uuid}"
_NAMING = Turns()
"""By the user, who may give one name to two agents at the same time."""


async def list_agents(call: Call) -> Envelope[list[Agent]]:
    """Lists the caller's agents, those that are shared with him, and those that come with Holdfast."""
    me = await call.workbench.users.me()
    found = listed(await call.workbench.agents.list(), me.user_id, await usual_agent(call.workbench))
    return ok(call, found, "agents_listed", count=len(found))


async def default_system_prompt(call: Call) -> Envelope[Content]:
    """Returns a system prompt to start from."""
    chinese = call.query.language.lower().startswith("zh")
    text = worded("agent_prompt_template", "zh" if chinese else "en")
    return ok(call, Content(content=text), "agent_template_read")


async def create_agent(call: Call) -> Envelope[AgentId]:
    """Makes an agent."""
    agents, body = call.workbench.agents, call.body
    async with _NAMING.of(principal_of(call.request).user_id):
        check_name(body, await agents.list())
        made = await agents.compose(nested(agent_values(body, await offered(call.workbench))))
    return ok(call, AgentId(agent_id=made.id), "agent_created", id=made.id)


async def get_agent(call: Call) -> Envelope[Agent]:
    """Returns an agent."""
    info, me = await agent_meant(call), await call.workbench.users.me()
    shown = agent_of(info, me.user_id, await usual_agent(call.workbench))
    return ok(call, shown, "agent_read", id=info.id)


async def update_agent(call: Call) -> Envelope[AgentId]:
    """Makes an agent what is sent, whatever it was; its id stays."""
    info, agents = await agent_meant(call, "agent_update_forbidden"), call.workbench.agents
    async with _NAMING.of(principal_of(call.request).user_id):
        check_name(call.body, await agents.list(), info.id)
        changes = agent_values(call.body, await offered(call.workbench), info.id)
        await agents.edit(info.id, changes)
    return ok(call, AgentId(agent_id=info.id), "agent_updated", id=info.id)


async def delete_agent(call: Call) -> Envelope[AgentId]:
    """Deletes an agent, with the caller's files of it."""
    info = await agent_meant(call, "agent_delete_forbidden")
    await call.workbench.agent_files.clear(info.id)
    await call.workbench.agents.delete(info.id)
    return ok(call, AgentId(agent_id=info.id), "agent_deleted", id=info.id)


async def get_agent_auth(call: Call) -> Envelope[list[str]]:
    """Lists the ids of those with whom an agent is shared."""
    info = await agent_meant(call, "agent_shares_forbidden")
    shares = await call.workbench.agents.shared_with(info.id)
    return ok(call, [share.user_id for share in shares], "agent_shares_read")


async def update_agent_auth(call: Call) -> Envelope[Nothing]:
    """Shares an agent with these users, and nobody else."""
    info = await agent_meant(call, "agent_share_forbidden")
    await call.workbench.agents.share(info.id, tuple(call.body.user_ids))
    return ok(call, Nothing(), "agent_shared")


# --- drafts


def _language(call: Call) -> str:
    return language_of(call.body.language, locale_of(call.request.headers))


async def auto_generate(call: Call) -> Envelope[Draft]:
    """Drafts an agent from what it is to be for."""
    tools = None if call.body.available_tools is None else tuple(call.body.available_tools)
    made = await call.workbench.drafts.agent(_described(call), tools, _language(call))
    return ok(call, draft_of(made, utc_now()), f"drafted_by_{made.by}")


async def submit_auto_generate(call: Call) -> Envelope[Task]:
    """Begins to draft an agent, for who comes back for it."""
    tools = None if call.body.available_tools is None else tuple(call.body.available_tools)
    task = await call.workbench.drafts.submit_agent(_described(call), tools, _language(call))
    return ok(call, task_of(task), "task_submitted")


def _described(call: Call) -> str:
    text: str = call.body.agent_description.strip()
    if not text:
        raise failure("agent_description_empty")
    return text


async def optimize_prompt(call: Call) -> Envelope[OptimizedPrompt]:
    """Makes a system prompt say the same better."""
    goal = call.body.optimization_goal or ""
    made = await call.workbench.drafts.prompt(_prompt(call), goal, _language(call))
    said = "prompt_optimized" if made.by == "model" else "drafted_by_template"
    return ok(call, optimized(made, utc_now()), said)


async def submit_optimize_prompt(call: Call) -> Envelope[Task]:
    """Begins to make a system prompt say the same better, for who comes back for it."""
    goal = call.body.optimization_goal or ""
    task = await call.workbench.drafts.submit_prompt(_prompt(call), goal, _language(call))
    return ok(call, task_of(task), "task_submitted")


def _prompt(call: Call) -> str:
    text: str = call.body.original_prompt
    if not text.strip():
        raise failure("prompt_empty")
    return text


async def get_agent_task(call: Call) -> Envelope[Task]:
    """Returns how a draft stands; it is there for half an hour."""
    try:
        task = await call.workbench.drafts.task(str(call.path["task_id"]))
    except NotFoundError:
        raise failure("task_missing") from None
    return ok(call, task_of(task), "task_read")


async def cancel_agent_task(call: Call) -> Envelope[Task]:
    """Stops a draft."""
    try:
        task = await call.workbench.drafts.cancel(str(call.path["task_id"]))
    except NotFoundError:
        raise failure("task_missing") from None
    return ok(call, task_of(task), "task_cancelled")


async def agent_abilities(call: Call) -> Envelope[Abilities]:
    """Lists what an agent says that it can do; no model is asked."""
    info = await named_agent(call, call.body.agent_id)
    return ok(call, abilities_of(info, call.body.language), "abilities_read")


OPERATIONS = (
    Operation("list_agents", "GET", "/api/agent/list", list_agents, result=Envelope[list[Agent]]),
    Operation(
        "default_system_prompt",
        "GET",
        "/api/agent/template/default_system_prompt",
        default_system_prompt,
        result=Envelope[Content],
        query=TemplateQuery,
    ),
    Operation(
        "create_agent", "POST", "/api/agent/create", create_agent, result=Envelope[AgentId], body=AgentConfig
    ),
    Operation("get_agent", "GET", ONE, get_agent, result=Envelope[Agent]),
    Operation("update_agent", "PUT", ONE, update_agent, result=Envelope[AgentId], body=AgentConfig),
    Operation("delete_agent", "DELETE", ONE, delete_agent, result=Envelope[AgentId]),
    Operation(
        "auto_generate_agent",
        "POST",
        "/api/agent/auto-generate",
        auto_generate,
        result=Envelope[Draft],
        body=DraftRequest,
        least=Scope.CHAT,
    ),
    Operation(
        "submit_auto_generate_agent",
        "POST",
        "/api/agent/auto-generate/submit",
        submit_auto_generate,
        result=Envelope[Task],
        body=DraftRequest,
        least=Scope.CHAT,
    ),
    Operation(
        "optimize_system_prompt",
        "POST",
        "/api/agent/system-prompt/optimize",
        optimize_prompt,
        result=Envelope[OptimizedPrompt],
        body=PromptRequest,
        least=Scope.CHAT,
    ),
    Operation(
        "submit_optimize_system_prompt",
        "POST",
        "/api/agent/system-prompt/optimize/submit",
        submit_optimize_prompt,
        result=Envelope[Task],
        body=PromptRequest,
        least=Scope.CHAT,
    ),
    Operation("get_agent_task", "GET", _TASK, get_agent_task, result=Envelope[Task]),
    Operation("cancel_agent_task", "POST", f"{_TASK}/cancel", cancel_agent_task, result=Envelope[Task]),
    Operation("get_agent_auth", "GET", f"{ONE}/auth", get_agent_auth, result=Envelope[list[str]]),
    Operation(
        "update_agent_auth",
        "POST",
        f"{ONE}/auth",
        update_agent_auth,
        result=Envelope[Nothing],
        body=Authorised,
    ),
    Operation(
        "agent_abilities",
        "POST",
        "/api/agent/abilities",
        agent_abilities,
        result=Envelope[Abilities],
        body=AbilitiesRequest,
    ),
)
