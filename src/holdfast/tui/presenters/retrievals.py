"""Retrievals as people read them: what was searched, how, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.tui.presenters.figures import duration, tokens
from holdfast.tui.presenters.passages import PassageView, passage_of
from holdfast.tui.presenters.spans import Line, line

if TYPE_CHECKING:
    from holdfast.core.domain.events import RetrievalCompleted

METHODS = {
    "hybrid": "hybrid: meaning and words",
    "vector": "vector: by meaning",
    "lexical": "lexical: by words",
    "hyde1": "HyDE: with a drafted answer",
    "hyde2": "HyDE: with two drafted answers",
    "wide": "wide: more, then filtered by a model",
    "all": "all: everything that fits",
    "agentic": "agentic: a model plans the searches",
}
"""Each way to search in a few words."""
STEP = 400
"""Characters of a draft or a plan that are kept."""


@dataclass(frozen=True, slots=True)
class RetrievalView:
    """One retrieval, sanitised."""

    title: str
    """What was searched and found, in one line."""
    query: str = ""
    method: str = ""
    collections: tuple[str, ...] = ()
    passages: tuple[PassageView, ...] = ()
    """Best first; those that were dropped are among them."""
    steps: tuple[tuple[str, str], ...] = ()
    """What was done on the way: the action and what it said."""
    tokens: int = 0
    max_tokens: int | None = None
    duration_ms: float = 0.0
    error: str = ""
    in_call: bool = False
    """Whether the model searched with a tool."""

    @property
    def dropped(self) -> int:
        return sum(not passage.used for passage in self.passages)

    @property
    def outcome(self) -> str:
        """How many passages came of it."""
        return outcome(len(self.passages) - self.dropped, self.dropped)


def outcome(used: int, dropped: int) -> str:
    """Returns numbers of passages in words."""
    if not used and not dropped:
        return "nothing found"
    text = f"{used} passage{'' if used == 1 else 's'}"
    return f"{text}, {dropped} dropped" if dropped else text


def retrieval_of(event: RetrievalCompleted) -> RetrievalView:
    """Returns a retrieval as its event says it."""
    passages = tuple(passage_of(item) for item in event.items)
    collections = tuple(sanitize_line(name) for name in event.collections)
    error = sanitize_line(event.error.message) if event.error is not None else ""
    dropped = sum(not passage.used for passage in passages)
    found = outcome(len(passages) - dropped, dropped)
    said = [_what(event.source, collections), found, duration(event.duration_ms)]
    return RetrievalView(
        title=f"knowledge: {error}" if error else " · ".join(said),
        query=sanitize(event.query).strip(),
        method=event.method or "",
        collections=collections,
        passages=passages,
        steps=tuple(_steps(event)),
        tokens=event.tokens,
        max_tokens=event.max_tokens,
        duration_ms=event.duration_ms,
        error=error,
        in_call=event.call_id is not None,
    )


def _what(source: str, collections: tuple[str, ...]) -> str:
    if source == "stored":
        return "took a stored context"
    if source == "text":
        return "took a given text"
    if source == "items":
        return "took given passages"
    return f"searched {', '.join(collections)}" if collections else "searched knowledge"


def _steps(event: RetrievalCompleted) -> list[tuple[str, str]]:
    steps: list[tuple[str, str]] = []
    for step in event.steps:
        found = f" → {step.found}" if step.found is not None else ""
        steps.append((step.action, shorten(sanitize_line(step.text).strip(), STEP) + found))
    return steps


def facts(retrieval: RetrievalView) -> str:
    """Returns method, tokens and duration in one line."""
    said = [retrieval.method] if retrieval.method else []
    if retrieval.tokens or retrieval.max_tokens:
        most = f" of {tokens(retrieval.max_tokens)}" if retrieval.max_tokens else ""
        said.append(f"{tokens(retrieval.tokens)}{most} tokens")
    if retrieval.duration_ms:
        said.append(duration(retrieval.duration_ms))
    return " · ".join(said)


def head_lines(retrieval: RetrievalView, question: str = "") -> list[Line]:
    """Returns what stands above the passages of a retrieval: query, figures, steps, what went wrong. A query
    that is the `question` above it is not said again."""
    lines: list[Line] = []
    query = shorten(sanitize_line(retrieval.query), 200)
    if query and query != question:
        lines.append(line(("“", "muted"), query, ("”", "muted")))
    lines.append(line((" · ".join(filter(None, (retrieval.outcome, facts(retrieval)))), "muted")))
    if retrieval.error:
        lines.append(line((f"knowledge: {retrieval.error}", "error")))
    if len(retrieval.steps) > 1:
        lines += [line((f"{action} ", "accent"), (text, "muted")) for action, text in retrieval.steps]
    return lines
