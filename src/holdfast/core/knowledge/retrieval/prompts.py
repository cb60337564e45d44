"""What retrieval says to models, and how it reads their answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from holdfast.core.domain.knowledge import Collection, Passage
from holdfast.core.domain.passages import DATA_RULE, quoted, where
from holdfast.core.domain.text import sanitize_line, shorten

SYSTEM = "You help to search in documents. Answer with what is asked for and with nothing else."
MOST_QUERIES = 4
_LONGEST_QUERY = 500
_EXCERPT = 300

DRAFT = (
    "Write a short passage, at most 120 words, as it could stand in a document that answers the question "
    "below. Use the words that such a document would use. Invent details where you do not know them."
    "\n\nQuestion: {question}"
)
ANSWER = (
    "Answer the question below from the passages, in at most 120 words. Keep their terms and names. "
    "If they do not answer it, write what an answer would have to say.\n"
    + DATA_RULE
    + "\n\nQuestion: {question}\n\n{passages}"
)
FILTER = (
    "Which of the numbered pieces below are needed to answer the question? Answer with a JSON list of their "
    "numbers, the most important first, for example [3, 1]; [] when none is.\n"
    + DATA_RULE
    + "\n\nQuestion: {question}\n\n{passages}"
)
RERANK = (
    "Put the numbered passages below into the order in which they help to answer the question, the most "
    "helpful first. Answer with a JSON list of all their numbers, for example [2, 3, 1].\n"
    + DATA_RULE
    + "\n\nQuestion: {question}\n\n{passages}"
)
PLAN = (
    "Plan searches that find what is needed to answer the question below. Answer with JSON such as "
    '{{"queries": ["first query", "second query"]}}: one to four short queries, each about one thing, in the '
    "words that the documents would use.\n\nThere is:\n{collections}\n\nQuestion: {question}"
)
PLAN_AGAIN = (
    "You search documents to answer the question below. What your searches have found so far follows. If "
    'it is enough, answer with {{"queries": []}}. If something is missing, answer with JSON such as '
    '{{"queries": ["another query"]}}: one to four new queries for what is missing.\n'
    + DATA_RULE
    + "\n\nQuestion: {question}\n\nSearched for: {queries}\n\nFound:\n{passages}"
)


def numbered(pieces: Iterable[Sequence[Passage]], max_chars: int) -> str:
    """Returns pieces, each of one or more neighbouring passages, with numbers from 1, as many as fit."""
    texts: list[str] = []
    for number, piece in enumerate(pieces, 1):
        head = ", ".join(filter(None, (sanitize_line(piece[0].document), where(piece[0].place))))
        text = f"[{number}] {head}\n" + "\n".join(quoted(passage.text) for passage in piece)
        if texts and max_chars < len(text):
            break
        max_chars -= len(text)
        texts.append(text)
    return "\n\n".join(texts)


def excerpts(passages: Iterable[Passage]) -> str:
    """Returns how each passage begins, for a model that plans."""
    lines = (
        f"- {sanitize_line(each.document)}: {shorten(sanitize_line(each.text), _EXCERPT)}"
        for each in passages
    )
    return "\n".join(f"> {line}" for line in lines) or "(nothing)"


def described(collections: Iterable[Collection]) -> str:
    """Returns what there is to search, a line for each collection."""
    return "\n".join(
        f"- {sanitize_line(each.name)}: {shorten(sanitize_line(each.description), _EXCERPT)}".rstrip(": ")
        for each in collections
    )


def numbers_in(answer: str, most: int) -> list[int] | None:
    """Returns the numbers from 1 to `most` of the JSON list in an answer, each once; None when there is none
    that can be read."""
    for value in _values(answer):
        if isinstance(value, list) and all(isinstance(each, int) for each in value):
            return list(dict.fromkeys(each for each in value if 1 <= each <= most))
    return None


def queries_in(answer: str) -> list[str] | None:
    """Returns the queries of the JSON in an answer; None when there is none that can be read."""
    for value in _values(answer):
        found = value.get("queries") if isinstance(value, dict) else value
        if isinstance(found, list) and all(isinstance(each, str) for each in found):
            texts = (shorten(sanitize_line(each).strip(), _LONGEST_QUERY) for each in found)
            return list(dict.fromkeys(text for text in texts if text))[:MOST_QUERIES]
    return None


def _values(answer: str) -> Iterator[Any]:
    """Yields the lists and objects that stand in an answer, with whatever around them."""
    decoder = json.JSONDecoder()
    at, tries = 0, 0
    while tries < 20:
        begins = [found for found in (answer.find("[", at), answer.find("{", at)) if found >= 0]
        if not begins:
            return
        at, tries = min(begins), tries + 1
        try:
            value, at = decoder.raw_decode(answer, at)
        except (ValueError, RecursionError):
            at += 1
        else:
            yield value
