"""One question to a model, outside of any chat, as a run. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.core.domain.messages import Message, TextPart
from holdfast.core.domain.runs import RunOptions
from holdfast.server.dialects.h2ogpte.mapping_completions import Way, options_of
from holdfast.server.dialects.h2ogpte.mapping_models import PLAIN
from holdfast.server.dialects.h2ogpte.wire_chats import CompletionRequest
from holdfast.server.dialects.h2ogpte.wire_models import (
    AskedOnce,
    ExtractionRequest,
    ModelAnswer,
    ModelExtractionAnswer,
    QuestionRequest,
    SummarizeRequest,
)
from holdfast.server.kit.run_state import RunState

_BEFORE = "Pay attention and remember the information below, which will help to answer the question."
_QUESTION = "According to only the information in the document sources provided within the context above,"
_SUMMARY = "Using only the text above, write a condensed and concise summary of its key results."
_EXTRACT = "Using only the text above, extract what is asked for. Say nothing else."


def message_of(asked: AskedOnce) -> str:
    """Returns what the model is asked, its texts before it."""
    texts = asked.text_context_list or ()
    match asked:
        case QuestionRequest():
            before, after = asked.pre_prompt_query, asked.prompt_query
            told = (_BEFORE if before is None else before, _QUESTION if after is None else after)
            return _joined(told, texts, asked.question) if texts else asked.question
        case SummarizeRequest():
            return _joined((asked.pre_prompt_summary or "", asked.prompt_summary or _SUMMARY), texts)
        case ExtractionRequest():
            return _joined((asked.pre_prompt_extract or "", asked.prompt_extract or _EXTRACT), texts)
    raise AssertionError("there are three kinds")


def _joined(told: tuple[str, str], texts: Sequence[str], question: str = "") -> str:
    quoted = "\n".join(f'"""\n{text}\n"""' for text in texts)
    before, after = told
    return "\n".join(each for each in (before, quoted, f"{after}{question}") if each)


def once(asked: AskedOnce, model: str | None) -> RunOptions:
    """Returns the options of a run that does nothing but ask a model. Raises `InvalidError`."""
    request = CompletionRequest(message="", system_prompt=asked.system_prompt, llm_args=asked.llm_args)
    options = options_of(request, Way(), model, None, {"tools": ()})
    pairs = asked.chat_conversation if isinstance(asked, QuestionRequest) else None
    history = tuple(message for pair in pairs or () for message in _said(*pair))
    limit = options.timeout_s if asked.timeout is None else asked.timeout
    return options.model_copy(update={**PLAIN, "history": history, "timeout_s": limit})


def _said(asked: str, replied: str) -> list[Message]:
    said = [Message(role="user", parts=(TextPart(text=asked),))]
    return [*said, Message(role="assistant", parts=(TextPart(text=replied),))] if replied else said


def answer_of(state: RunState) -> ModelAnswer:
    """Returns what a model has answered."""
    used = state.usage
    return ModelAnswer(
        content=state.reply,
        llm=state.model,
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
    )


def extraction_of(state: RunState) -> ModelExtractionAnswer:
    """Returns what a model has extracted."""
    answer = answer_of(state)
    return ModelExtractionAnswer(**{**answer.model_dump(), "content": (answer.content,)})
