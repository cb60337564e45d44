"""Tables of questions and their answers: each row is a piece of its own."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.knowledge import Place
from holdfast.core.domain.text import shorten
from holdfast.core.knowledge.parsing.decoding import clean, decode
from holdfast.core.knowledge.parsing.media import CSV, OFFICE_ZIP, XLSX
from holdfast.core.knowledge.parsing.model import Piece

LONGEST_HEADING = 100
"""Characters of a question that stand as the heading of its piece."""
_HEADERS = (
    frozenset({"question", "questions", "q", "问题"}),
    frozenset({"answer", "answers", "a", "答案", "回答"}),
)
_DELIMITERS = ",;\t"


def questions_of(data: bytes, name: str, kind: str) -> tuple[str, str, tuple[Piece, ...]]:
    """Returns the media type of a table, its text, and a piece for each row: a question and its answer. A
    first row that only names the columns is none.

    Raises `InvalidError` (`not_questions`) for what is no table of two columns, and what reading it raises.
    """
    if kind in (XLSX, OFFICE_ZIP):
        from holdfast.core.knowledge.parsing.formats.xlsx import rows_of_xlsx

        return (XLSX, *_pieces(rows_of_xlsx(data, name), name))
    if not kind.startswith("text/"):
        raise _wrong(name, "it is neither CSV nor XLSX")
    return (CSV, *_pieces(_rows_of_csv(clean(decode(data)), name), name))


def _rows_of_csv(text: str, name: str) -> list[list[str]]:
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        rows = list(csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise _wrong(name, str(error)) from error
    return [[cell.strip() for cell in row] for row in rows]


def _pieces(rows: Iterable[Sequence[str]], name: str) -> tuple[str, tuple[Piece, ...]]:
    """Returns the text of rows, and their pieces."""
    texts: list[str] = []
    pieces: list[Piece] = []
    start = 0
    for number, row in enumerate(rows, start=1):
        if not any(row):
            continue
        if len(row) != 2 or not all(row):
            raise _wrong(
                name, f"row {number} has {len([cell for cell in row if cell])} of the two cells filled"
            )
        question, answer = row
        if not texts and _is_header(question, answer):
            continue
        text = f"Question: {question}\nAnswer: {answer}"
        heading = shorten(" ".join(question.split()), LONGEST_HEADING)
        place = Place(start=start, end=start + len(text), headings=(heading,))
        texts.append(text)
        pieces.append(Piece(text, place))
        start += len(text) + 2
    if not pieces:
        raise _wrong(name, "it has no rows")
    return "\n\n".join(texts), tuple(pieces)


def _is_header(question: str, answer: str) -> bool:
    return question.lower() in _HEADERS[0] and answer.lower() in _HEADERS[1]


def _wrong(name: str, why: str) -> InvalidError:
    return InvalidError(
        f"{name} is no table of questions and answers: {why}. Save it as CSV or XLSX with two columns, "
        "Question and Answer",
        code="not_questions",
    )
