"""Prompts of Dexto's users."""

from __future__ import annotations

from holdfast.core.domain.errors import ConflictError, HoldfastError, InvalidError
from holdfast.core.domain.prompts import FoundPrompt
from holdfast.server.dialects.dexto.active import active_agent
from holdfast.server.dialects.dexto.mapping_prompts import (
    CONTEXT,
    arguments_of,
    asked,
    definition,
    exists,
    file_of,
    key_of,
    missing,
    new_prompt,
    prompt,
    prompts,
    resolved,
)
from holdfast.server.dialects.dexto.servers import server_names
from holdfast.server.dialects.dexto.wire_prompts import (
    Definition,
    OnePrompt,
    PromptBody,
    Prompts,
    ResolvedPrompt,
    ResolveQuery,
)
from holdfast.server.kit.operations import Call, Operation


async def list_prompts(call: Call) -> Prompts:
    """Lists the prompts of the active agent, of files, of MCP servers and of the user's own."""
    workbench = call.workbench
    agent = await active_agent(workbench)
    names = await server_names(workbench)
    return Prompts(prompts=prompts(await workbench.prompts.list(agent=agent.name), names))


async def create_prompt(call: Call) -> OnePrompt:
    """Makes a prompt of the user's own; a file may go with it."""
    spec, given = new_prompt(call.body), call.body.resource
    file = file_of(given, spec.name) if given is not None else None
    try:
        made = await call.workbench.prompts.create(spec)
    except ConflictError as error:
        raise (exists(spec.name) if error.code == "prompt_exists" else error) from None
    if file is None:
        return OnePrompt(prompt=prompt(made.info))
    try:
        return OnePrompt(prompt=prompt((await call.workbench.prompts.attach(spec.name, *file)).info))
    except HoldfastError:
        await call.workbench.prompts.delete(spec.name)
        raise


async def get_prompt(call: Call) -> Definition:
    """Says what a prompt asks for."""
    found, _ = await _found(call)
    return Definition(definition=definition(found.info))


async def resolve_prompt(call: Call) -> ResolvedPrompt:
    """Puts values into a prompt."""
    found, agent = await _found(call)
    args = arguments_of(call.query.args)
    context = call.query.context or str(args.get(CONTEXT) or "")
    try:
        made = await call.workbench.prompts.resolve(found.info.key, **asked(found.info, args), agent=agent)
    except InvalidError as error:
        raise (missing(error) if error.code == "missing_arguments" else error) from None
    return resolved(made, context)


async def _found(call: Call) -> tuple[FoundPrompt, str]:
    """Returns the prompt that the path names, and the agent that it was looked for at. Raises
    `NotFoundError`."""
    agent = (await active_agent(call.workbench)).name
    key = key_of(await call.workbench.prompts.list(agent=agent), call.path["name"])
    return await call.workbench.prompts.get(key, agent=agent), agent


async def delete_prompt(call: Call) -> None:
    """Deletes a prompt of the user's own."""
    await call.workbench.prompts.delete(call.path["name"])


_ALL, _CUSTOM, _ONE = "/api/prompts", "/api/prompts/custom", "/api/prompts/{name}"

OPERATIONS = (
    Operation("list_prompts", "GET", _ALL, list_prompts, result=Prompts),
    Operation("create_custom_prompt", "POST", _CUSTOM, create_prompt, 201, result=OnePrompt, body=PromptBody),
    Operation("delete_custom_prompt", "DELETE", f"{_CUSTOM}/{{name}}", delete_prompt, 204),
    Operation("get_prompt", "GET", _ONE, get_prompt, result=Definition),
    Operation(
        "resolve_prompt",
        "GET",
        f"{_ONE}/resolve",
        resolve_prompt,
        result=ResolvedPrompt,
        query=ResolveQuery,
    ),
)
