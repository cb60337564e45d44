"""What is known of a model whose name comes from a gateway, such as `openrouter/anthropic/claude-…`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from holdfast.core.models.prices import Facts, facts, facts_elsewhere, facts_table

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
_ALSO = {"xai": "x-ai", "mistral": "mistralai", "alibaba": "qwen", "meta": "meta-llama", "zai": "z-ai"}
"""Makers as some gateways name them, where OpenRouter calls them otherwise."""
_VARIANT = re.compile(r":[a-z]+\Z")
_DATE = re.compile(r"[-@](?:\d{8}|\d{4}-\d{2}-\d{2}|\d{2}-\d{2})(?:-v\d(?::\d)?)?\Z")
_REVISION = re.compile(r"-00\d\Z")
_CLOUD = re.compile(r"(?:[a-z]+\.)?(?P<vendor>[a-z]+)\.(?P<model>[a-z][\w.:-]*)")
"""How Amazon names other makers' models."""


def underlying(model: str) -> Facts | None:
    """Returns what is known of `VENDOR/MODEL`, as gateways call it, or of a model in our own words."""
    known, name = _by_gateway_name(), _plain(model.removeprefix(f"{GATEWAY}/"))
    return facts(model) or known.get(name) or known.get(_REVISION.sub("", name))


def knows_maker(vendor: str) -> bool:
    """Says whether the table has models of a maker, so that one that it does not have is not his."""
    return vendor.lower() in _makers()


@cache
def _makers() -> frozenset[str]:
    return frozenset(map(_vendor, facts_table().values()))


def _vendor(found: Facts) -> str:
    ours = {name: vendor for vendor, names in _MAKERS.items() for name in names}
    return ours.get(found.provider, found.provider)


@cache
def _by_gateway_name() -> Mapping[str, Facts]:
    """By `VENDOR/MODEL` as plain as possible; a model's own name goes before one without its date, and its
    maker's own entry before that of who else runs it."""
    own: dict[str, Facts] = {}
    others: dict[str, Facts] = {}
    for each in facts_table().values():
        name = each.name.removeprefix(f"{each.provider}/")
        if name.count("/") == 1:  # `together_ai/meta-llama/…`
            others.setdefault(_plain(name), each)
        else:
            own.setdefault(_plain(f"{_vendor(each)}/{name}"), each)
    for each in sorted(facts_elsewhere(), key=_says_little):
        _, *parts = each.name.split("/")
        cloud = _CLOUD.fullmatch(parts[0]) if len(parts) == 1 else None
        if cloud is not None:
            parts = [cloud["vendor"], cloud["model"]]
        if len(parts) == 2:  # `vercel_ai_gateway/anthropic/…`
            others.setdefault(_plain(f"{_ALSO.get(parts[0], parts[0])}/{parts[1]}"), each)
    return {**_undated(others), **others, **_undated(own), **own}


def _says_little(found: Facts) -> tuple[bool, bool, str]:
    return (found.context_window is None, found.input_usd_per_million is None, found.name)


def _undated(found: Mapping[str, Facts]) -> dict[str, Facts]:
    return {_DATE.sub("", name): each for name, each in found.items()}


def _plain(model: str) -> str:
    """Returns a name in which only what tells models apart counts: `claude-3.5` and `claude-3-5` are one."""
    return _VARIANT.sub("", model.lower()).replace(".", "-")
