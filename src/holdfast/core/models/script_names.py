"""Which models the names mean that scripts of agents with a plan call models by.

The price list of the plans has names without a provider, some of them of models that are no more. Each stands
for the model that a provider has under it, as far as there is one.
"""

from __future__ import annotations

from holdfast.core.domain.plans import price_of

LATEST = "-latest"
_GATEWAY = "openrouter"
_MAKERS = (
    ("gpt-", "openai"),
    ("gemini", "google"),
    ("gemma", "google"),
    ("learnlm", "google"),
    ("llama-3.1-nemotron", "nvidia"),
    ("llama", "meta-llama"),
    ("dolphin", "cognitivecomputations"),
    ("deepseek", "deepseek"),
    ("mistral", "mistralai"),
    ("qwen", "qwen"),
    ("phi", "microsoft"),
    ("openchat", "openchat"),
    ("zephyr", "huggingfaceh4"),
    ("toppy", "undi95"),
    ("mythomax", "gryphe"),
    ("rogue-rose", "sophosympatheia"),
)
"""Beginnings of names, and who has made those models, as the gateway calls them."""
_DIRECT = {"openai": "openai", "google": "gemini"}
"""Makers that are asked themselves."""


def spellings(name: str) -> tuple[str, ...]:
    """Returns a name as it is given, then without and with `-latest`: plans differ in that."""
    plain = name.removesuffix(LATEST)
    return tuple(dict.fromkeys((name, plain, f"{plain}{LATEST}")))


def meant_by(name: str) -> tuple[str, ...]:
    """Returns the models that a name may mean, the nearest first: as it is given, at its maker, at the
    gateway. A name that is not on the price list means itself alone."""
    if price_of(name) is None or "/" in name:
        return (name,)
    maker = next((maker for beginning, maker in _MAKERS if name.startswith(beginning)), None)
    found = list(spellings(name))
    if maker is not None and (direct := _DIRECT.get(maker)):
        found += [f"{direct}/{each}" for each in spellings(name)]
    if maker is not None:
        found.append(f"{_GATEWAY}/{maker}/{name.removesuffix(LATEST)}")
    return tuple(dict.fromkeys(found))
