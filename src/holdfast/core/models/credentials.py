"""Which provider a call goes to, at which address, and with which key."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from holdfast.core.domain.errors import ModelAuthError, ModelNotFound
from holdfast.core.domain.models import ModelRequest
from holdfast.core.domain.text import shorten
from holdfast.core.models.prices import facts, facts_table
from holdfast.core.models.providers import CUSTOM, OLLAMA, PROVIDERS, environment_base, key_hint, provider_of

Keys = Callable[[str], str | None]
"""Returns the key of a provider, or None. Asked at every call, so that a new key counts at once."""

NO_KEY = "no-key"
"""Sent to servers that need none: the OpenAI client does not start without one."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where providers are, when not at their own address."""

    ollama_url: str | None = None
    kept: Callable[[], Mapping[str, str]] = dict
    """Returns those that a person has added, by provider; asked at every call."""
    environment: Mapping[str, str] = field(default_factory=dict)

    def of(self, provider: str) -> str | None:
        """Returns the address that settings or the environment name for `provider`."""
        found = environment_base(provider, self.environment)
        if found is None and PROVIDERS[provider].base_variables:
            found = self.kept().get("ollama" if provider in OLLAMA else provider)
        return found or (self.ollama_url if provider in OLLAMA else None)


@dataclass(frozen=True, slots=True)
class Target:
    """Where one call goes. The key is not shown when this is printed."""

    provider: str
    model: str
    """With its provider, as LiteLLM wants it."""
    api_base: str | None
    key: str | None = field(repr=False)


def target_of(request: ModelRequest, keys: Keys, addresses: Addresses) -> Target:
    """Returns where the call goes.

    Raises `ModelNotFound` when the name says no known provider, `ModelAuthError` when its key is missing.
    """
    provider, model = qualify(request.model)
    return _target(provider, model, request.model, request.settings.api_base, keys, addresses)


def embedding_target_of(model: str, keys: Keys, addresses: Addresses, api_base: str | None = None) -> Target:
    """Returns where texts go that `model` is to embed. Raises as `target_of`."""
    provider, name = qualify(model)
    if provider == "ollama_chat":  # which has no such endpoint
        provider, name = "ollama", f"ollama/{name.removeprefix('ollama_chat/')}"
    return _target(provider, name, model, api_base, keys, addresses)


def _target(
    provider: str, model: str, asked: str, api_base: str | None, keys: Keys, addresses: Addresses
) -> Target:
    base = api_base or addresses.of(provider)
    known = PROVIDERS[provider]
    if not known.key_variables:
        return Target(provider, model, base, None)
    key = keys(provider)
    if provider == CUSTOM:
        if base is None:
            raise ModelNotFound(
                f"{asked} is on a server whose address is not known: "
                f"run `holdfast keys provider set {CUSTOM} --url URL`",
                code="model_address_missing",
                details={"model": asked, "provider": provider},
            )
        # LiteLLM has no name for any server; this one adds nothing to what is asked.
        return Target(provider, f"hosted_vllm/{model.removeprefix(f'{CUSTOM}/')}", base, key or NO_KEY)
    if not key and known.needs_key and base is None:
        raise ModelAuthError(
            f"No key for {known.title}, which {asked} needs: {key_hint(provider)}",
            code="model_key_missing",
            details={"model": asked, "provider": provider},
        )
    return Target(provider, model, base, key or NO_KEY)


def qualify(model: str) -> tuple[str, str]:
    """Returns the provider of `model` and its name with the provider. Raises `ModelNotFound`."""
    if "://" in model:  # LiteLLM would send the provider's key there
        raise ModelNotFound(
            f"{shorten(model, 200)!r} holds an address, which is no part of a model's name; "
            "`api_base` in the agent's `model_settings` names one.",
            details={"model": model},
        )
    provider = provider_of(model)
    if provider is None:
        known = facts(model)
        if known is None:
            raise ModelNotFound(_unknown(model), details={"model": model})
        return known.provider, known.name
    if provider == "ollama":  # the chat endpoint is the one with tools
        return "ollama_chat", f"ollama_chat/{model.removeprefix('ollama/')}"
    return provider, model if model.startswith(f"{provider}/") else f"{provider}/{model}"


def _unknown(model: str) -> str:
    head, slash, rest = model.partition("/")
    names = [f"{p}/{rest}" for p in difflib.get_close_matches(head, PROVIDERS, 2)] if slash and rest else []
    names += difflib.get_close_matches(model, facts_table(), 3)
    known = ", ".join(list(PROVIDERS)[:8])
    near = (
        f"did you mean {' or '.join(dict.fromkeys(names))}?"
        if names
        else f"write PROVIDER/MODEL with {known} …"
    )
    return f"No provider is known for the model {model!r}: {near} `holdfast models list` shows all"
