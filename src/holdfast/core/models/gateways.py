"""What is known of a model whose name comes from a gateway, such as `openrouter/anthropic/claude-…`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from holdfast.core.models.prices import Facts, facts, facts_table

GATEWAY = "openrouter"
_MAKERS = {
    "google": ("gemini",),
    "x-ai": ("xai",),
    "mistralai": ("mistral",),
    "z-ai": ("zai",),
    "moonshotai": ("moonshot",),
    "cohere": ("cohere_chat",),
    "qwen": ("dashscope",),
}
"""Makers as gateways name them, where our providers are called otherwise."""
_VARIANT = re.compile(r":[a-z]+\Z")
_DATE = re.compile(r"[-@](?:\d{8}|\d{4}-\d{2}-\d{2}|\d{2}-\d{2})\Z")


def underlying(model: str) -> Facts | None:
    """Returns what is known of `VENDOR/MODEL`, as gateways call it, or of a model in our own words."""
    return facts(model) or _by_gateway_name().get(_plain(model.removeprefix(f"{GATEWAY}/")))


def knows_maker(vendor: str) -> bool:
    """Says whether the table has models of a maker, so that one that it does not have is not his."""
    return vendor.lower() in _makers()


@cache
def _makers() -> frozenset[str]:
    ours = {name: vendor for vendor, names in _MAKERS.items() for name in names}
    return frozenset(ours.get(each.provider, each.provider) for each in facts_table().values())


@cache
def _by_gateway_name() -> Mapping[str, Facts]:
    """By `VENDOR/MODEL` as plain as possible; a model's own name goes before one without its date, and the
    maker's own entry before that of who else runs it."""
    ours = {name: vendor for vendor, names in _MAKERS.items() for name in names}
    found: dict[str, Facts] = {}
    undated: dict[str, Facts] = {}
    elsewhere: dict[str, Facts] = {}
    for each in facts_table().values():
        name = each.name.removeprefix(f"{each.provider}/")
        if name.count("/") == 1:  # `together_ai/meta-llama/…`
            elsewhere.setdefault(_plain(name), each)
            continue
        vendor = ours.get(each.provider, each.provider)
        found.setdefault(_plain(f"{vendor}/{name}"), each)
        undated.setdefault(_plain(f"{vendor}/{_DATE.sub('', name)}"), each)
    return {**elsewhere, **undated, **found}


def _plain(model: str) -> str:
    """Returns a name in which only what tells models apart counts: `claude-3.5` and `claude-3-5` are one."""
    return _VARIANT.sub("", model.lower()).replace(".", "-")
