"""Which model Dexto's clients have chosen: for an agent it is kept with the user, for a session with the
session. An agent's file is left as it is: upstream, too, a switch is about what runs, not about the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import ForbiddenError, HoldfastError, InvalidError
from holdfast.core.domain.models import ModelInfo
from holdfast.core.domain.own_models import LOCAL, OwnModel
from holdfast.core.domain.runs import RunOptions, Session
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.dexto.active import EXT, active_agent, keep_with_user, kept_with_user
from holdfast.server.dialects.dexto.errors import validation, validation_issue
from holdfast.server.dialects.dexto.mapping_llm import (
    GLAMA_URL,
    WITH_URL,
    Chosen,
    config_of,
    named,
    ours,
    own_model,
    provider_of,
    run_options,
)
from holdfast.server.dialects.dexto.mapping_providers import PROVIDERS, model_id
from holdfast.server.dialects.dexto.servers import own_servers
from holdfast.server.dialects.dexto.turns import OPTIONS
from holdfast.server.dialects.dexto.wire_llm import CurrentConfig, CustomModelBody, SwitchBody

LLM = "llm"
"""The key, in what is kept with a user by agent and with a session, of what clients have chosen."""
_REFERENCE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_AS_IS = frozenset({"openrouter"})
"""Gateways: they have models that no table knows."""


async def chosen_llm(workbench: Workbench, session: Session | None) -> Chosen:
    """Returns the model of a session; None: of the active agent."""
    agent = await (active_agent(workbench) if session is None else workbench.agents.get(session.agent))
    model, said = await _said(workbench, agent.name, session)
    if model is None:
        model = (await workbench.models.choose(agent.name)).model
    return Chosen(agent, model, said)


async def _said(
    workbench: Workbench, agent: str, session: Session | None
) -> tuple[str | None, dict[str, Any]]:
    """Returns the model that clients have chosen, None where they have not, and what they have said beside
    it: for the session, or else for the agent."""
    of_agent = _kept(await kept_with_user(workbench), agent)
    model = of_agent.pop("model", None)
    if session is None:
        return model, of_agent
    of_session = session.ext.get(EXT, {}).get(LLM)
    return session.model or model, dict(of_session) if of_session is not None else of_agent


def _kept(kept: Mapping[str, Any], agent: str) -> dict[str, Any]:
    found = _by_agent(kept).get(agent)
    return dict(found) if isinstance(found, dict) else {}


def _by_agent(kept: Mapping[str, Any]) -> dict[str, Any]:
    found = kept.get(LLM)
    return dict(found) if isinstance(found, dict) else {}


async def llm_options(workbench: Workbench, session: Session) -> dict[str, Any]:
    """Returns what clients have chosen for the runs of a session, as keys of `RunOptions`."""
    model, said = await _said(workbench, session.agent, session)
    return run_options(model, said)


async def turn_options(workbench: Workbench, session: Session) -> RunOptions:
    """Returns the options of a run that a client's message starts in a session."""
    chosen = await llm_options(workbench, session)
    return OPTIONS.model_copy(update={"own_servers": await own_servers(workbench), **chosen})


async def keep_choice(
    workbench: Workbench, session: Session | None, agent: AgentInfo, model: str, said: Mapping[str, Any]
) -> None:
    """Keeps what a client has chosen."""
    if session is not None:
        await workbench.sessions.configure(session.id, model=model)
        await workbench.sessions.annotate(session.id, {EXT: {**session.ext.get(EXT, {}), LLM: dict(said)}})
        return
    choice = {agent.name: {**said, "model": model}}
    await keep_with_user(workbench, lambda kept: {LLM: {**_by_agent(kept), **choice}})


async def shown(workbench: Workbench, chosen: Chosen) -> CurrentConfig:
    """Returns what is chosen as clients read it."""
    own = await own_models(workbench)
    return config_of(chosen, await info_of(workbench, chosen.model), own)


def literal(key: str | None) -> str | None:
    """Returns a key that is given as it is; None for one that is a reference to the environment: the engine's
    own keys are looked for there anyway."""
    return None if key is None or _REFERENCE.fullmatch(key) else key


async def own_models(workbench: Workbench) -> tuple[OwnModel, ...]:
    """Returns the models of one's own that the caller may see."""
    with suppress(ForbiddenError):
        return tuple(each.model for each in await workbench.models.own())
    return ()


async def info_of(workbench: Workbench, model: str) -> ModelInfo | None:
    """Returns what the table knows of a model."""
    with suppress(HoldfastError):
        return (await workbench.models.look_up(model)).info
    return None


async def resolved(workbench: Workbench, before: Chosen, asked: SwitchBody) -> str:
    """Returns our name of the model that is asked for, with its key and its address kept where they are said.

    Raises `InvalidError` for a provider without a key, an address where none can be said, or none where one
    has to be; `ForbiddenError` for who may not say them.
    """
    own = await own_models(workbench)
    provider, model = await _asked(workbench, before, asked, own)
    mine = next((each for each in own if each.name == model and provider_of(each) == provider), None)
    _check_url(provider, asked.base_url, mine)
    key = literal(asked.api_key)
    if mine is not None or asked.base_url or provider == "glama":
        return await _own(workbench, provider, model, asked.base_url, key, mine)
    if key is not None:
        await workbench.keys.set_provider(ours(provider), key, over_environment=True)
    return await _known(workbench, provider, model)


async def _asked(
    workbench: Workbench, before: Chosen, asked: SwitchBody, own: tuple[OwnModel, ...]
) -> tuple[str, str]:
    """Returns the provider and the model that are meant; what is not said is as it was, or the default."""
    mine = next((each for each in own if each.full_name == before.model), None)
    was_provider, was_model = named(before.model, mine)
    if asked.provider is None and asked.model is not None:
        if (called := next((each for each in own if each.name == asked.model), None)) is not None:
            return provider_of(called), called.name
        if was_provider in _AS_IS:
            return was_provider, asked.model
        found = await info_of(workbench, asked.model)
        return named(found.name, None) if found is not None else (was_provider, asked.model)
    if asked.provider is None:
        return was_provider, was_model
    if asked.model is not None:
        return asked.provider, asked.model
    if asked.provider == was_provider:
        return was_provider, was_model
    return asked.provider, await _default_of(workbench, asked.provider)


async def _default_of(workbench: Workbench, provider: str) -> str:
    models = [each for each in await workbench.models.list() if each.provider == PROVIDERS[provider].ours]
    chosen = next((each for each in models if each.default), None) or (models[0] if models else None)
    if chosen is None:
        raise _wrong("llm_model_unknown", f"Say which model of {provider} is meant.", "model", provider)
    return chosen.name.partition("/")[2]


def _check_url(provider: str, url: str | None, mine: OwnModel | None) -> None:
    if url and provider not in WITH_URL:
        words = f"Provider '{provider}' does not support baseURL."
        raise _wrong("llm_base_url_invalid", words, "baseURL", provider)
    if provider == "litellm" and not url and mine is None:
        words = "Provider 'litellm' requires a baseURL."
        raise _wrong("llm_base_url_missing", words, "baseURL", provider)


async def _own(
    workbench: Workbench, provider: str, model: str, url: str | None, key: str | None, mine: OwnModel | None
) -> str:
    """Returns the name of a model of one's own, which is kept where it is new, or changed."""
    if mine is not None and (url is None or url.rstrip("/") == mine.url) and key is None:
        return mine.full_name
    if mine is not None:
        changed = mine.model_copy(update={"url": url or mine.url})
    else:
        where = url or (GLAMA_URL if provider == "glama" else "")
        body = CustomModelBody.model_validate({"name": model, "provider": provider, "baseURL": where})
        changed = own_model(body)
    return (await workbench.models.keep(changed, key, changed.private or None)).full_name


async def _known(workbench: Workbench, provider: str, model: str) -> str:
    """Returns a model of a provider that is in the list; one that is not there falls back to the default."""
    name = model_id(provider, model)
    if provider in ("openai-compatible", "local", "vertex", "bedrock", "dexto"):
        return await _listed(workbench, provider, name, model)
    found = await info_of(workbench, name)
    if provider not in _AS_IS and provider != "ollama":
        if found is None or found.provider != ours(provider):  # somebody else may have one of that name
            found = await info_of(workbench, model_id(provider, await _default_of(workbench, provider)))
        name = found.name if found is not None else name
    if not await _has_key(workbench, provider, found):
        variable = PROVIDERS[provider].variable
        words = f"Missing API key for provider '{provider}' - set ${variable}"
        context = {"provider": provider, "envVar": variable}
        raise validation(
            [validation_issue("llm_api_key_missing", words, scope="llm", path=["apiKey"], context=context)]
        )
    return name


async def _listed(workbench: Workbench, provider: str, name: str, model: str) -> str:
    """Returns a model that is known by its own name alone. Raises `InvalidError` for one that is not."""
    listed = {each.name for each in await workbench.models.list()}
    if found := next((each for each in (name, model, f"{LOCAL}/{model}") if each in listed), None):
        return found
    if provider == "openai-compatible":
        words = "Provider 'openai-compatible' requires a baseURL."
        raise _wrong("llm_base_url_missing", words, "baseURL", provider)
    raise _wrong("llm_model_unknown", f"No model '{model}' of {provider} is known here.", "model", provider)


async def _has_key(workbench: Workbench, provider: str, found: ModelInfo | None) -> bool:
    if provider == "ollama" or (found is not None and found.available and provider not in _AS_IS):
        return True
    models = await workbench.models.list()
    if any(each.available for each in models if each.provider == ours(provider)):
        return True
    with suppress(ForbiddenError):
        return ours(provider) in await workbench.keys.providers()
    return False


def _wrong(code: str, message: str, path: str, provider: str) -> InvalidError:
    issue = validation_issue(code, message, scope="llm", path=[path], context={"provider": provider})
    return validation([issue])
