"""The user's own rules: a small YAML file that "always" adds to and that the person edits at will.

    allow:
      - write_file(notes.md)
    ask: []
    deny:
      - run_command(rm *)

A rule is added as one line of text, so that comments and order stay as the person left them.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path

from holdfast.core.config.nodes import Document, Node, Position, compose
from holdfast.core.config.private import write_private
from holdfast.core.config.yaml import in_order, read_file, validate
from holdfast.core.domain.approvals import Rule, Rules, Verdict
from holdfast.core.domain.errors import Diagnostic, InvalidError, NotFoundError, file_mistakes

_NEW = """\
# What agents may do without asking. A rule is a tool's name, or NAME(PATTERN) with * and ? as wildcards;
# deny wins over ask, ask over allow. "Always" in an approval adds a line to `allow`.
"""


class PolicyFile:
    """Reads the policy at `path` anew whenever it is asked for, and adds rules to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def read(self) -> Rules:
        """Returns the rules; none when there is no file.

        Raises `InvalidError` with `details["diagnostics"]` when it has a mistake: whoever evaluates then
        passes the message as `Layers.unreadable`, and every call is asked.
        """
        text = self._text()
        rules, problems = parse_rules(text, str(self.path))
        if rules is None:
            raise _broken(problems)
        return rules

    def add_allow(self, rule: str) -> Rules:
        """Adds `rule` to the allow list; see `add`."""
        return self.add(rule, Verdict.ALLOW)

    def add(self, rule: str, verdict: Verdict) -> Rules:
        """Adds `rule` to the list of `verdict` and returns the rules as they are now.

        Raises `InvalidError` when `rule` is none, when the file has a mistake, or when it is written in a
        way that a line cannot be added to; the file is then untouched. Raises `OSError` from writing.
        """
        wanted, name = str(Rule.parse(rule)), verdict.value
        with self._lock:
            text, document, rules = self._parsed()
            held: tuple[str, ...] = getattr(rules, name)
            if wanted in held:
                return rules
            expected = rules.model_copy(update={name: (*held, wanted)})
            if self._written(_candidates(text, document, name, wanted), expected):
                return expected
        raise InvalidError(
            f"the rule {wanted} cannot be added to {self.path}: write `{name}:` there with one rule a line",
            code="policy_not_editable",
        )

    def remove(self, rule: str, verdict: Verdict) -> Rules:
        """Takes `rule`, as it is written there, out of the list of `verdict`; returns the rules as they are.

        Raises `NotFoundError` when the list does not have it, and what `add` raises.
        """
        name = verdict.value
        with self._lock:
            text, document, rules = self._parsed()
            held: tuple[str, ...] = getattr(rules, name)
            if rule not in held:
                raise NotFoundError(f"{self.path} has no rule `{name}: {rule}`.", code="rule_not_found")
            at = held.index(rule)
            expected = rules.model_copy(update={name: (*held[:at], *held[at + 1 :])})
            if self._written(_without(text, document, name, at), expected):
                return expected
        raise InvalidError(
            f"the rule {rule} cannot be taken out of {self.path} here: remove its line in an editor",
            code="policy_not_editable",
        )

    def _parsed(self) -> tuple[str, Document, Rules]:
        text = self._text()
        document, problems = compose(text, str(self.path))
        rules, more = parse_rules(text, str(self.path))
        if rules is None or document is None:
            raise _broken([*problems, *more])
        return text, document, rules

    def _written(self, candidates: list[str], expected: Rules) -> bool:
        """Writes the first text that says exactly the rules that are expected; says whether there is one."""
        for candidate in candidates:
            if parse_rules(candidate, str(self.path))[0] == expected:
                write_private(self.path, candidate)
                return True
        return False

    def _text(self) -> str:
        try:
            text, problems = read_file(self.path)
        except FileNotFoundError:
            return ""
        if text is None:
            raise _broken(problems)
        return text


def parse_rules(text: str, file: str) -> tuple[Rules | None, list[Diagnostic]]:
    """Returns the rules of a policy text, or None, and every mistake in it, malformed rules included."""
    document, problems = compose(text, file)
    if document is None:
        return None, problems
    rules, more = validate(Rules, document)
    problems = in_order([*problems, *more, *rule_mistakes(document, ())])
    return (None if problems else rules), problems


def rule_mistakes(document: Document, path: tuple[str, ...]) -> list[Diagnostic]:
    """Returns a diagnostic for each text in the three lists under `path` that is not a rule."""
    found: list[Diagnostic] = []
    for kind in ("allow", "ask", "deny"):
        node = document.find((*path, kind))
        for index, item in enumerate(node.items if node else []):
            if not isinstance(item.value, str):
                continue
            try:
                Rule.parse(item.value)
            except InvalidError as error:
                found.append(document.mistake((*path, kind, index), error.message, expected="a rule"))
    return found


def _broken(problems: list[Diagnostic]) -> InvalidError:
    return file_mistakes(problems, code="invalid_policy")


def _candidates(text: str, document: Document, name: str, rule: str) -> list[str]:
    """Returns texts that may be the old one with the rule added; the caller takes the first that is."""
    quoted = _quoted(rule)
    if not text.strip():
        return [f"{_NEW}{name}:\n  - {quoted}\n"]
    lines = text.splitlines(keepends=True)
    listed = document.root.fields.get(name)
    if listed is None:
        whole = _with_newline(text) + f"{name}:\n  - {quoted}\n"
        return [whole, *_into_braces(lines, document.root, name, quoted)]
    if listed.flow:
        return [_before_bracket(lines, listed.end, f"{comma}{quoted}") for comma in (", ", "", "\n , ")]
    if not listed.items:
        return [_after_line(lines, document.root.keys[name].line, f"  - {quoted}\n")]
    last = listed.items[-1]
    first_line = lines[last.start.line - 1]
    indentation = first_line[: len(first_line) - len(first_line.lstrip())]
    line = f"{indentation}- {quoted}\n"
    return [_after_line(lines, number, line) for number in (last.end.line, last.end.line - 1)]


def _into_braces(lines: list[str], root: Node, name: str, quoted: str) -> list[str]:
    return [_before_bracket(lines, root.end, f"{comma}{name}: [{quoted}]") for comma in (", ", "")]


def _without(text: str, document: Document, name: str, at: int) -> list[str]:
    """Returns texts that may be the old one without one rule; the caller takes the first that is."""
    lines = text.splitlines(keepends=True)
    listed = document.root.fields[name]
    item = listed.items[at]
    if not listed.flow:
        ends = (item.end.line, item.end.line - 1)
        return [
            without
            for end in ends
            if end >= item.start.line
            for rest in [lines[: item.start.line - 1] + lines[end:]]
            for without in ["".join(rest), _emptied(rest, document.root.keys[name].line)]
        ]
    start, end = _offset(lines, item.start), _offset(lines, item.end)
    after = re.compile(r"\s*,[ \t]*").match(text, end)
    before = re.compile(r",\s*\Z").search(text[:start])
    if after is None and before is not None:
        start = before.start()
    return [text[:start] + text[after.end() if after else end :]]


def _emptied(lines: list[str], number: int) -> str:
    """Returns the lines with an empty list behind the key on line `number`."""
    key = lines[number - 1].rstrip("\n")
    return "".join([*lines[: number - 1], f"{key} []\n", *lines[number:]])


def _offset(lines: list[str], place: Position) -> int:
    return sum(len(line) for line in lines[: place.line - 1]) + place.column - 1


def _before_bracket(lines: list[str], end: Position, text: str) -> str:
    """Returns the lines with `text` put before the bracket that ends at `end`."""
    offset = sum(len(line) for line in lines[: end.line - 1]) + end.column - 2
    whole = "".join(lines)
    return whole[:offset] + text + whole[offset:]


def _after_line(lines: list[str], number: int, added: str) -> str:
    return _with_newline("".join(lines[:number])) + added + "".join(lines[number:])


def _with_newline(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _quoted(rule: str) -> str:
    """Returns the rule as YAML in double quotes; what cannot be seen is written as an escape."""
    return '"' + "".join(_quoted_character(character) for character in rule) + '"'


def _quoted_character(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    return f"\\U{ord(character):08x}"
