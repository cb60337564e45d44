"""The port to language models: what goes in, what streams out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal, Protocol

from pydantic import BeforeValidator, Field

from holdfast.core.domain.messages import Message
from holdfast.core.domain.values import Value

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]
"""How much a model is to reason."""


class ModelSettings(Value):
    """What can be said to a model beside the messages; `None` leaves it to the provider."""

    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_output_tokens: int | None = Field(default=None, gt=0)
    reasoning_effort: Effort | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    parallel_tool_calls: bool | None = None
    api_base: str | None = None
    """Address of an OpenAI-compatible server, for models that are not at their provider's own address."""


class ToolSchema(Value):
    """A tool as a model sees it."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON Schema of the arguments object."""


class ModelRequest(Value):
    """One model call."""

    model: str
    """A LiteLLM model name such as `openai/gpt-4o`, or `offline`, or `scripted/NAME` in tests."""
    messages: tuple[Message, ...]
    tools: tuple[ToolSchema, ...] = ()
    settings: ModelSettings = ModelSettings()
    response_format: dict[str, Any] | None = None
    """JSON Schema that the reply must satisfy."""
    owner: str = ""
    """Id of the user for whom it is made: `own/NAME` may be a model that he alone has. Empty: the engine."""


class TextDelta(Value):
    type: Literal["text"] = "text"
    text: str


class ReasoningDelta(Value):
    type: Literal["reasoning"] = "reasoning"
    text: str
    summary: bool = False
    """True for a provider's summary of its reasoning instead of the reasoning itself."""


class ToolCallDelta(Value):
    """A piece of one tool call. Pieces with the same `key` belong together."""

    type: Literal["tool_call"] = "tool_call"
    key: str
    name: str = ""
    """Only in the first piece."""
    arguments: str = ""
    """A fragment of the JSON text of the arguments."""


def _bounded(count: object) -> object:
    return min(max(count, 0), MOST_TOKENS) if isinstance(count, int) else count


MOST_TOKENS = 10**9
"""Of one call. A server may say anything; sums of more could leave what the database can add up."""
Tokens = Annotated[int, BeforeValidator(_bounded)]


class UsageReport(Value):
    type: Literal["usage"] = "usage"
    input_tokens: Tokens = 0
    output_tokens: Tokens = 0
    cached_tokens: Tokens = 0
    reasoning_tokens: Tokens = 0
    cost_usd: float | None = None
    """None when no price is known."""
    estimated: bool = False
    """True when the provider reported nothing and the numbers are counted by us."""


class Finished(Value):
    type: Literal["finished"] = "finished"
    reason: Literal["stop", "length", "tool_calls", "content_filter"]


ModelDelta = Annotated[
    TextDelta | ReasoningDelta | ToolCallDelta | UsageReport | Finished, Field(discriminator="type")
]


class Timing(Value):
    """Phases of a step in milliseconds from its start."""

    request_ms: float
    """Building the prompt."""
    first_delta_ms: float | None = None
    total_ms: float


class ModelInfo(Value):
    """What is known of a model."""

    name: str
    provider: str
    context_window: int | None = None
    """In tokens."""
    max_output_tokens: int | None = None
    input_usd_per_million: float | None = None
    output_usd_per_million: float | None = None
    cache_read_usd_per_million: float | None = None
    """For input that the provider has still from an earlier call."""
    cache_write_usd_per_million: float | None = None
    """For input that it keeps for later calls."""
    takes_images: bool = False
    takes_pdf: bool = False
    takes_tools: bool = True
    available: bool = True
    """True when a key for its provider is known, or none is needed."""
    default: bool = False
    """Whether it is the one that is used where its provider's key is all that is configured."""
    note: str = ""


class ModelChoice(Value):
    """Which model a session uses and why, in the order: flag, agent, settings, key, Ollama, offline."""

    model: str
    source: Literal["flag", "session", "agent", "settings", "environment", "ollama", "default"]
    hint: str = ""
    """One line on how to change it; shown when nothing was configured."""


class ModelClient(Protocol):
    """Streams one model call.

    `stream` yields deltas and ends after exactly one `Finished`. It raises a `ModelError` subclass; it
    never retries by itself, so that every retry is visible in the log. Closing the iterator cancels
    the call.
    """

    def stream(self, request: ModelRequest) -> AsyncIterator[ModelDelta]: ...

    async def close(self) -> None: ...


class ModelCatalog(Protocol):
    """Knows models: which there are, their windows, prices and abilities. `owner` is the id of the user who
    asks: models that he alone has are known to him and to nobody else."""

    async def list(self, owner: str = "") -> tuple[ModelInfo, ...]: ...

    async def get(self, model: str, owner: str = "") -> ModelInfo: ...

    async def choose(
        self,
        *,
        flag: str | None,
        session: str | None,
        agent: str | None,
        settings: str | None,
        owner: str = "",
    ) -> ModelChoice: ...
