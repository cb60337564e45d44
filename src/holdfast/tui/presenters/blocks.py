"""Display blocks of tools as lines: exactly what a call will do, or did."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size

from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.presenters.diffs import DiffLayout, diff_lines, rows_of
from holdfast.tui.presenters.spans import BLANK, Line, line

if TYPE_CHECKING:
    from holdfast.core.domain.tools import CommandBlock, DiffBlock, DisplayBlock, PlanItem

PLAN_GLYPHS = {"completed": ("✓", "success"), "in_progress": ("▸", "accent"), "pending": ("○", "muted")}


def lines_of(blocks: Iterable[DisplayBlock], width: int = 0, layout: DiffLayout = "unified") -> list[Line]:
    """Returns the lines of `blocks`, an empty line between two of them; `layout` says how changes are shown
    in `width` cells."""
    lines: list[Line] = []
    for block in blocks:
        if lines:
            lines.append(BLANK)
        lines.extend(_block(block, width, layout))
    return lines


def _block(block: DisplayBlock, width: int, layout: DiffLayout) -> list[Line]:
    if block.type == "diff":
        return _diff(block, width, layout)
    if block.type == "command":
        return _command(block)
    if block.type == "arguments":
        return argument_lines(block.arguments)
    if block.type == "table":
        return table_lines(block.headers, block.rows)
    if block.type == "plan":
        return plan_lines(block.items)
    if block.type == "image":
        return [line(("image ", "muted"), sanitize_line(block.name or block.media_type))]
    if block.type == "child_run":
        calls = [line((sanitize_line(call), "muted")) for call in block.calls]
        return [*calls, *text_lines(block.reply or block.reason)]
    role = "code" if block.type == "code" else ""
    return text_lines(block.text, role)


def text_lines(text: str, role: str = "") -> list[Line]:
    """Returns each line of `text`, sanitised."""
    return [((one.expandtabs(4), role),) for one in sanitize(text).split("\n")]


def argument_lines(arguments: dict[str, Any]) -> list[Line]:
    """Returns arguments as `name: value`, long and nested values below their name."""
    lines: list[Line] = []
    for name, value in arguments.items():
        label = (sanitize_line(str(name)), "key")
        if isinstance(value, str):
            body = value
        else:
            body = json.dumps(value, ensure_ascii=False, indent=2)
        if "\n" not in body:
            lines.append(line(label, (": ", "muted"), sanitize(body)))
            continue
        lines.append(line(label, (":", "muted")))
        lines.extend((("  ", ""), *one) for one in text_lines(body))
    return lines or [line(("no arguments", "muted"))]


def plan_lines(items: Iterable[PlanItem]) -> list[Line]:
    """Returns a plan with a mark for each item's state."""
    roles = {"completed": "muted", "in_progress": "strong", "pending": ""}
    return [
        line(PLAN_GLYPHS[item.status], " ", (sanitize_line(item.text), roles[item.status])) for item in items
    ]


def table_lines(headers: Sequence[str], rows: Sequence[Sequence[str]], limit: int = 40) -> list[Line]:
    """Returns a table in columns of at most `limit` characters."""
    head = [sanitize_line(cell) for cell in headers]
    body = [[sanitize_line(cell) for cell in row] for row in rows]
    count = max((len(row) for row in [head, *body]), default=0)
    widths = [
        min(limit, max((cell_len(row[i]) for row in [head, *body] if i < len(row)), default=0))
        for i in range(count)
    ]
    lines: list[Line] = [line((_cells(head, widths), "strong"))]
    lines.append(line(("─┼─".join("─" * width for width in widths), "muted")))
    lines.extend(line(_cells(row, widths)) for row in body)
    return lines


def _cells(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = [*row, *[""] * (len(widths) - len(row))]
    return " │ ".join(
        set_cell_size(cell if cell_len(cell) <= width else set_cell_size(cell, width - 1) + "…", width)
        for cell, width in zip(padded, widths, strict=False)
    ).rstrip()


def diff_counts(diff: str) -> tuple[int, int]:
    """Returns how many lines a unified diff adds and removes."""
    body = _without_header(diff)
    return sum(one.startswith("+") for one in body), sum(one.startswith("-") for one in body)


def _without_header(diff: str) -> list[str]:
    """Returns the lines of a diff without its file names; a removed `-- x` is no header and stays."""
    lines = diff.split("\n")
    start = next((i for i, one in enumerate(lines) if one.startswith("@@")), 0)
    body = lines[start:]
    return body[:-1] if body and not body[-1] else body


def _diff(block: DiffBlock, width: int, layout: DiffLayout) -> list[Line]:
    added, removed = diff_counts(block.diff)
    head = line(
        (sanitize_line(block.path), "strong"),
        ("  new file" if block.created else "", "accent"),
        (f"  +{added}", "added"),
        (f" -{removed}" if removed else "", "removed"),
    )
    return [head, *diff_lines(rows_of(sanitize(block.diff)), width, layout)]


def _command(block: CommandBlock) -> list[Line]:
    command = text_lines(block.command, "strong")
    lines: list[Line] = [(("$ " if i == 0 else "  ", "accent"), *one) for i, one in enumerate(command)]
    lines.append(line(("in ", "muted"), sanitize_line(block.cwd)))
    if block.output:
        lines.extend(text_lines(block.output, "code"))
    if block.exit_code is not None:
        role = "success" if block.exit_code == 0 else "error"
        lines.append(line((f"exit {block.exit_code}", role)))
    return lines
