"""Between Sage's providers and models of one's own."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from holdfast.core.domain.own_models import OwnModel, OwnModelCheck, OwnModelState, Tried
from holdfast.server.dialects.sage.wire_providers import (
    Abilities,
    Connection,
    Multimodal,
    Provider,
    ProviderBody,
    ProviderChanges,
    Seen,
    Structured,
)

_EXT = "sage"
_KEPT = ("presence_penalty", "supports_multimodal", "supports_structured_output")
"""What only Sage's clients know of a provider."""
_NO_NAME = re.compile(r"[^A-Za-z0-9._:/@+()-]+")
_OURS = {"max_tokens": "max_output_tokens", "max_model_len": "context_window"}
_HIDDEN = "***"


def own_model(body: ProviderBody) -> OwnModel:
    """Returns the model that a provider stands for."""
    return OwnModel(
        name=_named(body.model),
        kind="server",
        model=body.model,
        url=body.base_url,
        display_name=body.name or _usual_name(body.model, body.base_url),
        context_window=body.max_model_len,
        max_output_tokens=body.max_tokens,
        temperature=body.temperature,
        top_p=body.top_p,
        ext={_EXT: {name: getattr(body, name) for name in _KEPT}},
    )


def changed(model: OwnModel, asked: ProviderChanges) -> OwnModel:
    """Returns a model with what is asked to be otherwise."""
    said = {name: getattr(asked, name) for name in asked.model_fields_set}
    kept = {**model.ext.get(_EXT, {}), **{name: said[name] for name in _KEPT if name in said}}
    update: dict[str, Any] = {"ext": {**model.ext, _EXT: kept}}
    for name, value in (("display_name", asked.name), ("url", asked.base_url), ("model", asked.model)):
        update |= {name: value} if value else {}
    for name in ("max_tokens", "max_model_len", "temperature", "top_p"):
        update |= {_OURS.get(name, name): said[name]} if name in said else {}
    return model.model_copy(update=update)


def new_key(model: OwnModel, asked: ProviderChanges) -> str | None:
    """Returns the key that is said; None for what clients were shown of the one that there is."""
    key = asked.api_keys[0] if asked.api_keys else None
    return None if key == _shown(model) else key


def provider(model: OwnModel, user_id: str) -> Provider:
    """Returns a model of one's own as a provider."""
    kept = model.ext.get(_EXT, {})
    return Provider(
        id=model.id,
        provider_id=model.id,
        name=model.display_name or model.name,
        base_url=model.url,
        api_keys=[_shown(model)] if model.has_key else [],
        model=model.model or model.name,
        max_tokens=model.max_output_tokens,
        temperature=model.temperature,
        top_p=model.top_p,
        presence_penalty=kept.get("presence_penalty"),
        max_model_len=model.context_window,
        supports_multimodal=bool(kept.get("supports_multimodal")),
        supports_structured_output=bool(kept.get("supports_structured_output")),
        is_default=False,
        user_id=user_id,
        created_at=_moment(model.created_at),
        updated_at=_moment(model.changed_at),
    )


def own_servers(states: tuple[OwnModelState, ...]) -> list[OwnModel]:
    """Returns the models that the user alone has on servers, the newest first."""
    found = [each.model for each in states if each.model.private and each.model.kind == "server"]
    return sorted(found, key=lambda each: (_moment(each.created_at) or "", each.id), reverse=True)


def multimodal(found: OwnModelCheck) -> Multimodal:
    """Returns whether a model sees."""
    if found.images is None:
        return Multimodal(supports_multimodal=False, error=found.connection.response)
    seen = found.images.supported
    return Multimodal(supports_multimodal=seen, response=found.images.response, recognized=seen)


def abilities(found: OwnModelCheck) -> Abilities:
    """Returns what a model can do."""
    nothing = Tried(supported=False)
    images, structured = found.images or nothing, found.structured or nothing
    return Abilities(
        connection=Connection(supported=found.connection.supported, response=found.connection.response),
        supports_multimodal=images.supported,
        supports_structured_output=structured.supported,
        multimodal=Seen(supported=images.supported, response=images.response, recognized=images.supported),
        structured_output=Structured(
            supported=structured.supported, response=structured.response, parsed=structured.supported
        ),
        model=found.model,
        base_url=found.url,
    )


def _named(model: str) -> str:
    plain = _NO_NAME.sub("-", model)[:180].strip("-._:/@+()")
    return plain or "model"


def _usual_name(model: str, url: str) -> str:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:  # no address at all: who keeps it says so
        host = ""
    return f"{model[:120]}@{host[:70]}"


def _shown(model: OwnModel) -> str:
    return model.key_shown.replace("...", _HIDDEN) or _HIDDEN


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone().replace(tzinfo=None).isoformat(timespec="microseconds")
