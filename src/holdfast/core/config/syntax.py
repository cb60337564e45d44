"""Texts that are no YAML: what is wrong, where, and what to do."""

from __future__ import annotations

import re

import yaml

from holdfast.core.domain.errors import Diagnostic
from holdfast.core.domain.text import sanitize_line, shorten


def shown(text: str) -> str:
    """Returns text of a file as it may stand in a message: one line, short, nothing that a terminal obeys."""
    return shorten(sanitize_line(text), 80)


def control_character(text: str, index: int, file: str) -> Diagnostic:
    """Returns the mistake of a control character at `index`."""
    line = text.count("\n", 0, index) + 1
    column = index - text.rfind("\n", 0, index)
    return Diagnostic(
        file=file,
        line=line,
        column=column,
        key_path="",
        message=f"the control character U+{ord(text[index]):04X} stands here",
        hint='remove it, or write it as an escape in double quotes ("\\x1b")',
    )


def syntax_error(text: str, file: str, error: yaml.MarkedYAMLError) -> Diagnostic:
    """Returns what the parser refused, in plain words where it is a common slip."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark is not None else (0, 0)
    tab = _tab_indentation(text, line)
    if tab is not None:
        line, column = tab
        return Diagnostic(
            file=file,
            line=line,
            column=column,
            key_path="",
            message="a tab is used for indentation",
            expected="spaces",
            hint="replace the tab by spaces",
        )
    problem = error.problem or "the text is not YAML"
    context = f" {error.context}" if error.context else ""
    since = (
        f" that starts in line {error.context_mark.line + 1}"
        if error.context_mark is not None and error.context_mark.line != line
        else ""
    )
    return Diagnostic(
        file=file,
        line=line + 1,
        column=column + 1,
        key_path="",
        message=f"not valid YAML: {shown(problem)}{shown(context)}{since}",
        hint=_hint(problem),
    )


def _tab_indentation(text: str, line: int) -> tuple[int, int] | None:
    lines = text.split("\n")
    for number in (line, line - 1):
        if 0 <= number < len(lines):
            indentation = re.match(r"[ \t]*", lines[number])
            tab = indentation.group().find("\t") if indentation else -1
            if tab >= 0:
                return number + 1, tab + 1
    return None


def _hint(problem: str) -> str:
    if "mapping values are not allowed" in problem:
        return "quote a text that holds `: `"
    if "cannot start any token" in problem:
        return "quote a text that starts with a special character"
    if "end of stream" in problem:
        return "a quote or bracket is not closed"
    if "expected key" in problem or "'-' indicator" in problem or "block end" in problem:
        return "check the indentation of this line"
    return ""
