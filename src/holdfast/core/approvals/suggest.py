"""Which rule "always" adds: one that covers the call that was seen, and hardly anything else."""

from __future__ import annotations

import re

from holdfast.core.domain.approvals import Rule
from holdfast.core.domain.tools import Risk

# Programs that only look, whatever their arguments are: none of their options writes a file or starts
# another program. That is why no test runner, compiler or `git diff` is here: `--output`, `--basetemp`
# or `-exec` make a wildcard on them a wildcard on everything. Nor `wc` and `du`: with `--files0-from` they
# print what stands in any file.
_HARMLESS = (
    "basename",
    "df",
    "dirname",
    "id",
    "ls",
    "pwd",
    "realpath",
    "stat",
    "uname",
    "which",
    "whoami",
)
_SIMPLE = re.compile(r"[A-Za-z0-9_./=:,@%+ -]+")
_ESCAPED = re.compile(r"\[([*?\[])\]")
_NOT_IN_TOOL = re.compile(r"[^\w-]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def suggest_rule(tool: str, risk: Risk, subjects: tuple[str, ...]) -> Rule | None:
    """Returns the rule that "always" adds for a call, or None when no single narrow rule covers it.

    It is the exact subject, with glob characters escaped; only for programs that cannot do harm it is the
    program with any arguments.
    """
    if risk is not Risk.EXECUTE and len(set(subjects)) != 1:
        return None
    name = _NOT_IN_TOOL.sub("?", tool)
    program = _harmless_program(risk, subjects)
    if program is not None:
        return Rule(tool=name, pattern=f"{program} *")
    return Rule(tool=name, pattern=escape(subjects[0]))


def escape(text: str) -> str:
    """Returns a pattern that matches `text` alone. What a file cannot hold (a lone surrogate) becomes `?`."""
    return _SURROGATE.sub("?", re.sub(r"[*?\[]", r"[\g<0>]", text))


def literal(pattern: str) -> str | None:
    """Returns the only text that `pattern` matches, or None when it has wildcards."""
    if re.search(r"[*?\[]", _ESCAPED.sub("", pattern)):
        return None
    return _ESCAPED.sub(r"\1", pattern)


def _harmless_program(risk: Risk, subjects: tuple[str, ...]) -> str | None:
    if risk is not Risk.EXECUTE or len(set(subjects)) != 1 or not _SIMPLE.fullmatch(subjects[0]):
        return None
    return next((name for name in _HARMLESS if subjects[0].startswith(f"{name} ")), None)
