"""Answers to questions: from memory, from documents and from files."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass

from holdfast.core.models.planning import requests
from holdfast.core.models.planning.answers import answer_question, nothing_found
from holdfast.core.models.planning.documents import SEARCH, Found, passages_in, quote
from holdfast.core.models.planning.passages import keywords
from holdfast.core.models.planning.reading import candidates, open_file, pages_of
from holdfast.core.models.planning.steps import Call, Outcome, Script, Surroundings

Asked = requests.Remember | requests.Recall | requests.AskDocuments | requests.Question

NO_MEMORY = (
    "I have nowhere to keep things or to find them again: this agent has no memory. "
    "`memory: { recall: true }` in its file gives it one; in a project's folder, once that is trusted."
)


MAX_QUERY = 2_000
"""Longest query that the search takes, in characters."""


@dataclass(frozen=True, slots=True)
class _Search:
    """What a search gave."""

    found: tuple[Found, ...] = ()
    trouble: str = ""
    """Why it could not be made."""


def answer(intent: Asked, around: Surroundings) -> Script:
    """Returns the script that answers, or keeps what is to be remembered."""
    match intent:
        case requests.Remember():
            return (yield from _remember(intent, around))
        case requests.Recall():
            return (yield from _recall(intent, around))
        case requests.AskDocuments():
            return (yield from _ask_documents(intent, around))
        case requests.Question():
            return (yield from _from_all(intent, around))


def _remember(intent: requests.Remember, around: Surroundings) -> Script:
    if "remember" not in around.tools:
        return NO_MEMORY
    yield Call("remember", {"content": intent.content}, "Keeping that in memory.")
    return f"I will remember: {intent.content}"


def _recall(intent: requests.Recall, around: Surroundings) -> Script:
    if "search_memory" not in around.tools:
        return (yield from _from_all(requests.Question(intent.query), around)) if intent.query else NO_MEMORY
    done = yield Call("search_memory", {"query": intent.query}, "Looking into memory.")
    entries = [entry for line in done.text.splitlines() if (entry := _entry(line))]
    return "I remember:\n\n" + "\n".join(entries) if entries else done.text.strip()


def _entry(line: str) -> str:
    """Returns what a line of a search in memory says, as an item of a list; empty for any other line."""
    try:
        found = json.loads(line)
    except ValueError:
        return ""
    if not isinstance(found, dict) or not isinstance(found.get("content"), str):
        return ""
    said = found["content"].strip().replace("\n", "\n  ")
    date = found.get("date")
    return f"- {said}{f' ({date})' if date else ''}"


def _ask_documents(intent: requests.AskDocuments, around: Surroundings) -> Script:
    if not _has_documents(around):
        return (yield from _from_all(requests.Question(intent.text), around))
    search = yield from _search(intent.text, around)
    said = quote(intent.text, search.found) or nothing_found(intent.text, "the documents")
    return f"{said}{search.trouble}"


def _from_all(intent: requests.Question, around: Surroundings) -> Script:
    words = keywords(intent.text)
    search = (yield from _search(intent.text, around)) if words else _Search()
    sources = list(around.attached)
    known = {s.name for s in sources}
    for path in (p for p in intent.sources if p not in known):
        if _has_documents(around):  # it may be the name of one, which the search has looked into
            found = yield from pages_of(path, tolerate=True)
        else:
            found = yield from open_file(path, around)
        sources += [found] if found is not None else []
    if not sources and words and "read_file" in around.tools:
        paths = yield from candidates(words, around)
        for path in paths:
            found = yield from pages_of(path, tolerate=True)
            sources += [found] if found is not None else []
    answers = (quote(intent.text, search.found), answer_question(intent.text, sources, around.label))
    places = "the files and the documents" if _has_documents(around) else "the files"
    said = "\n\n".join(answer for answer in answers if answer) or nothing_found(intent.text, places)
    return f"{said}{search.trouble}"


def _search(question: str, around: Surroundings) -> Generator[Call, Outcome, _Search]:
    """Returns the passages that were looked up for the message, else those that a search finds."""
    if around.passages or SEARCH not in around.tools:
        return _Search(around.passages)
    asked = {"query": question[:MAX_QUERY]}
    done = yield Call(SEARCH, asked, "Searching the documents.", tolerate=True)
    if done.error:
        return _Search(trouble=f"\n\nThe documents could not be searched: {done.text.strip()}")
    return _Search(passages_in(done.text))


def _has_documents(around: Surroundings) -> bool:
    return around.looked_up or SEARCH in around.tools
