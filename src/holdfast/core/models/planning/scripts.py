"""How each intent is carried out: a generator that yields calls, gets their results, and returns the answer.

The model keeps nothing between two steps: at each one the generator runs again from its start and is
fed the results that the conversation holds, so it must be deterministic.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from holdfast.core.models.planning import intents
from holdfast.core.models.planning.answers import (
    HELP,
    answer_question,
    code_block,
    listing,
    nothing_found,
    sources_list,
)
from holdfast.core.models.planning.passages import keywords, pattern_for, stem
from holdfast.core.models.planning.reports import Source, summarise

_PAGE = re.compile(r"^\[lines \d+-(\d+) of (\d+)(?:; the next is offset=(\d+))?\]\s*\Z", re.MULTILINE)
_SHORTENED = re.compile(r"\n?^\[shortened: ?(.*)\]\s*\Z", re.MULTILINE | re.DOTALL)
_HIT = re.compile(r"^\s*([^:\n]+?):(\d+)(?::\d+)?[:\-|]\s?(.*)$")
_ENTRY = re.compile(r"^([^\[\s].*) \([\d,]+ bytes\)$")
MAX_PAGES = 12
"""Most calls for one file; what is beyond them is not read, and the answer says so."""
MAX_READ = 3
"""Most files that a question reads."""


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call that the planner asks for."""

    tool: str
    arguments: dict[str, Any]
    say: str = ""
    """What is said before it."""
    tolerate: bool = False
    """Whether the script goes on after an error."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call gave."""

    text: str
    error: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a script knows beside the request."""

    tools: frozenset[str]
    attached: tuple[Source, ...] = field(default=())


Script = Generator[Call, Outcome, str]


def script_for(found: Sequence[intents.Intent], around: Surroundings) -> Script:
    """Returns the script that carries out the intents in order."""
    answers: list[str] = []
    for intent in found:
        answers.append((yield from _one(intent, around)))
    return "\n\n".join(a for a in answers if a)


def _one(intent: intents.Intent, around: Surroundings) -> Script:
    match intent:
        case intents.Help():
            return HELP
        case intents.Unclear():
            return intent.hint
        case intents.Read():
            return (yield from _read(intent, around))
        case intents.ListFiles():
            return (yield from _list(intent))
        case intents.Search():
            return (yield from _search(intent))
        case intents.Write():
            return (yield from _write(intent.path, intent.content, f"Writing `{intent.path}`."))
        case intents.Edit():
            return (yield from _edit(intent))
        case intents.RunCommand():
            done = yield Call("run_command", {"command": intent.command}, f"Running `{intent.command}`.")
            return f"`{intent.command}` gave:\n\n{code_block(done.text)}"
        case intents.RunPython():
            done = yield Call("run_python", {"code": intent.code}, "Running the code.")
            return f"The code gave:\n\n{code_block(done.text)}"
        case intents.Fetch():
            return (yield from _fetch(intent))
        case intents.Ask():
            choices = {"choices": list(intent.choices)} if intent.choices else {}
            done = yield Call("ask_user", {"question": _as_question(intent.question), **choices})
            return f"Your answer: {done.text.strip()}"
        case intents.Plan():
            return (yield from _plan(intent))
        case intents.Summarise():
            return (yield from _summarise(intent, around))
        case intents.Question():
            return (yield from _question(intent, around))


def _read(intent: intents.Read, around: Surroundings) -> Script:
    attached = {s.name: s for s in around.attached}
    parts: list[str] = []
    for path in intent.paths:
        source = attached.get(path) or (yield from _open(path))
        parts.append(f"`{source.name}`:\n\n{code_block(source.text)}{_noted(source)}")
    return "\n\n".join(parts)


def _list(intent: intents.ListFiles) -> Script:
    arguments = {k: v for k, v in (("path", intent.path), ("pattern", intent.pattern)) if v}
    done = yield Call("list_files", arguments, "Looking which files there are.")
    return listing(done.text)


def _search(intent: intents.Search) -> Script:
    arguments: dict[str, Any] = {"pattern": intent.pattern}
    if intent.place:
        arguments["glob" if "*" in intent.place else "path"] = intent.place
    done = yield Call("search_files", arguments, f"Searching the files for `{intent.pattern}`.")
    hits = [m for line in done.text.splitlines() if (m := _HIT.match(line))]
    if not hits:
        return done.text.strip() or f"`{intent.pattern}` stands in no file."
    names = list(dict.fromkeys(m[1] for m in hits))
    places = "1 line" if len(hits) == 1 else f"{len(hits)} lines"
    lines = [f"- `{m[1]}`, line {m[2]}: {m[3].strip()} [{names.index(m[1]) + 1}]" for m in hits[:40]]
    more = f"\n- … and {len(hits) - 40} more" if len(hits) > 40 else ""
    return f"{places} with `{intent.pattern}`:\n\n" + "\n".join(lines) + more + "\n\n" + sources_list(names)


def _write(path: str, content: str, say: str) -> Script:
    text = content if content.endswith("\n") else f"{content}\n"
    yield Call("write_file", {"path": path, "content": text}, say)
    return f"Written to `{path}`."


def _edit(intent: intents.Edit) -> Script:
    arguments: dict[str, Any] = {"path": intent.path, "old": intent.old, "new": intent.new}
    if intent.all:
        arguments["all"] = True
    yield Call("edit_file", arguments, f"Replacing the text in `{intent.path}`.")
    return f"Replaced {intent.old!r} with {intent.new!r} in `{intent.path}`."


def _fetch(intent: intents.Fetch) -> Script:
    done = yield Call("fetch_url", {"url": intent.url}, f"Fetching {intent.url}.")
    source = _source(intent.url, done.text)
    if intent.save_to:
        return (yield from _write(intent.save_to, source.text, f"Saving the page to `{intent.save_to}`."))
    spoken = summarise(source).spoken
    return f"From the page:\n\n{spoken}{_noted(source)}\n\n{sources_list([intent.url])}"


def _plan(intent: intents.Plan) -> Script:
    items = [{"text": text, "status": "pending"} for text in intent.items]
    yield Call("update_plan", {"items": items}, "Writing down the plan.")
    return "The plan:\n\n" + "\n".join(f"{i}. {text}" for i, text in enumerate(intent.items, 1))


def _summarise(intent: intents.Summarise, around: Surroundings) -> Script:
    sources = yield from _sources(intent, around)
    if not sources:
        return "I found no file that fits. Name it: summarise FILE and save a report to FILE."
    summaries = [summarise(source, number) for number, source in enumerate(sources, 1)]
    spoken = "\n\n".join(
        s.spoken if len(sources) == 1 else f"`{source.name}`:\n\n{s.spoken}"
        for source, s in zip(sources, summaries, strict=True)
    )
    names = [s.name for s in sources]
    notes = "".join(_noted(s) for s in sources)
    if intent.target is None:
        return f"From {_quoted(names)}:\n\n{spoken}{notes}\n\n{sources_list(names)}"
    document = "\n".join(s.document for s in summaries)
    say = f"Writing what {_quoted(names)} says to `{intent.target}`."
    written = yield from _write(intent.target, document, say)
    return f"{written}\n\n{spoken}{notes}\n\n{sources_list(names)}"


def _sources(intent: intents.Summarise, around: Surroundings) -> Generator[Call, Outcome, list[Source]]:
    attached = {s.name: s for s in around.attached}
    if not intent.sources and attached:
        return list(attached.values())
    paths = list(intent.sources)
    if not paths:
        done = yield Call("list_files", {}, "Looking for the file that is meant.")
        best = _best_name(intent.about, _paths(done.text), but=intent.target)
        paths = [best] if best else []
    found: list[Source] = []
    for path in paths:
        found.append(attached.get(path) or (yield from _open(path)))
    return found


def _question(intent: intents.Question, around: Surroundings) -> Script:
    words = keywords(intent.text)
    sources = list(around.attached)
    known = {s.name for s in sources}
    for path in (p for p in intent.sources if p not in known):
        sources.append((yield from _open(path)))
    if not sources and words and "read_file" in around.tools:
        paths = yield from _candidates(words, around)
        for path in paths:
            found = yield from _pages(path, tolerate=True)
            sources += [found] if found is not None else []
    return answer_question(intent.text, sources) if sources else nothing_found(intent.text)


def _candidates(words: list[str], around: Surroundings) -> Generator[Call, Outcome, list[str]]:
    """Returns the files that hold most of the words, or whose names do."""
    if "search_files" in around.tools:
        say = f"Searching the files for {', '.join(words[:6])}."
        done = yield Call("search_files", {"pattern": pattern_for(words)}, say, tolerate=True)
        if done.error:
            return []
        hits: dict[str, set[str]] = {}
        for match in (m for line in done.text.splitlines() if (m := _HIT.match(line))):
            line = match[3].lower()
            hits.setdefault(match[1], set()).update(w for w in words if stem(w) in line)
        return sorted(hits, key=lambda p: -len(hits[p]))[:MAX_READ]
    if "list_files" in around.tools:
        done = yield Call("list_files", {}, "Looking which files there are.", tolerate=True)
        best = None if done.error else _best_name(" ".join(words), _paths(done.text), but=None)
        return [best] if best else []
    return []


def _open(path: str) -> Generator[Call, Outcome, Source]:
    found = yield from _pages(path, tolerate=False)
    return found or Source(path, "")


def _pages(path: str, tolerate: bool) -> Generator[Call, Outcome, Source | None]:
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
    return _source(path, "".join(texts))


def _source(name: str, text: str) -> Source:
    match = _SHORTENED.search(text)
    if match is None:
        return Source(name, text)
    return Source(name, text[: match.start()], f"Only the beginning of {name} was read: {match[1].strip()}")


def _paths(text: str) -> list[str]:
    found = (m[1] for line in text.splitlines() if (m := _ENTRY.match(line)) and not line.endswith("/"))
    return list(dict.fromkeys(found))


def _best_name(about: str, paths: list[str], but: str | None) -> str | None:
    """Returns the path whose name shares most words with a text; tables first when it asks for figures."""
    wanted = {stem(w) for w in keywords(re.sub(r"[_./-]", " ", about))}
    figures = bool(re.search(r"figures|numbers|data|table|csv|statistics", about, re.IGNORECASE))

    def score(path: str) -> tuple[int, bool]:
        named = {stem(w) for w in keywords(re.sub(r"[_./-]", " ", path))}
        return len(named & wanted), figures and path.lower().endswith((".csv", ".tsv", ".json"))

    ranked = sorted((p for p in paths if p != but), key=score, reverse=True)
    return ranked[0] if ranked and (any(score(ranked[0])) or len(ranked) == 1) else None


def _noted(source: Source) -> str:
    return f"\n\n*{source.note}*" if source.note else ""


def _quoted(names: list[str]) -> str:
    return ", ".join(f"`{n}`" for n in names)


def _as_question(text: str) -> str:
    text = text.strip().rstrip(".?! ")
    return f"{text[:1].upper()}{text[1:]}?"
