"""The providers that Holdfast knows, and where each one's key and address are found.

One table, used by the catalogue, by the adapters and by `holdfast keys`. It imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

OFFLINE = "offline"
SCRIPTED = "scripted"
CUSTOM = "custom"
"""Models of whatever server speaks OpenAI's API: `custom/NAME`."""
OLLAMA = ("ollama", "ollama_chat")
"""Both names of the one provider."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider of models."""

    name: str
    """As the part before the slash in a model name, and in `holdfast keys provider set NAME`."""
    title: str
    """As its maker writes it."""
    key_variables: tuple[str, ...] = ()
    """Environment variables that may hold its key, first one first; empty when it needs none."""
    base_variables: tuple[str, ...] = ()
    """Environment variables that may hold the address of its API."""
    default_model: str | None = None
    """The model that is used when this provider's key is all that is configured."""
    key_optional: bool = False
    """True for servers of one's own, which take a key but seldom ask for one."""
    own_server: bool = False
    """Whether somebody runs it himself: its address is said, and it is asked which models it has."""
    key_page: str = ""
    """Where its maker gives keys out."""

    @property
    def needs_key(self) -> bool:
        return bool(self.key_variables) and not self.key_optional


_ALL = (
    Provider(
        "openai",
        "OpenAI",
        ("OPENAI_API_KEY",),
        ("OPENAI_API_BASE", "OPENAI_BASE_URL"),
        "openai/gpt-5-mini",
        key_page="https://platform.openai.com/api-keys",
    ),
    Provider(
        "anthropic",
        "Anthropic",
        ("ANTHROPIC_API_KEY",),
        ("ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"),
        "anthropic/claude-sonnet-4-5",
        key_page="https://console.anthropic.com/settings/keys",
    ),
    Provider(
        "gemini",
        "Google Gemini",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY"),
        default_model="gemini/gemini-2.5-flash",
        key_page="https://aistudio.google.com/apikey",
    ),
    Provider("mistral", "Mistral", ("MISTRAL_API_KEY",), default_model="mistral/mistral-small-latest"),
    Provider("groq", "Groq", ("GROQ_API_KEY",), default_model="groq/openai/gpt-oss-120b"),
    Provider(
        "openrouter",
        "OpenRouter",
        ("OPENROUTER_API_KEY",),
        default_model="openrouter/openai/gpt-5-mini",
        key_page="https://openrouter.ai/keys",
    ),
    Provider("deepseek", "DeepSeek", ("DEEPSEEK_API_KEY",), default_model="deepseek/deepseek-chat"),
    Provider("xai", "xAI", ("XAI_API_KEY",), default_model="xai/grok-4-fast"),
    Provider("azure", "Azure OpenAI", ("AZURE_API_KEY",), ("AZURE_API_BASE",)),
    Provider("cerebras", "Cerebras", ("CEREBRAS_API_KEY",)),
    Provider("cohere_chat", "Cohere", ("COHERE_API_KEY",), default_model="cohere_chat/command-a-03-2025"),
    Provider("dashscope", "Alibaba DashScope", ("DASHSCOPE_API_KEY",)),
    Provider("deepinfra", "DeepInfra", ("DEEPINFRA_API_KEY",)),
    Provider("fireworks_ai", "Fireworks AI", ("FIREWORKS_AI_API_KEY", "FIREWORKS_API_KEY")),
    Provider("huggingface", "Hugging Face", ("HF_TOKEN", "HUGGINGFACE_API_KEY")),
    Provider("minimax", "MiniMax", ("MINIMAX_API_KEY",), default_model="minimax/MiniMax-M2"),
    Provider("moonshot", "Moonshot", ("MOONSHOT_API_KEY",)),
    Provider("nvidia_nim", "NVIDIA NIM", ("NVIDIA_NIM_API_KEY",)),
    Provider("perplexity", "Perplexity", ("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY")),
    Provider("sambanova", "SambaNova", ("SAMBANOVA_API_KEY",)),
    Provider("together_ai", "Together AI", ("TOGETHERAI_API_KEY", "TOGETHER_API_KEY")),
    Provider("zai", "Z.ai", ("ZAI_API_KEY", "ZHIPU_API_KEY"), default_model="zai/glm-4.6"),
    Provider("ollama", "Ollama", base_variables=("OLLAMA_API_BASE",), own_server=True),
    Provider("ollama_chat", "Ollama", base_variables=("OLLAMA_API_BASE",), own_server=True),
    Provider(
        "hosted_vllm",
        "vLLM",
        ("HOSTED_VLLM_API_KEY",),
        ("HOSTED_VLLM_API_BASE",),
        key_optional=True,
        own_server=True,
    ),
    Provider(
        "lm_studio",
        "LM Studio",
        ("LM_STUDIO_API_KEY",),
        ("LM_STUDIO_API_BASE",),
        key_optional=True,
        own_server=True,
    ),
    Provider(
        CUSTOM,
        "OpenAI-compatible server",
        ("CUSTOM_API_KEY",),
        ("CUSTOM_API_BASE",),
        key_optional=True,
        own_server=True,
    ),
)

PROVIDERS: dict[str, Provider] = {p.name: p for p in _ALL}
"""By name, in the order in which their keys are looked for."""

_BARE = (("gpt-", "openai"), ("chatgpt-", "openai"), ("o1", "openai"), ("o3", "openai"), ("o4", "openai"))


def provider_of(model: str) -> str | None:
    """Returns the provider that a model's name says, or None when it says none that is known."""
    head, slash, rest = model.partition("/")
    if slash:
        return head if rest and head in PROVIDERS else None
    if model.startswith("claude-"):
        return "anthropic"
    return next((name for prefix, name in _BARE if model.startswith(prefix)), None)


def environment_key(provider: str, environment: Mapping[str, str]) -> str | None:
    """Returns the key of `provider` that the environment holds, if any."""
    known = PROVIDERS.get(provider)
    variables = known.key_variables if known else ()
    return next((environment[v].strip() for v in variables if environment.get(v, "").strip()), None)


def environment_base(provider: str, environment: Mapping[str, str]) -> str | None:
    """Returns the address of the provider's API that the environment names, if any."""
    known = PROVIDERS.get(provider)
    variables = known.base_variables if known else ()
    return next((environment[v].strip() for v in variables if environment.get(v, "").strip()), None)


def key_hint(provider: str) -> str:
    """Returns what to do about a missing or refused key, as the end of a sentence."""
    known = PROVIDERS.get(provider)
    hint = f"run `holdfast keys provider set {provider or 'NAME'}`"
    return f"{hint} or set {known.key_variables[0]}" if known and known.key_variables else hint
