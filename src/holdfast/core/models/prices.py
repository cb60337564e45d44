"""Windows, prices and abilities of models, from the table inside LiteLLM, read without importing it.

The table is a file of 3 MB: it is read once, at first need (about 40 ms), and only what concerns chat
models of known providers is kept. Callers on an event loop read it in a thread.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from holdfast.core.models.providers import PROVIDERS

_TABLE = "model_prices_and_context_window_backup.json"
_MODES = frozenset({"chat", "responses"})
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Facts:
    """What the table says of one model."""

    name: str
    """With its provider, as Holdfast writes it."""
    provider: str
    context_window: int | None
    max_output_tokens: int | None
    input_usd_per_million: float | None
    output_usd_per_million: float | None
    cache_read_usd_per_million: float | None
    cache_write_usd_per_million: float | None
    images: bool
    pdf: bool
    tools: bool
    json_schema: bool


def facts(model: str) -> Facts | None:
    """Returns what is known of `model` (with or without its provider), or None."""
    table = facts_table()
    found = table.get(model.replace("/responses/", "/", 1))
    if found is None and "/" not in model:
        found = next((f for p in PROVIDERS if (f := table.get(f"{p}/{model}")) is not None), None)
    return found


def prices_images(model: str) -> bool:
    """Says whether the table has a price of a model (with its provider) that makes images."""
    return model in _priced_image_models()


@cache
def _priced_image_models() -> frozenset[str]:
    found = set()
    for name, row in _rows().items():
        prices = (row[key] for key in row if key.startswith(("input_cost_per", "output_cost_per")))
        if row.get("mode") == "image_generation" and any(prices):
            provider = row.get("litellm_provider", "")
            found.add(name if name.startswith(f"{provider}/") else f"{provider}/{name}")
    return frozenset(found)


@cache
def facts_table() -> dict[str, Facts]:
    """Returns all known models by name; empty when LiteLLM does not bring its table."""
    found = (_facts(name, row) for name, row in _rows().items() if row.get("litellm_provider") in PROVIDERS)
    return {f.name: f for f in found if f is not None}


@cache
def facts_elsewhere() -> tuple[Facts, ...]:
    """Returns the models of providers that cannot be called from here, by their names in the table: of clouds
    and gateways that have other makers' models."""
    found = (
        _facts(name, row) for name, row in _rows().items() if row.get("litellm_provider") not in PROVIDERS
    )
    return tuple(f for f in found if f is not None)


def _rows() -> dict[str, dict[str, Any]]:
    path = _table_path()
    if path is None:
        return {}
    rows: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {name: row for name, row in rows.items() if isinstance(row, dict)}


def _table_path() -> Path | None:
    spec = find_spec("litellm")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / _TABLE
        if path.is_file():
            return path
    return None


def _facts(name: str, row: dict[str, Any]) -> Facts | None:
    provider = row.get("litellm_provider", "")
    if row.get("mode") not in _MODES:
        return None
    return Facts(
        name=name if name.startswith(f"{provider}/") else f"{provider}/{name}",
        provider=provider,
        context_window=_integer(row.get("max_input_tokens") or row.get("max_tokens")),
        max_output_tokens=_integer(row.get("max_output_tokens")),
        input_usd_per_million=_price(row.get("input_cost_per_token")),
        output_usd_per_million=_price(row.get("output_cost_per_token")),
        cache_read_usd_per_million=_price(row.get("cache_read_input_token_cost")),
        cache_write_usd_per_million=_price(row.get("cache_creation_input_token_cost")),
        images=bool(row.get("supports_vision")),
        pdf=bool(row.get("supports_pdf_input")),
        tools=bool(row.get("supports_function_calling")),
        json_schema=bool(row.get("supports_response_schema")),
    )


def _integer(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and value > 0 else None


def _price(value: object) -> float | None:
    return round(value * _MILLION, 6) if isinstance(value, int | float) else None
