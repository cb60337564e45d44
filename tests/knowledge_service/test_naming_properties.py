"""Names and answers of strangers: whatever they are, what is kept of them is plain."""

from __future__ import annotations

import json
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.knowledge import IngestResult
from holdfast.core.domain.text import sanitize_line
from holdfast.core.services.naming import LONGEST_NAME, checked_document_name, document_name
from holdfast.core.services.summaries import MAX_QUESTIONS, Summaries

ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=300)


@given(ANY_TEXT)
def test_no_name_of_a_document_leads_anywhere_or_reaches_the_terminal(name: str) -> None:
    with suppress(InvalidError):
        plain = checked_document_name(name)
        assert 1 <= len(plain) <= LONGEST_NAME
        assert sanitize_line(plain) == plain
        assert not {"", ".", ".."} & set(plain.split("/"))
        plain.encode()


@given(ANY_TEXT)
def test_every_file_has_a_name_to_show(path: str) -> None:
    shown = document_name(path)
    assert shown and sanitize_line(shown) == shown
    shown.encode()


class Described:
    """An index that notes what is said of its one document."""

    def __init__(self) -> None:
        self.said: tuple[str, tuple[str, ...]] | None = None

    async def text(self, document_id: str, start: int = 0, characters: int = 0) -> str:
        return "text"

    async def describe(self, document_id: str, *, summary: str, questions: tuple[str, ...]) -> None:
        self.said = (summary, questions)


ANSWERS = st.one_of(
    ANY_TEXT,
    st.builds(
        lambda summary, questions: json.dumps({"summary": summary, "questions": questions}),
        ANY_TEXT,
        st.lists(ANY_TEXT, max_size=9),
    ),
)


@given(ANSWERS)
async def test_no_answer_of_a_model_breaks_a_job_or_reaches_the_terminal(answer: str) -> None:
    async def ask(prompt: str, *, system: str = "", max_tokens: int = 0) -> str:
        return answer

    index = Described()
    result = IngestResult(source="/a", name="a", status="added", document_id="d")
    told = await Summaries(ask).add(index, result)  # type: ignore[arg-type]
    assert (told.error is None) == (index.said is not None)
    if index.said is not None:
        summary, questions = index.said
        assert "\x1b" not in summary and len(questions) <= MAX_QUESTIONS
        assert all(question == sanitize_line(question) for question in questions)
