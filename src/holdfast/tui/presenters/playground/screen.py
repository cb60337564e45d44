"""The playground as lines: the conversation, what came of it, and the code that asks the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize_line
from holdfast.tui.keys import foot, shown
from holdfast.tui.presenters.blocks import text_lines
from holdfast.tui.presenters.copying import source_of
from holdfast.tui.presenters.playground.code import KEY, LANGUAGES, code_of
from holdfast.tui.presenters.playground.requests import SNIPPETS
from holdfast.tui.presenters.playground.state import PlaygroundState, PlayMessage
from holdfast.tui.presenters.previews import json_lines
from holdfast.tui.presenters.spans import BLANK, Line, fit, line
from holdfast.tui.presenters.status import EngineState, engine_note

if TYPE_CHECKING:
    from datetime import datetime

    from holdfast.tui.presenters.entries import Entry
    from holdfast.tui.presenters.playground.played import Played

TABS = ("reply", "raw", "code")
SERVE = "holdfast serve --background --port 8700"
ROWS = 3
"""Lines of a message that its row shows."""
ROLE_STYLES = {"system": "warning", "user": "accent", "assistant": "brand"}


def headline(state: PlaygroundState, waiting: int, engine: EngineState = "ready") -> Line:
    """Returns the first line."""
    run = ("● running", "warning") if state.busy else ("", "")
    return line(
        ("Playground", "brand"),
        engine_note(engine),
        (f"  {state.agent or 'no agent yet'}  ", "strong"),
        run,
        (f"  ⚠ {waiting}" if waiting else "", "warning"),
    )


def message_rows(state: PlaygroundState, words: list[str], width: int) -> list[tuple[str, tuple[Line, ...]]]:
    """Returns the messages that the words fit, each with the beginning of its text."""
    return [
        (str(place), _row(one, width))
        for place, one in enumerate(state.messages)
        if all(word in f"{one.role} {one.text}".casefold() for word in words)
    ]


def _row(one: PlayMessage, width: int) -> tuple[Line, ...]:
    head = line((one.role, ROLE_STYLES[one.role]))
    if not one.text.strip():
        return head, line(("  (empty: ", "muted"), (shown("list.choose"), "key"), (" writes it)", "muted"))
    rows = one.text.strip().split("\n")
    lines = [line("  ", fit(sanitize_line(row), max(8, width - 2))) for row in rows[:ROWS]]
    more = len(rows) - ROWS
    return (head, *lines, *([line((f"  +{more} more", "muted"))] if more > 0 else []))


def note_lines(state: PlaygroundState, *, some: bool) -> list[Line]:
    """Returns what stands below the messages."""
    if state.error:
        return [line((state.error, "error"))]
    if not some and state.messages:
        return [line(("No message fits.", "muted"))]
    lines = []
    if state.tools:
        names = ", ".join(sanitize_line(one.name) for one in state.tools)
        lines.append(line(("you execute  ", "muted"), (names, "code")))
    if not state.messages:
        lines.append(line((shown("playground.new"), "key"), (" adds a message.", "muted")))
    return lines


def detail_lines(state: PlaygroundState, tab: str, now: datetime) -> list[Line]:
    """Returns what a tab shows."""
    if tab == "code":
        return _code(state)
    if state.played is None:
        return _nothing_yet(state)
    if tab == "raw":
        return json_lines(json.dumps(state.played.raw(), ensure_ascii=False, default=str))
    return _reply(state.played, now)


def _nothing_yet(state: PlaygroundState) -> list[Line]:
    if not state.agent:
        return [line((shown("playground.agent"), "key"), (" chooses an agent.", "muted"))]
    return [
        line("Nothing was run yet."),
        BLANK,
        line((shown("list.choose"), "key"), (" writes a message, ", "muted"),
             (shown("playground.new"), "key"), (" adds one, ", "muted"),
             (shown("playground.run"), "key"), (" lets the agent answer the last of them.", "muted")),
        line((shown("playground.after"), "key"), (" shows the same as JSON, and as code.", "muted")),
    ]  # fmt: skip


def _reply(played: Played, now: datetime) -> list[Line]:
    lines = [played.head(now), BLANK]
    for entry in played.entries:
        lines += _entry(entry)
    if played.open_calls:
        lines += [
            line(("These tools are yours to execute:", "warning"), "  ", (shown("playground.results"), "key"),
                 (" takes what they gave, and the agent goes on.", "muted")),
        ]  # fmt: skip
        for call in played.open_calls:
            given = json.dumps(call.arguments, ensure_ascii=False)
            lines.append(line(("▸ ", "warning"), (sanitize_line(call.name), "strong"), "  ",
                              (sanitize_line(given), "code")))  # fmt: skip
    return lines


def _entry(entry: Entry) -> list[Line]:
    if entry.kind in ("user", "queued"):
        return []
    text = source_of(entry)
    if entry.kind == "reply":
        return [*text_lines(text), BLANK]
    if entry.kind == "reasoning":
        return [line(("reasoning", "muted")), *text_lines(text, "muted"), BLANK]
    if entry.kind == "tool":
        head = line(
            ("▸ ", "accent"), (entry.title, "strong"), f"  {entry.subject}", (f"  {entry.state}", "muted")
        )
        return [head, *text_lines(text, "muted"), BLANK]
    return [*text_lines(text, "error" if entry.kind == "error" else "muted"), BLANK]


def _code(state: PlaygroundState) -> list[Line]:
    snippet, language = SNIPPETS[state.dialect], LANGUAGES[state.language]
    if not state.agent:
        return _nothing_yet(state)
    lines = [
        line((snippet.title, "heading"), (f"  {language}", "strong"), "   ",
             (shown("playground.dialect"), "key"), (" next API  ", "muted"),
             (shown("playground.language"), "key"), (" next language  ", "muted"),
             (shown("playground.copy"), "key"), (" copies it", "muted")),
        line(("The key is read from ", "muted"), (KEY, "code"), ("; /keys makes one.", "muted")),
    ]  # fmt: skip
    if not state.served:
        lines.append(
            line(("The engine is not served: ", "warning"), (SERVE, "code"), (" opens it.", "muted"))
        )
    if snippet.note:
        lines.append(line((snippet.note, "warning")))
    return [*lines, BLANK, *text_lines(code_of(state, snippet, language), "code")]


def copied_text(state: PlaygroundState, tab: str) -> str:
    """Returns what is copied of what a tab shows; empty where it shows nothing."""
    if tab == "code":
        return code_of(state, SNIPPETS[state.dialect], LANGUAGES[state.language]) if state.agent else ""
    if state.played is None:
        return ""
    if tab == "raw":
        return json.dumps(state.played.raw(), indent=2, ensure_ascii=False, default=str)
    return state.played.reply


def footer(state: PlaygroundState, tab: str, *, typing: bool = False) -> list[tuple[str, str, str]]:
    """Returns the keys, the most useful first."""
    back, last = foot("playground.back"), foot("playground.help")
    if typing:
        return [back, (shown("words.to_list"), "to the list", ""), last]
    if state.played is not None and state.busy:
        waits = [foot("playground.waiting")] if state.played.waiting else []
        return [back, *waits, foot("playground.stop"), foot("playground.after"), last]
    begin = [foot("playground.run")]
    if state.played is not None and state.played.open_calls:
        begin = [foot("playground.results"), *begin]
    done = [foot("playground.keep")] if state.played is not None else []
    code = [foot("playground.dialect"), foot("playground.language")] if tab == "code" else []
    names = ("new", "edit", "role", "remove", "agent", "tools")
    more = [foot(f"playground.{name}") for name in names]
    return [back, *begin, *code, foot("playground.copy"), *done, *more, foot("playground.after"), last]
