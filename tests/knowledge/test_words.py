"""What counts as a word when knowledge is searched."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.knowledge.words import MAX_WORDS, match, names, plain


@pytest.fixture(scope="module")
def index() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE words USING fts5 (text, names, tokenize = 'porter unicode61')")
    texts = (
        "The JSONEncoder of object_hook fame",
        "Ein Hügel in der Nähe",
        "to be or not to be",
        "naïve 日本語",
    )
    connection.executemany(
        "INSERT INTO words (rowid, text, names) VALUES (?, ?, ?)",
        [(number, text, names(text)) for number, text in enumerate(texts)],
    )
    yield connection
    connection.close()


def found(index: sqlite3.Connection, question: str) -> set[int]:
    rows = index.execute("SELECT rowid FROM words WHERE words MATCH ?", (match(question),))
    return {row[0] for row in rows}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("JSONEncoder.raw_decode(s)", "json encoder raw decode s"),
        (">>> x = readLine()  # 3.14", "x read line 3 14"),
        ("Größe_der Straße", "größe der straße"),
        ("!? --", ""),
    ],
)
def test_a_text_is_embedded_as_its_words(text: str, words: str) -> None:
    assert plain(text) == words


def test_only_compound_names_are_indexed_a_second_time() -> None:
    assert names("the JSONEncoder", "of read_line in utf8") == "JSON Encoder read line"


@pytest.mark.parametrize(
    "question", ["how does the encoder work", "jsonencoder", "JSONEncoder", "objectHook"]
)
def test_a_name_is_found_whole_and_by_its_words(index: sqlite3.Connection, question: str) -> None:
    assert found(index, question) == {0}


def test_a_question_of_nothing_but_small_words_is_still_asked(index: sqlite3.Connection) -> None:
    assert found(index, "to be, or not to be?") == {2}


def test_small_words_alone_do_not_make_a_match(index: sqlite3.Connection) -> None:
    assert found(index, "the hills of the object") == {0}


def test_other_scripts_are_found(index: sqlite3.Connection) -> None:
    assert found(index, "日本語") == {3}
    assert found(index, "hügel") == {1}


def test_a_question_without_words_asks_nothing() -> None:
    assert match(' "*^:() -- ') is None


def test_a_pasted_page_is_cut_to_its_first_words() -> None:
    asked = match(" ".join(f"word{number}" for number in range(5_000)))
    assert asked is not None
    assert asked.count(" OR ") == MAX_WORDS - 1


@given(st.text(max_size=200))
def test_no_question_is_taken_for_the_language_of_the_index(index: sqlite3.Connection, question: str) -> None:
    if match(question) is not None:
        found(index, question)
