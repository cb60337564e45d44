"""What h2oGPTe says of models on the wire, and what it may be asked where it is like OpenAI's API."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from holdfast.server.dialects.h2ogpte.wire import Wire
from holdfast.server.dialects.h2ogpte.wire_chats import LlmArgs
from holdfast.server.openai.wire import ChatRequest


class Model(Wire):
    """A model. Clients take `display_name` for its name, the guide takes `name` or `id`."""

    id: str
    display_name: str
    name: str
    base_model: str
    owned_by: str
    """Who serves it."""
    max_seq_len: int | None = None
    """Tokens of its window."""
    max_output_tokens: int | None = None
    is_vision: bool
    """Whether it takes images."""
    supports_tools: bool


class IntervalQuery(Wire):
    interval: Annotated[str, Field(min_length=1, max_length=40)]
    """How far back, as `24 hours` or `1 week`."""


class ModelUse(Wire):
    llm_name: str
    llm_cost: float
    """In US dollars."""
    call_count: int
    input_tokens: int
    output_tokens: int


class ChatBody(ChatRequest):
    """A chat completion, with what this API has beside OpenAI's fields (`extra_body` of its clients)."""

    use_agent: bool = False
    """Whether the model is to have an agent's tools."""


# --- one question outside of any chat


class AskedOnce(Wire):
    """What is asked of a model that sees nothing but this."""

    text_context_list: Annotated[tuple[str, ...], Field(max_length=10_000)] | None = None
    system_prompt: str | None = None
    llm_args: LlmArgs | None = None
    timeout: Annotated[float, Field(gt=0)] | None = None
    """Seconds."""


class QuestionRequest(AskedOnce):
    question: str
    pre_prompt_query: str | None = None
    prompt_query: str | None = None
    chat_conversation: Annotated[tuple[tuple[str, str], ...], Field(max_length=1_000)] | None = None
    """What was said before: pairs of what a person said and what was replied."""


class SummarizeRequest(AskedOnce):
    pre_prompt_summary: str | None = None
    prompt_summary: str | None = None


class ExtractionRequest(AskedOnce):
    pre_prompt_extract: str | None = None
    prompt_extract: str | None = None


class ModelAnswer(Wire):
    content: str
    error: str = ""
    llm: str
    input_tokens: int
    output_tokens: int


class ModelExtractionAnswer(Wire):
    content: tuple[str, ...]
    error: str = ""
    llm: str
    input_tokens: int
    output_tokens: int
