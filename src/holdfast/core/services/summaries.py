"""Summaries of documents, and questions that they answer, written by a model."""

from __future__ import annotations

import json

from pydantic import Field, ValidationError

from holdfast.core.domain.errors import ErrorInfo, ErrorKind, ModelError
from holdfast.core.domain.indexing import Asker, KnowledgeIndex
from holdfast.core.domain.knowledge import IngestResult
from holdfast.core.domain.passages import DATA_RULE, quoted
from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.core.domain.values import Value

MAX_QUESTIONS = 5
_READ_CHARS = 12_000
_LONGEST_SUMMARY, _LONGEST_QUESTION = 2_000, 300
_MOST_ERRORS = 2
"""After so many failures in a row a model is asked no more by the same job."""

_SYSTEM = (
    f"You describe documents for a catalogue, by their beginning. {DATA_RULE} Answer with one JSON object "
    'and nothing else: {"summary": "two to four sentences on what it is about", "questions": ["up to five '
    'questions that the document answers"]}. Write in the language of the document.'
)


class _Answer(Value, extra="ignore"):
    summary: str
    questions: list[str] = Field(default_factory=list)


class Summaries:
    """Describes the documents of one job. A document whose description fails is kept without one."""

    def __init__(self, ask: Asker) -> None:
        self._ask = ask
        self._errors = 0

    async def add(self, index: KnowledgeIndex, result: IngestResult) -> IngestResult:
        """Describes a document that was just taken in, or one that was there and has no summary; returns its
        result, with the error of a failure."""
        if result.document_id is None or self._errors >= _MOST_ERRORS:
            return result
        if result.status == "unchanged" and (await index.document(result.document_id)).summary:
            return result
        text = await index.text(result.document_id, 0, _READ_CHARS)
        if not text.strip():
            return result
        try:
            answer = _read(await self._ask(_prompt(result.name, text), system=_SYSTEM))
        except ModelError as error:
            self._errors += 1
            return result.model_copy(update={"error": error.info})
        except ValueError:
            return result.model_copy(update={"error": _UNREADABLE})
        self._errors = 0
        await index.describe(result.document_id, summary=answer.summary, questions=tuple(answer.questions))
        return result


_UNREADABLE = ErrorInfo(
    kind=ErrorKind.UPSTREAM,
    code="no_summary",
    message="The document was taken in, but the model's summary of it could not be read.",
)


def _prompt(name: str, text: str) -> str:
    return f"The document {json.dumps(name, ensure_ascii=False)}:\n\n{quoted(text)}"


def _read(answer: str) -> _Answer:
    """Returns what a model has answered, perhaps with words around it. Raises `ValueError`."""
    start, end = answer.find("{"), answer.rfind("}")
    try:
        found = _Answer.model_validate_json(answer[start : end + 1] if start >= 0 else "")
    except ValidationError as error:
        raise ValueError(str(error)) from error
    questions = [shorten(sanitize_line(each).strip(), _LONGEST_QUESTION) for each in found.questions]
    return _Answer(
        summary=shorten(sanitize(found.summary).strip(), _LONGEST_SUMMARY),
        questions=[each for each in questions if each][:MAX_QUESTIONS],
    )
