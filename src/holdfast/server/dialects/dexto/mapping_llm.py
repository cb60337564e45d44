"""Dexto's models and what is asked of them, from ours and back."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.models import ModelInfo, ModelSettings
from holdfast.core.domain.own_models import ModelLookup, OllamaServer, OwnModel, OwnModelState
from holdfast.server.dialects.dexto.active import EXT
from holdfast.server.dialects.dexto.mapping_providers import PROVIDERS, DextoProvider, dexto_model
from holdfast.server.dialects.dexto.times import iso
from holdfast.server.dialects.dexto.wire import FileType, ProviderName
from holdfast.server.dialects.dexto.wire_llm import (
    Catalog,
    CatalogModel,
    CatalogQuery,
    CurrentConfig,
    CustomModel,
    CustomModelBody,
    FlatModel,
    LocalModel,
    OllamaModel,
    OllamaModels,
    OpenRouterInfo,
    OpenRouterModel,
    Pricing,
    ProviderCatalog,
    SwitchBody,
)

WITH_URL = frozenset({"openai-compatible", "litellm", "ollama"})
"""Providers whose address may be said."""
GATEWAYS = frozenset({"openrouter", "litellm", "glama", "vertex", "bedrock", "dexto"})
"""Providers of other makers' models."""
GLAMA_URL = "https://glama.ai/api/gateway/openai/v1"
UNKNOWN_WINDOW = 128_000
"""Tokens that Dexto takes a model for of which nothing is known."""
CURATED = 10
"""Models of one provider beside its default."""
_HIDDEN = "dexto"
_NOT_CURATED = re.compile(r"\d{4}-?\d{2}-?\d{2}|-\d{4}\b|preview|latest|exp\b|:|/|audio|search|realtime|@")
_KEPT = frozenset({"max_iterations", "temperature", "reasoning_effort"})
_OF_MODEL = frozenset({"max_input_tokens", "max_output_tokens", "allowed_media_types"})


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which model runs of an agent, or of a session, use, and with what."""

    agent: AgentInfo
    model: str
    said: Mapping[str, Any]
    """What clients have said beside it, by the names of `SwitchBody`."""


def ours(provider: str) -> str:
    """Returns the name under which the key of a provider is kept."""
    return PROVIDERS[provider].ours or provider


# --- what is chosen


def settings_said(asked: SwitchBody, before: Chosen, model: str) -> dict[str, Any]:
    """Returns what is kept beside `model`: what was said before, and over it what is said now. What was said
    of how much another model takes does not count for this one."""
    kept = {
        name: value for name, value in before.said.items() if model == before.model or name not in _OF_MODEL
    }
    given = asked.model_dump(include={*_KEPT, *_OF_MODEL}, exclude_unset=True)
    return {name: value for name, value in {**kept, **given}.items() if value is not None}


def run_options(model: str | None, said: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a run is asked with, as keys of `RunOptions`: the model that is chosen, where one is, and
    what is said beside it."""
    settings = ModelSettings(
        temperature=said.get("temperature"),
        max_output_tokens=said.get("max_output_tokens"),
        reasoning_effort=said.get("reasoning_effort"),
    )
    window = said.get("max_input_tokens")
    found = {
        "model": model,
        "model_settings": settings if settings != ModelSettings() else None,
        "max_steps": said.get("max_iterations"),
        "max_context_tokens": max(window, 1_000) if window else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def config_of(chosen: Chosen, info: ModelInfo | None, own: Iterable[OwnModel]) -> CurrentConfig:
    """Returns what runs are asked of which model."""
    mine = next((each for each in own if each.full_name == chosen.model), None)
    provider, model = named(chosen.model, mine)
    spec = chosen.agent.spec
    settings = spec.model_settings if spec is not None else ModelSettings()
    said = chosen.said
    return CurrentConfig(
        provider=provider,
        model=model,
        max_iterations=said.get("max_iterations") or (spec.limits.max_steps if spec is not None else None),
        base_url=(mine.url if mine is not None else settings.api_base) or None,
        max_input_tokens=said.get("max_input_tokens") or (info.context_window if info is not None else None),
        max_output_tokens=said.get("max_output_tokens") or settings.max_output_tokens,
        temperature=said.get("temperature", settings.temperature),
        allowed_media_types=said.get("allowed_media_types"),
        reasoning_effort=said.get("reasoning_effort") or settings.reasoning_effort,
        has_api_key=info is None or info.available,
        display_name=(mine.display_name if mine is not None else "") or None,
    )


def named(model: str, mine: OwnModel | None) -> tuple[ProviderName, str]:
    """Returns Dexto's provider and name of a model of ours; `mine` is what is known of one of one's own."""
    if mine is not None:
        return cast("ProviderName", provider_of(mine)), mine.name
    provider, name = dexto_model(model)
    return cast("ProviderName", provider), name


# --- models of one's own


def provider_of(model: OwnModel) -> str:
    """Returns the provider that a client has named for a model of one's own, or else the one like it."""
    kept = model.ext.get(EXT, {}).get("provider")
    likely = {"file": "local", "ollama": "ollama", "provider": "openrouter"}
    return (
        kept if isinstance(kept, str) and kept in PROVIDERS else likely.get(model.kind, "openai-compatible")
    )


def own_model(body: CustomModelBody) -> OwnModel:
    """Returns the model that a client adds."""
    name, provider = body.name, body.provider
    place: dict[str, Any] = {"kind": "server", "url": body.base_url or "", "key_of": ""}
    if provider == "local":
        place = {"kind": "file", "path": body.file_path or ""}
    elif provider == "ollama":
        place = {"kind": "ollama", "url": body.base_url or ""}
    elif provider in ("litellm", "glama"):
        place |= {"key_of": ours(provider), "url": body.base_url or GLAMA_URL}
    elif provider in ("openrouter", "vertex", "bedrock", "dexto") and not body.base_url:
        place = {"kind": "provider", "model": f"{ours(provider)}/{name}"}
    return OwnModel(
        name=name,
        **place,
        display_name=body.display_name or "",
        context_window=body.max_input_tokens,
        max_output_tokens=body.max_output_tokens,
        reasoning_effort=body.reasoning_effort,
        ext={EXT: {"provider": provider}},
    )


def custom_model(model: OwnModel) -> CustomModel:
    """Returns a model of one's own as clients read it."""
    return CustomModel(
        name=model.name,
        provider=cast("Any", provider_of(model)),
        base_url=model.url or None,
        display_name=model.display_name or None,
        max_input_tokens=model.context_window,
        max_output_tokens=model.max_output_tokens,
        api_key="[REDACTED]" if model.has_key else None,
        file_path=model.path or None,
        reasoning_effort=model.reasoning_effort,
    )


def local_models(states: Iterable[OwnModelState]) -> list[LocalModel]:
    """Returns the models in files that can be read."""
    return [
        LocalModel(
            id=each.model.name,
            display_name=each.model.display_name or each.file.title or each.model.name,
            file_path=each.model.path,
            size_bytes=each.file.size_bytes,
            context_length=each.file.context_length,
        )
        for each in states
        if each.file is not None
    ]


def ollama_models(server: OllamaServer) -> OllamaModels:
    """Returns what an Ollama has."""
    if not server.available:
        return OllamaModels(available=False, models=[], error="Ollama server is not running")
    rows = [
        OllamaModel(
            name=each.name,
            size=each.size_bytes,
            digest=each.digest or None,
            modified_at=iso(each.modified_at) if each.modified_at else None,
        )
        for each in server.models
    ]
    return OllamaModels(available=True, version=server.version or None, models=rows)


# --- the catalogue


def catalog_of(
    models: Iterable[ModelInfo], keys: Collection[str] | None, wanted: Iterable[str], asked: CatalogQuery
) -> Catalog:
    """Returns what clients have asked for of all models. `keys` are the providers that have a key, ours by
    name; None: it is not known. `wanted` are names of providers; empty: all."""
    only = {name.strip() for name in wanted if name.strip()}
    by_provider: dict[str, list[ModelInfo]] = {}
    for each in models:
        by_provider.setdefault(each.provider, []).append(each)
    found = {
        one.name: _provider(one, by_provider.get(one.ours, []), keys, asked)
        for one in PROVIDERS.values()
        if one.name != _HIDDEN and (not only or one.name in only)
    }
    kept = {name: each for name, each in found.items() if _counts(each, asked)}
    if asked.include_models in ("false", "0"):
        kept = {name: each.model_copy(update={"models": []}) for name, each in kept.items()}
    if asked.mode == "grouped":
        return Catalog(providers=cast("Any", kept))
    flat = [
        FlatModel(provider=cast("ProviderName", name), **dict(model))
        for name, each in kept.items()
        for model in each.models
    ]
    return Catalog(models=flat)


def _counts(found: ProviderCatalog, asked: CatalogQuery) -> bool:
    if asked.has_key is not None and found.has_api_key != (asked.has_key in ("true", "1")):
        return False
    narrowed = asked.file_type is not None or asked.default_only in ("true", "1")
    return bool(found.models) or not narrowed


def _provider(
    one: DextoProvider, models: list[ModelInfo], keys: Collection[str] | None, asked: CatalogQuery
) -> ProviderCatalog:
    rows = [_model(each) for each in models]
    takes = file_types_of(models) if models else _takes_of_gateway(one.name)
    if asked.scope == "curated":
        rows = _curated(rows)
    if asked.default_only in ("true", "1"):
        rows = [each for each in rows if each.default]
    if asked.file_type is not None:
        rows = [each for each in rows if asked.file_type in each.supported_file_types]
    return ProviderCatalog(
        name=one.name[:1].upper() + one.name[1:],
        has_api_key=any(each.available for each in models) or (one.ours or one.name) in (keys or ()),
        primary_env_var=one.variable,
        supports_base_url=one.name in WITH_URL,
        models=rows,
        supported_file_types=takes,
    )


def _curated(rows: list[CatalogModel]) -> list[CatalogModel]:
    """Returns the few that a person chooses from: the default, and the last by name that are no variants."""
    plain = [each for each in rows if not each.default and not _NOT_CURATED.search(each.name)]
    last = sorted(plain, key=lambda each: each.name, reverse=True)[:CURATED]
    return [*(each for each in rows if each.default), *last]


def _takes_of_gateway(name: str) -> list[FileType]:
    return ["pdf", "image"] if name in GATEWAYS else ["image"] if name == "openai-compatible" else []


def _model(info: ModelInfo) -> CatalogModel:
    return CatalogModel(
        name=info.name.partition("/")[2] or info.name,
        max_input_tokens=info.context_window or UNKNOWN_WINDOW,
        default=True if info.default else None,
        supported_file_types=file_types_of([info]),
        pricing=_pricing(info),
    )


def _pricing(info: ModelInfo) -> Pricing | None:
    if info.input_usd_per_million is None or info.output_usd_per_million is None:
        return None
    return Pricing(
        input_per_m=info.input_usd_per_million,
        output_per_m=info.output_usd_per_million,
        cache_read_per_m=info.cache_read_usd_per_million,
        cache_write_per_m=info.cache_write_usd_per_million,
    )


def file_types_of(models: Iterable[ModelInfo]) -> list[FileType]:
    """Returns the kinds of files that any of the models takes."""
    found: list[FileType] = []
    listed = tuple(models)
    if any(each.takes_pdf for each in listed):
        found.append("pdf")
    if any(each.takes_images for each in listed):
        found.append("image")
    return found


# --- OpenRouter


def looked_up(model: str, found: ModelLookup) -> OpenRouterModel:
    """Returns what is known of a model at OpenRouter."""
    status = {"known": "valid", "not_known": "invalid", "undecided": "unknown"}[found.state]
    window = found.info.context_window if found.info is not None else None
    return OpenRouterModel(
        valid=status == "valid",
        model_id=model,
        status=cast("Any", status),
        error=found.message or None if status != "valid" else None,
        info=OpenRouterInfo(context_length=window) if window else None,
    )
