"""What the agent editor says around the text: whose file it is, what is wrong, what the keys do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from holdfast.core.domain.text import sanitize_line
from holdfast.tui.keys import foot, shown
from holdfast.tui.presenters.author.state import EditorState
from holdfast.tui.presenters.figures import counted
from holdfast.tui.presenters.spans import Line, fit, fit_end, line

if TYPE_CHECKING:
    from holdfast.core.domain.errors import Diagnostic

ORIGINS = {
    "new": "new, your own once it is saved",
    "user": "your own",
    "project": "of this project",
    "shipped": "comes with Holdfast; a copy of your own is saved",
}
LEAST = 16
"""Cells beside a line that are enough for a message."""


def headline(state: EditorState, width: int) -> Line:
    """Returns the first line: which agent, whose, where its file is."""
    name = f"Agent {sanitize_line(state.name)}"
    mark = "  ● not saved" if state.unsaved else ""
    origin = f"  {ORIGINS[state.origin]}"
    cleaned = "  control characters are left out" if state.cleaned else ""
    room = width - cell_len(name + mark + origin + cleaned) - 2
    place = f"  {fit_end(sanitize_line(state.path), room)}" if state.path and room > 12 else ""
    return line((name, "brand"), (mark + cleaned, "warning"), (origin, "accent"), (place, "muted"))


def said(problem: Diagnostic) -> str:
    """Returns a mistake in one line, without its place; what was expected comes last, for it may be long."""
    key = f"{problem.key_path}: " if problem.key_path else ""
    hint = f"; {problem.hint}" if problem.hint else ""
    expected = f"; expected {problem.expected}" if problem.expected else ""
    return sanitize_line(f"{key}{problem.message}{hint}{expected}")


def beside(problems: list[Diagnostic], room: int) -> str:
    """Returns what stands behind a line with mistakes, in at most `room` cells; "" where that is too few."""
    if room < LEAST:
        return ""
    more = f" (+{len(problems) - 1})" if len(problems) > 1 else ""
    one = problems[0]
    hint = f"; {one.hint}" if one.hint else ""
    text = sanitize_line(f"{one.message}{hint}")
    return f"  {'⚠' if one.warning else '✗'} {fit(text, room - 5 - len(more))}{more}"


def problem_lines(state: EditorState, row: int, most: int, width: int) -> list[Line]:
    """Returns what stands below the text, at most `most` lines of `width` cells: what went wrong, or the
    mistakes, those of the cursor's line first."""
    if state.error:
        return [line(("✗ ", "error"), (one, "error")) for one in state.error.splitlines()[:most]]
    if state.problems is None:
        return [line(("Looking for mistakes…", "muted"))]
    if not state.problems:
        return [line(("✓ no mistakes", "success"), (f"   {state.note}" if state.note else "", "muted"))]
    here = [one for one in state.problems if one.line == row + 1]
    others = [one for one in state.problems if one.line != row + 1]
    found = [_problem(one, one in here, width) for one in [*here, *others]]
    return [_count(state), *found[: max(1, most - 1)]]


def _count(state: EditorState) -> Line:
    count, all_of_them = state.mistakes, len(state.problems or ())
    way = (f"   {shown('author.next')} goes to the next", "muted")
    warnings = counted(all_of_them - count, "warning") if count < all_of_them else ""
    if not count:
        note = (f"   {state.note}" if state.note else "", "muted")
        return line(("✓ no mistakes", "success"), (f", {warnings}", "warning"), note, way)
    words = counted(count, "mistake")
    said_first = f"✗ {state.note}: {words}" if state.note else f"✗ {words}"
    return line((said_first, "error"), (f", {warnings}" if warnings else "", "warning"), way)


def _problem(one: Diagnostic, is_here: bool, width: int) -> Line:
    place = f"{one.line}:{one.column} "
    return line(
        ("▸ " if is_here else "  ", "accent"),
        ("⚠ " if one.warning else "", "warning"),
        (place, "number"),
        fit(said(one), max(10, width - (4 if one.warning else 2) - cell_len(place))),
    )


def form_note(rows: int) -> list[Line]:
    """Returns what stands in the place of the form when the text cannot be read."""
    if rows:
        return []
    return [line(("The form comes back when the text can be read: see the mistakes below.", "muted"))]


def footer(state: EditorState, *, completing: bool, in_form: bool) -> list[tuple[str, str, str]]:
    """Returns key, label and command of each key."""
    back, last = foot("author.back"), foot("author.help")
    if completing:
        return [
            (shown("completion.take", short=True), "put it in", ""),
            (shown("completion.close", short=True), "close the list", ""),
            last,
        ]
    change = [foot("author.change")] if in_form else [foot("author.complete")]
    save = foot("author.save", "save a copy" if state.origin == "shipped" else "save")
    return [
        back,
        save,
        *change,
        foot("author.form", "text" if in_form else "form"),
        *([foot("author.next")] if state.problems else []),
        foot("author.try"),
        last,
    ]
