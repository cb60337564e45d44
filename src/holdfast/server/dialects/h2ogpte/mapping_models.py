"""Models, and what was used of them, in h2oGPTe's words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.models import ModelInfo
from holdfast.core.domain.usage import UsageGroup
from holdfast.server.dialects.h2ogpte.wire_models import Model, ModelUse

AUTO = "auto"
"""The name of whichever model the agent has."""
PLAIN: dict[str, Any] = {"tools": (), "skills": (), "knowledge": (), "sub_agents": (), "mode": "single"}
"""What makes an agent's run one of its model alone."""

_INTERVAL = re.compile(r"\s*(\d{1,4})?\s*(minute|hour|day|week|month|year)s?\s*", re.ASCII)
_UNITS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}


def usable(models: Iterable[ModelInfo]) -> tuple[ModelInfo, ...]:
    """Returns the models that can be used now."""
    return tuple(each for each in models if each.available)


def model_of(info: ModelInfo) -> Model:
    """Returns a model as it is listed."""
    return Model(
        id=info.name,
        display_name=info.name,
        name=info.name,
        base_model=info.name,
        owned_by=info.provider,
        max_seq_len=info.context_window,
        max_output_tokens=info.max_output_tokens,
        is_vision=info.takes_images,
        supports_tools=info.takes_tools,
    )


def openai_model_of(info: ModelInfo) -> dict[str, Any]:
    """Returns a model as OpenAI's clients read it."""
    return {
        "id": info.name,
        "object": "model",
        "created": 0,
        "owned_by": info.provider,
        "base_model": info.name,
    }


def seeing(models: Iterable[ModelInfo]) -> tuple[str, ...]:
    """Returns the names of the models that take images."""
    return tuple(each.name for each in usable(models) if each.takes_images)


def use_of(group: UsageGroup) -> ModelUse:
    """Returns what was used of a model."""
    return ModelUse(
        llm_name=group.key,
        llm_cost=group.cost_usd,
        call_count=group.steps,
        input_tokens=group.input_tokens,
        output_tokens=group.output_tokens,
    )


def interval_of(said: str) -> timedelta:
    """Returns how long `24 hours` is; a month has 30 days. Raises `InvalidError`."""
    found = _INTERVAL.fullmatch(said.lower())
    if found is None:
        raise InvalidError("interval: must be a time such as `24 hours` or `1 week`.", code="invalid_request")
    return int(found[1] or 1) * _UNITS[found[2]]
