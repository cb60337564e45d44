"""Embedding models of providers, through LiteLLM."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from holdfast.core.domain.errors import ModelError
from holdfast.core.models.credentials import Target
from holdfast.core.models.errors import translate
from holdfast.core.models.loading import load, loaded

TIMEOUT_S = 120.0
"""Longest time in seconds that a provider gets for one batch of texts."""

_INPUT_TYPES = {
    "cohere": ("search_document", "search_query"),
    "voyage": ("document", "query"),
}
"""Providers whose models embed documents and queries differently, and what they call the two."""


async def embed(target: Target, asked: str, texts: Sequence[str], *, query: bool) -> list[list[float]]:
    """Returns a vector for each text. `asked` is the model's name for messages. Raises `ModelError`."""
    lib = loaded()
    if lib is None:
        lib = await asyncio.to_thread(load)
    secrets = (target.key,) if target.key else ()
    try:
        response = await lib.litellm.aembedding(**_arguments(target, texts, query=query))
        rows = sorted(response.data, key=lambda row: int(row["index"]))
        vectors = [[float(number) for number in row["embedding"]] for row in rows]
    except lib.errors as error:
        raise translate(error, model=asked, provider=target.provider, secrets=secrets) from None
    if len(vectors) != len(texts) or len({len(vector) for vector in vectors}) > 1:
        raise ModelError(f"{asked} did not return a vector for each text", details={"model": asked})
    return vectors


def _arguments(target: Target, texts: Sequence[str], *, query: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "model": target.model,
        "input": list(texts),
        "api_key": target.key,
        "api_base": target.api_base,
        "timeout": TIMEOUT_S,
        "encoding_format": "float" if target.provider in ("openai", "azure") else None,
        "max_retries": 0,
        "num_retries": 0,
    }
    if target.provider in _INPUT_TYPES:
        found["input_type"] = _INPUT_TYPES[target.provider][query]
    return {name: value for name, value in found.items() if value is not None}
