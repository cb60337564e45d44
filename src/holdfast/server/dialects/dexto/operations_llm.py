"""The models that runs use: current, all, switched, of one's own, and keys of providers."""

from __future__ import annotations

from contextlib import suppress

from holdfast.core.domain.errors import ForbiddenError, NotFoundError
from holdfast.server.dialects.dexto.choosing import (
    chosen_llm,
    info_of,
    keep_choice,
    literal,
    own_models,
    resolved,
    shown,
)
from holdfast.server.dialects.dexto.mapping_llm import (
    GATEWAYS,
    catalog_of,
    custom_model,
    file_types_of,
    ours,
    own_model,
    settings_said,
)
from holdfast.server.dialects.dexto.mapping_providers import PROVIDERS, model_id
from holdfast.server.dialects.dexto.places import found, known
from holdfast.server.dialects.dexto.wire_llm import (
    Capabilities,
    CapabilitiesQuery,
    Catalog,
    CatalogQuery,
    Config,
    Current,
    CurrentQuery,
    CustomModelBody,
    CustomModelDeleted,
    CustomModels,
    CustomModelSaved,
    KeyBody,
    KeySaved,
    KeyStatus,
    ProviderPath,
    SwitchBody,
    Switched,
)
from holdfast.server.dialects.dexto.zod import refused
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.reading import parsed


async def get_llm_current(call: Call) -> Current:
    """Says which model a session uses, or else the agent."""
    session = await found(call.workbench, call.query.session_id) if call.query.session_id else None
    return Current(config=await shown(call.workbench, await chosen_llm(call.workbench, session)))


async def get_llm_catalog(call: Call) -> Catalog:
    """Lists providers with their models, or models."""
    keys = None
    with suppress(ForbiddenError):
        keys = set(await call.workbench.keys.providers())
    wanted = ",".join(call.request.query_params.getlist("provider")).split(",")
    return catalog_of(await call.workbench.models.list(), keys, wanted, call.query)


async def switch_llm(call: Call) -> Switched:
    """Chooses another model, or other limits for it: for a session, or for the agent."""
    asked: SwitchBody = call.body
    session = None if asked.session_id is None else await known(call.workbench, asked.session_id)
    before = await chosen_llm(call.workbench, session)
    model = await resolved(call.workbench, before, asked)
    said = settings_said(asked, before, model)
    await keep_choice(call.workbench, session, before.agent, model, said)
    if session is not None:
        session = await call.workbench.sessions.get(session.id)
    now = await shown(call.workbench, await chosen_llm(call.workbench, session))
    config = Config.model_validate(now.model_dump(exclude={"display_name"}))
    return Switched(config=config, session_id=asked.session_id)


async def list_custom_models(call: Call) -> CustomModels:
    """Lists the models of one's own."""
    states = await call.workbench.models.own()
    return CustomModels(models=[custom_model(each.model) for each in states])


async def create_custom_model(call: Call) -> CustomModelSaved:
    """Adds a model of one's own, or replaces the one of its name."""
    body: CustomModelBody = call.body
    kept = await call.workbench.models.keep(own_model(body), literal(body.api_key))
    return CustomModelSaved(model=custom_model(kept))


async def delete_custom_model(call: Call) -> CustomModelDeleted:
    """Removes a model of one's own; its file, where it is in one, stays."""
    name = call.path["name"]
    private = any(each.private for each in await own_models(call.workbench) if each.name == name)
    try:
        await call.workbench.models.forget(name, private=private or None)
    except NotFoundError as error:
        words = f"Custom model '{name}' not found"
        raise NotFoundError(words, code="custom_model_not_found") from error
    return CustomModelDeleted(deleted=name)


async def get_llm_capabilities(call: Call) -> Capabilities:
    """Says which kinds of files a model takes; of one that is not known, what its provider's models take."""
    asked: CapabilitiesQuery = call.query
    mine = next((each for each in await own_models(call.workbench) if each.name == asked.model), None)
    gateway = asked.provider in GATEWAYS and asked.provider != "openrouter"
    name = asked.model if gateway else model_id(asked.provider, asked.model)
    info = await info_of(call.workbench, mine.full_name if mine is not None else name)
    if info is None:
        listed = await call.workbench.models.list()
        takes = file_types_of(each for each in listed if each.provider == PROVIDERS[asked.provider].ours)
    else:
        takes = file_types_of([info])
    return Capabilities(provider=asked.provider, model=asked.model, supported_file_types=takes)


async def get_llm_key(call: Call) -> KeyStatus:
    """Says whether a provider has a key, and how it begins and ends."""
    path: ProviderPath = parsed(ProviderPath, call.path, refused)
    kept = await call.workbench.keys.provider(ours(path.provider))
    return KeyStatus(
        provider=path.provider,
        env_var=PROVIDERS[path.provider].variable,
        has_key=bool(kept.source),
        key_value=kept.shown or None,
    )


async def set_llm_key(call: Call) -> KeySaved:
    """Keeps the key of a provider, which counts at once."""
    body: KeyBody = call.body
    await call.workbench.keys.set_provider(ours(body.provider), body.api_key, over_environment=True)
    return KeySaved(provider=body.provider, env_var=PROVIDERS[body.provider].variable)


_LLM, _CUSTOM = "/api/llm", "/api/llm/custom-models"

OPERATIONS = (
    Operation(
        "get_llm_current", "GET", f"{_LLM}/current", get_llm_current, result=Current, query=CurrentQuery
    ),
    Operation(
        "get_llm_catalog", "GET", f"{_LLM}/catalog", get_llm_catalog, result=Catalog, query=CatalogQuery
    ),
    Operation("switch_llm", "POST", f"{_LLM}/switch", switch_llm, result=Switched, body=SwitchBody),
    Operation("list_custom_models", "GET", _CUSTOM, list_custom_models, result=CustomModels),
    Operation(
        "create_custom_model",
        "POST",
        _CUSTOM,
        create_custom_model,
        result=CustomModelSaved,
        body=CustomModelBody,
    ),
    Operation(
        "delete_custom_model", "DELETE", f"{_CUSTOM}/{{name}}", delete_custom_model, result=CustomModelDeleted
    ),
    Operation(
        "get_llm_capabilities",
        "GET",
        f"{_LLM}/capabilities",
        get_llm_capabilities,
        result=Capabilities,
        query=CapabilitiesQuery,
    ),
    Operation("get_llm_key", "GET", f"{_LLM}/key/{{provider}}", get_llm_key, result=KeyStatus),
    Operation("set_llm_key", "POST", f"{_LLM}/key", set_llm_key, result=KeySaved, body=KeyBody),
)
