"""Conditions of rules that are hooks: a field, what is asked of it, and a value.

    command CONTAINS "rm -rf"
    path NOT STARTS_WITH notes/
    url MATCHES "^https://(www\\.)?example\\.org/"
    recipient IN ["ann@example.org", "bob@example.org"]

A value in quotes is read as JSON; without, it is the rest of the line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from re import _constants, _parser  # type: ignore[attr-defined]  # there is no other way to parse only
from typing import Any, Literal, cast

MAX_EXPRESSION = 500
"""Characters of a regular expression."""

_LOOKS = (_constants.ASSERT, _constants.ASSERT_NOT)

Operator = Literal["CONTAINS", "STARTS_WITH", "MATCHES", "IN"]

_CONDITION = re.compile(
    r"\s*(?P<field>\S{1,200})\s+(?P<negated>NOT\s+)?(?P<operator>CONTAINS|STARTS_WITH|MATCHES|IN)"
    r"\s+(?P<value>\S.*)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Condition:
    """What a rule asks of one field. Upper and lower case are told apart."""

    field: str
    operator: Operator
    values: tuple[str, ...]
    """One, but for IN."""
    negated: bool = False

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Returns the condition that `text` says. Raises `ValueError`, whose words say what is wrong."""
        found = _CONDITION.fullmatch(text)
        if found is None:
            raise ValueError("is no condition; write FIELD [NOT] CONTAINS, STARTS_WITH, MATCHES or IN VALUE")
        operator = cast("Operator", found["operator"])
        values = _values(operator, found["value"].strip())
        if operator == "MATCHES":
            check_expression(values[0])
        return cls(found["field"], operator, values, negated=found["negated"] is not None)

    def holds(self, texts: Sequence[str]) -> bool:
        """Says whether one of the texts is as asked, or with NOT: none of them, so also where there are none.
        Not for MATCHES, which needs a process of its own."""
        return any(map(self._fits, texts)) != self.negated

    def _fits(self, text: str) -> bool:
        match self.operator:
            case "CONTAINS":
                return self.values[0] in text
            case "STARTS_WITH":
                return text.startswith(self.values[0])
            case "IN":
                return text in self.values
            case "MATCHES":
                raise ValueError("expressions are not matched here")


def check_expression(expression: str) -> None:
    """Raises `ValueError` for what is no regular expression, or a long one."""
    if len(expression) > MAX_EXPRESSION:
        raise ValueError(f"has a regular expression of more than {MAX_EXPRESSION} characters")
    try:
        # Not compiled: of some that takes seconds, and these come with files that nobody trusts yet.
        _check_widths(_parser.parse(expression))
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"has no regular expression: {error}") from error


def _check_widths(parsed: Any) -> None:
    """Raises `re.error` for a look-behind that does not know how far to look: the parser leaves that to the
    compiler."""
    if isinstance(parsed, tuple) and len(parsed) == 2 and parsed[0] in _LOOKS and parsed[1][0] < 0:
        least, most = parsed[1][1].getwidth()
        if least != most:
            raise re.error("look-behind requires fixed-width pattern")
    if isinstance(parsed, (tuple, list, _parser.SubPattern)):
        for each in parsed:
            _check_widths(each)


def _values(operator: Operator, text: str) -> tuple[str, ...]:
    if operator == "IN":
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
            raise ValueError('needs a list of texts behind IN, such as ["a", "b"]')
        return tuple(values)
    if not text.startswith('"'):
        return (text,)
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ValueError(f"has a text in quotes that is not JSON: {error}") from error
    return (str(value),)
