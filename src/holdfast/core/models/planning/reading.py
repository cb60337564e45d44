"""Finding and reading files by calls."""

from __future__ import annotations

import re
from collections.abc import Generator

from holdfast.core.models.planning.passages import keywords, pattern_for, stem
from holdfast.core.models.planning.reports import Source
from holdfast.core.models.planning.steps import Call, Outcome, Surroundings

_PAGE = re.compile(r"^\[lines \d+-(\d+) of (\d+)(?:; the next is offset=(\d+))?\]\s*\Z", re.MULTILINE)
_SHORTENED = re.compile(r"\n?^\[shortened: ?(.*)\]\s*\Z", re.MULTILINE | re.DOTALL)
HIT = re.compile(r"^\s*([^:\n]+?):(\d+)(?::\d+)?[:\-|]\s?(.*)$")
"""A line of what a search in files gives: path, line and text."""
_ENTRY = re.compile(r"^([^\[\s].*) \([\d,]+ bytes\)$")
_MORE = re.compile(r"^\[[\d,]+ characters follow; read on with start=(?P<start>\d+)\]\s*\Z", re.MULTILINE)
READ_DOCUMENT = "read_document"
DOCUMENT_PART = 20_000
"""Characters of a document that are asked for at once."""
MAX_PARTS = 6
"""Most calls for one document."""
MAX_PAGES = 12
"""Most calls for one file; what is beyond them is not read, and the answer says so."""
MAX_READ = 3
"""Most files that a question reads."""


def candidates(words: list[str], around: Surroundings) -> Generator[Call, Outcome, list[str]]:
    """Returns the files that hold most of the words, or whose names do."""
    if "search_files" in around.tools:
        say = f"Searching the files for {', '.join(words[:6])}."
        done = yield Call("search_files", {"pattern": pattern_for(words)}, say, tolerate=True)
        if done.error:
            return []
        hits: dict[str, set[str]] = {}
        for match in (m for line in done.text.splitlines() if (m := HIT.match(line))):
            line = match[3].lower()
            hits.setdefault(match[1], set()).update(w for w in words if stem(w) in line)
        return sorted(hits, key=lambda p: -len(hits[p]))[:MAX_READ]
    if "list_files" in around.tools:
        done = yield Call("list_files", {}, "Looking which files there are.", tolerate=True)
        best = None if done.error else best_name(" ".join(words), paths_in(done.text), but=None)
        return [best] if best else []
    return []


def open_file(path: str, around: Surroundings) -> Generator[Call, Outcome, Source]:
    """Reads a file of the workspace; where there is none of the name, a document of the collections."""
    has_documents = READ_DOCUMENT in around.tools
    if not has_documents or "read_file" in around.tools:
        found = yield from pages_of(path, tolerate=has_documents)
        if found is not None or not has_documents:
            return found or Source(path, "")
    return (yield from _document(path))


def _document(name: str) -> Generator[Call, Outcome, Source]:
    """Reads a document from its beginning, in parts where it is long."""
    start, texts = 0, list[str]()
    while True:
        asked = {"document": name, "start": start, "characters": DOCUMENT_PART}
        done = yield Call(READ_DOCUMENT, asked, "" if texts else f"Reading the document `{name}`.")
        texts.append("\n".join(quoted[2:] for quoted in done.text.splitlines() if quoted.startswith(">")))
        more = _MORE.search(done.text)
        if more is None:
            return Source(name, "\n".join(texts))
        start = int(more["start"])
        if len(texts) == MAX_PARTS:
            return Source(name, "\n".join(texts), f"Only the first {start:,} characters of {name} were read.")


def pages_of(path: str, tolerate: bool) -> Generator[Call, Outcome, Source | None]:
    """Reads a file, page by page where it is long; None when it cannot be read and that is tolerated."""
    done = yield Call("read_file", {"path": path}, f"Reading `{path}`.", tolerate=tolerate)
    if done.error:
        return None
    texts: list[str] = []
    while not done.error:
        page = _PAGE.search(done.text)
        texts.append(done.text[: page.start()] if page else done.text)
        if page is None or page[3] is None:
            break
        if len(texts) == MAX_PAGES:
            note = f"Only the first {page[1]} of {page[2]} lines of {path} were read."
            return Source(path, "".join(texts), note)
        # An error here says that the line was the file's own.
        done = yield Call("read_file", {"path": path, "offset": int(page[3])}, tolerate=True)
    return source_of(path, "".join(texts))


def source_of(name: str, text: str) -> Source:
    match = _SHORTENED.search(text)
    if match is None:
        return Source(name, text)
    return Source(name, text[: match.start()], f"Only the beginning of {name} was read: {match[1].strip()}")


def paths_in(text: str) -> list[str]:
    found = (m[1] for line in text.splitlines() if (m := _ENTRY.match(line)) and not line.endswith("/"))
    return list(dict.fromkeys(found))


def best_name(about: str, paths: list[str], but: str | None) -> str | None:
    """Returns the path whose name shares most words with a text; tables first when it asks for figures."""
    wanted = {stem(w) for w in keywords(re.sub(r"[_./-]", " ", about))}
    figures = bool(re.search(r"figures|numbers|data|table|csv|statistics", about, re.IGNORECASE))

    def score(path: str) -> tuple[int, bool]:
        named = {stem(w) for w in keywords(re.sub(r"[_./-]", " ", path))}
        return len(named & wanted), figures and path.lower().endswith((".csv", ".tsv", ".json"))

    ranked = sorted((p for p in paths if p != but), key=score, reverse=True)
    return ranked[0] if ranked and (any(score(ranked[0])) or len(ranked) == 1) else None
