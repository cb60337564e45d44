"""Dexto's names of providers and of their models, and ours."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.domain.own_models import OWN


@dataclass(frozen=True, slots=True)
class DextoProvider:
    """A provider of models, as Dexto knows it."""

    name: str
    ours: str
    """The part before the slash in our names of its models; empty: there are none of ours."""
    variable: str
    """The environment variable in which Dexto looks for its key."""


_ALL = (
    DextoProvider("openai", "openai", "OPENAI_API_KEY"),
    DextoProvider("openai-compatible", "custom", "OPENAI_API_KEY"),
    DextoProvider("anthropic", "anthropic", "ANTHROPIC_API_KEY"),
    DextoProvider("google", "gemini", "GOOGLE_GENERATIVE_AI_API_KEY"),
    DextoProvider("groq", "groq", "GROQ_API_KEY"),
    DextoProvider("xai", "xai", "XAI_API_KEY"),
    DextoProvider("cohere", "cohere_chat", "COHERE_API_KEY"),
    DextoProvider("minimax", "minimax", "MINIMAX_API_KEY"),
    DextoProvider("glm", "zai", "ZHIPU_API_KEY"),
    DextoProvider("openrouter", "openrouter", "OPENROUTER_API_KEY"),
    DextoProvider("litellm", "litellm_proxy", "LITELLM_API_KEY"),
    DextoProvider("glama", "", "GLAMA_API_KEY"),
    DextoProvider("vertex", "vertex_ai", "GOOGLE_VERTEX_PROJECT"),
    DextoProvider("bedrock", "bedrock", "AWS_BEARER_TOKEN_BEDROCK"),
    DextoProvider("local", "local", "LOCAL_API_KEY"),
    DextoProvider("ollama", "ollama_chat", "OLLAMA_API_KEY"),
    DextoProvider("dexto", "", "DEXTO_API_KEY"),
)
PROVIDERS: dict[str, DextoProvider] = {one.name: one for one in _ALL}
"""By Dexto's name, in the order in which it lists them."""
_BY_OURS = {one.ours: one for one in reversed(_ALL) if one.ours} | {"ollama": PROVIDERS["ollama"]}


def model_id(provider: str, model: str) -> str:
    """Returns our name of a model that Dexto knows by its provider and its name there. One that we know the
    model of alone, such as `offline`, stays as it is."""
    ours = PROVIDERS[provider].ours if provider in PROVIDERS else ""
    return f"{ours}/{model}" if ours else model


def dexto_model(id: str) -> tuple[str, str]:
    """Returns Dexto's provider and name of a model by our name. Of a provider that Dexto does not know it is
    one of an OpenAI-compatible server, under its whole name."""
    head, slash, rest = id.partition("/")
    if head == OWN and rest:
        return "openai-compatible", rest
    known = _BY_OURS.get(head) if slash else None
    return (known.name, rest) if known is not None and rest else ("openai-compatible", id)
