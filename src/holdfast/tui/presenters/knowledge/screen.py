"""The knowledge screen as data: its first line, its notes, its keys, its results."""

from __future__ import annotations

from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.tui.keys import foot, shown
from holdfast.tui.presenters.knowledge.jobs import number
from holdfast.tui.presenters.knowledge.state import KnowledgeState
from holdfast.tui.presenters.passages import PassageView, figures_of, score_of
from holdfast.tui.presenters.spans import Line, fit_end, line, space
from holdfast.tui.presenters.status import EngineState, engine_note


def headline(state: KnowledgeState, waiting: int, engine: EngineState = "ready") -> Line:
    """Returns how much is known in all, what goes on meanwhile, and how an engine does that is not ready."""
    collections = state.collections or []
    documents, chunks = sum(one.documents for one in collections), sum(one.chunks for one in collections)
    parts = [number(len(collections), "collection"), number(documents, "document"), number(chunks, "chunk")]
    said = f"  {' · '.join(parts)}" if collections else ""
    running = len(state.jobs.running)
    jobs = f"  {number(running, 'job')} running" if running else ""
    return line(
        ("Knowledge", "brand"), engine_note(engine), (said, "muted"), (jobs, "accent"),
        (f"  ⚠ {waiting}" if waiting else "", "warning"),
    )  # fmt: skip


def note_lines(state: KnowledgeState, where: str) -> list[Line]:
    """Returns what stands in a list that is empty, or below one: loading, nothing there, what went wrong."""
    if where == "collections":
        return _collections(state)
    if where == "documents":
        return _documents(state)
    if where == "jobs":
        return (
            []
            if state.jobs.jobs
            else [line(("Nothing was taken in yet: ", "muted"), _key("add"), (" adds.", "muted"))]
        )
    return _search(state)


def _collections(state: KnowledgeState) -> list[Line]:
    if state.error:
        return [line((state.error, "error"))]
    if state.collections is None:
        return [line(("Reading the collections…", "muted"))]
    if state.collections:
        return []
    return [
        line("No collection yet."),
        (),
        line(_key("new"), (" makes one and takes in a file, a folder or a page.", "muted")),
    ]


def _documents(state: KnowledgeState) -> list[Line]:
    if state.documents_error:
        return [line((state.documents_error, "error"))]
    if state.collection is None:
        return []
    if state.documents is None:
        return [line(("Reading the documents…", "muted"))]
    if state.documents:
        return []
    if state.filter:
        return [
            line(
                (
                    f"No document has “{shorten(sanitize_line(state.filter), 40)}” in its name or title.",
                    "muted",
                )
            )
        ]
    job = state.jobs.latest(state.collection.id)
    if job is not None and job.running:
        return [
            line(("Documents are being taken in: ", "muted"), _key("jobs"), (" shows how it goes.", "muted"))
        ]
    return [line("It is empty.  ", _key("add"), (" adds a file, a folder or an address.", "muted"))]


def _search(state: KnowledgeState) -> list[Line]:
    if state.searching:
        return [line(("Searching…", "muted"))]
    if state.search_failed:
        return [line((state.search_note, "error"))]
    if state.results is None:
        return [
            line(
                ("Words, a question, a phrase: ", "muted"),
                (shown("list.choose"), "key"),
                (" searches, ", "muted"),
                _key("method"),
                (" says how.", "muted"),
            )
        ]
    if not state.results:
        return [line(("Nothing fits. ", "muted"), _key("method"), (" searches in another way.", "muted"))]
    return [line((state.search_note, "muted"))]


def result_row(passage: PassageView, rank: int, width: int) -> tuple[Line, Line, Line]:
    """Returns a passage that a search found as three lines: place and score, why, how it begins."""
    mark, score = f"{rank}. ", score_of(passage)
    room = max(4, width - len(mark) - len(score) - 1)
    label = fit_end(passage.label, room)
    why = " · ".join(filter(None, (figures_of(passage), passage.headings)))
    begin = shorten(sanitize_line(passage.excerpt), max(8, width - 3))
    return (
        line((mark, "number"), (label, "strong"), (f"{space(label, room)}{score}", "accent")),
        line("   ", (why, "muted")),
        line("   ", begin),
    )


def footer(tab: str, state: KnowledgeState, at: str = "list") -> list[tuple[str, str, str]]:
    """Returns key, label and command of each key, the most useful now first; `at` is where one is:
    `collections`, `list`, or in the `words`, where letters are letters."""
    keys = [_foot("back")]
    last = [("tab", "pane", ""), _foot("help")]
    if not state.collections:
        return [*keys, _foot("new", "new collection"), _foot("help")]
    if at == "words":
        enter = [(shown("list.choose"), "search", "")] if tab == "search" else []
        return [*keys, *enter, (shown("words.to_list"), "to the list", ""), *last]
    rest = [_foot("new"), _foot("sync"), _foot("watch")]
    jobs = [] if tab == "jobs" else [_foot("jobs")]
    if at == "collections":
        own = [_foot("open", "choose"), _foot("add"), _foot("search")]
        return [*keys, *own, _foot("new"), _foot("delete", "delete"), *jobs, *rest[1:], *last]
    return [*keys, *_here(tab, state), *jobs, *rest, *last]


def _here(tab: str, state: KnowledgeState) -> list[tuple[str, str, str]]:
    if tab == "search":
        opens = [_foot("open")] if state.results else []
        return [*opens, _foot("words", "words"), _foot("method"), _foot("documents")]
    if tab == "jobs":
        cancel = [_foot("cancel")] if state.jobs.running else []
        retry = [_foot("retry")] if any(job.retryable for job in state.jobs.jobs) else []
        return [*cancel, *retry, _foot("documents"), _foot("add")]
    opens = [_foot("open")] if state.documents else []
    remove = [_foot("delete", "remove")] if state.documents else []
    return [*opens, _foot("add"), _foot("words"), _foot("search"), *remove]


def _foot(name: str, label: str = "") -> tuple[str, str, str]:
    return foot(f"collections.{name}", label)


def _key(name: str) -> tuple[str, str]:
    return shown(f"collections.{name}"), "key"
