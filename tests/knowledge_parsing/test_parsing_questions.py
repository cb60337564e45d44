from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from holdfast.core.domain.errors import HoldfastError, InvalidError
from holdfast.core.domain.knowledge import Chunking
from holdfast.core.knowledge.parsing.documents import read_document
from holdfast.core.knowledge.parsing.formats.questions import questions_of
from holdfast.core.knowledge.parsing.model import Parsed

QUESTIONS = Chunking(unit="questions")


def read(folder: Path, name: str, data: bytes) -> Parsed:
    path = folder / name
    path.write_bytes(data)
    return read_document(path, name, max_bytes=1_000_000, chunking=QUESTIONS)


@pytest.mark.parametrize(
    "text",
    [
        "Question,Answer\nWho keeps the lamp?,The keeper\n,\nWhen?,At dusk\n",
        "Who keeps the lamp?;The keeper\nWhen?;At dusk",
        '\ufeff问题\t答案\r\nWho keeps the lamp?\t"The keeper"\r\nWhen?\tAt dusk\r\n',
    ],
    ids=["header", "semicolons", "tabs"],
)
def test_each_row_of_a_csv_is_a_piece(tmp_path: Path, text: str) -> None:
    parsed = read(tmp_path, "lamp.csv", text.encode())
    assert [piece.text for piece in parsed.chunks] == [
        "Question: Who keeps the lamp?\nAnswer: The keeper",
        "Question: When?\nAnswer: At dusk",
    ]
    for piece in parsed.chunks:
        assert parsed.text[piece.place.start : piece.place.end] == piece.text
    assert parsed.chunks[0].place.headings == ("Who keeps the lamp?",)
    assert parsed.media_type == "text/csv"


def test_each_row_of_every_sheet_is_a_piece(tmp_path: Path) -> None:
    book, out = Workbook(), io.BytesIO()
    book.active.append(["Question", "Answer"])
    book.active.append(["How many steps?", 199])
    book.create_sheet("more").append(["How high?", "40 m"])
    book.save(out)
    parsed = read(tmp_path, "lamp.xlsx", out.getvalue())
    assert [piece.text for piece in parsed.chunks] == [
        "Question: How many steps?\nAnswer: 199",
        "Question: How high?\nAnswer: 40 m",
    ]


@pytest.mark.parametrize(
    "name, text",
    [
        ("three.csv", "a,b,c\n"),
        ("one.csv", "Question,Answer\nonly this\n"),
        ("half.csv", "who?,\n"),
        ("none.csv", "Question,Answer\n"),
        ("open.csv", 'who?,"never closed\n'),
        ("page.html", "<html><p>no table</p></html>"),
    ],
    ids=lambda value: value.partition(".")[0] if "." in value else "",
)
def test_what_is_no_table_of_two_columns_is_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(InvalidError) as refused:
        read(tmp_path, name, text.encode())
    assert refused.value.code == "not_questions"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        _, text, pieces = questions_of(data, "x.csv", "text/csv")
    except HoldfastError:
        return
    assert all(text[piece.place.start : piece.place.end] == piece.text for piece in pieces)
