"""The playground as lines: the conversation, what came of it, and the code that asks the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize_line
from holdfast.tui.keys import foot, shown
from holdfast.tui.presenters.blocks import text_lines
from holdfast.tui.presenters.playground.code import KEY, LANGUAGES, code_of
from holdfast.tui.presenters.playground.requests import SNIPPETS
from holdfast.tui.presenters.playground.state import PlaygroundState, PlayMessage
from holdfast.tui.presenters.previews import json_lines
from holdfast.tui.presenters.spans import BLANK, Line, fit, line
from holdfast.tui.presenters.status import EngineState, engine_note

if TYPE_CHECKING:
    from datetime import datetime


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


def reply_lines(state: PlaygroundState, now: datetime, width: int) -> list[Line]:
    """Returns what stands above the reply: how its run is, and the calls that the person is to execute; empty
    before anything was run."""
    played = state.played
    if played is None:
        return []
    lines = [played.head(now)]
    if played.open_calls:
        lines += [
            line(("These tools are yours to execute:", "warning"), "  ", (shown("playground.results"), "key"),
                 (" takes what they gave, and the agent goes on.", "muted")),
        ]  # fmt: skip
        for call in played.open_calls:
            given = json.dumps(call.arguments, ensure_ascii=False)
            said = fit(sanitize_line(f"{call.name}  {given}"), max(8, width - 2))
            lines.append(line(("▸ ", "warning"), (said, "code")))
    return [*lines, BLANK]


def detail_lines(state: PlaygroundState, tab: str) -> list[Line]:
    """Returns what a tab shows as lines; the reply itself is drawn as in a session."""
    if tab == "code":
        return _code(state)
    if state.played is None:
        return _nothing_yet(state)
    if tab == "raw":
        return json_lines(json.dumps(state.played.raw(), ensure_ascii=False, default=str))
    return []


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


def _code(state: PlaygroundState) -> list[Line]:
    snippet, language = SNIPPETS[state.dialect], LANGUAGES[state.language]
    if not state.agent:
        return _nothing_yet(state)
    lines = [
        line((snippet.title, "heading"), (f"  {language}", "strong"),
             (f"  {state.dialect + 1} of {len(SNIPPETS)} APIs", "muted")),
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
    done = [foot("playground.keep")] if state.played is not None and state.played.reply else []
    copy = [foot("playground.copy")] if copied_text(state, tab) else []
    code = [foot("playground.dialect"), foot("playground.language")] if tab == "code" else []
    names = ("new", "edit", "role", "remove", "agent", "tools")
    more = [foot(f"playground.{name}") for name in names]
    return [back, *begin, *code, *copy, *done, *more, foot("playground.after"), last]
