"""Changes one value in the text of a YAML file; comments, order and the rest stay as they were written. Also
writes such a text out of values.

There are many ways to write YAML. Each change is tried as text in a few of them, and one is taken only when
the whole of it then reads as what was wanted.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any

from holdfast.core.config.nodes import Document, Node, Plain, Position, compose, plain_scalar

Path = tuple[str, ...]

_BARE = re.compile(r"[A-Za-z][A-Za-z0-9_./+-]*")


def with_value(text: str, path: Path, value: Plain) -> str | None:
    """Returns `text` with `value` at `path`; None when it cannot be put there by a change of text."""
    wanted = _root(text)
    if wanted is None:
        return None
    holder = wanted
    for key in path[:-1]:
        inner = holder.get(key)
        holder[key] = inner = inner if isinstance(inner, dict) else {}
        holder = inner
    holder[path[-1]] = value
    forms = [form for form in (_literal(value, 2 * len(path)), written(value)) if form]
    return _first(text, (one for form in forms for one in _additions(text, path, form)), wanted)


def with_list(text: str, path: Path, values: list[Plain]) -> str | None:
    """Does as `with_value` for a list. Of one that is written with an item in each line, the items that stay
    keep their lines, with the comments about them; a new list of mappings is written so."""
    document, wanted = compose(text, "")[0], _root(text)
    if document is None or wanted is None:
        return None
    node = document.find(path)
    if node is not None and node.items and not node.flow and values:
        holder = wanted
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = values
        found = _first(text, iter([_relisted(text, node, values)]), wanted)
        if found is not None:
            return found
    if node is None and len(path) == 1 and not document.root.flow and any(map(_is_mapping, values)):
        found = _first(text, iter([_ended(text) + entry(path[0], values)]), {**wanted, path[0]: values})
        if found is not None:
            return found
    return with_value(text, path, values)


def _relisted(text: str, node: Node, values: list[Plain]) -> str:
    lines = _ended(text).splitlines(keepends=True)
    dash = " " * (node.items[0].start.column - 3) + "- "
    spans = [(one.start.line - 1, one.end.line - (one.end.column == 1)) for one in node.items]
    before, after = map(_comparable, [one.value for one in node.items]), map(_comparable, values)
    at = spans[0][0]
    found = lines[:at]
    matches = SequenceMatcher(None, list(before), list(after), autojunk=False)
    for change, first, last, start, end in matches.get_opcodes():
        for place, (begins, ends) in enumerate(spans[first:last]):
            found += lines[at:begins]  # comments between
            if change == "equal":
                found += lines[begins:ends]
            elif place < end - start:
                found.append(f"{dash}{written(values[start + place])}\n")
            at = ends
        more = values[start + last - first : end] if change in ("insert", "replace") else ()
        found += [f"{dash}{written(value)}\n" for value in more]
    return "".join([*found, *lines[at:]])


def _comparable(value: Plain) -> str:
    return json.dumps(value, sort_keys=True)


def entry(key: str, value: Plain) -> str:
    """Returns a key of the outermost mapping with its value as people write it: a long text as a block, each
    mapping of a list and each key of a mapping in a line of its own."""
    if isinstance(value, list) and any(map(_is_mapping, value)):
        return f"{written(key)}:\n" + "".join(f"  - {written(each)}\n" for each in value)
    if isinstance(value, dict) and value:
        inner = "".join(f"  {written(name)}: {written(each)}\n" for name, each in value.items())
        return f"{written(key)}:\n{inner}"
    literal = _literal(value, 2)
    return f"{written(key)}: {literal or written(value)}\n"


def as_text(values: Mapping[str, Plain]) -> str | None:
    """Returns a text that says `values`, key by key in their order; None for what cannot be written."""
    found = "".join(entry(key, value) for key, value in values.items())
    if _reads_as(found, dict(values)):
        return found
    plain = "".join(f"{written(key)}: {written(value)}\n" for key, value in values.items())
    return plain if _reads_as(plain, dict(values)) else None


def _is_mapping(value: Plain) -> bool:
    return isinstance(value, dict)


def _literal(value: Plain, indent: int) -> str:
    """Returns a text of several lines as a block of them, or "" for what cannot be written so."""
    if not isinstance(value, str) or "\n" not in value or not value.strip() or value[0] in " \t\n":
        return ""
    body = value.rstrip("\n")
    ends = len(value) - len(body)
    sign = "-" if not ends else "" if ends == 1 else "+"
    lines = [" " * indent + line if line else "" for line in body.split("\n")]
    return "\n".join([f"|{sign}", *lines, *[""] * (ends - 1)])


def without_value(text: str, path: Path) -> str | None:
    """Returns `text` without what stands at `path`, and without a section that is left empty; None when that
    cannot be done by a change of text."""
    wanted = _root(text)
    document, _ = compose(text, "")
    if wanted is None or document is None:
        return None
    if document.find(path) is None:
        return text
    holders = [wanted]
    for key in path[:-1]:
        holders.append(holders[-1][key])
    end = len(path)
    del holders[-1][path[-1]]
    while end > 1 and not holders[end - 1]:
        end -= 1
        del holders[end - 1][path[end - 1]]
    return _first(text, _removals(text, document, path[:end]), wanted)


def written(value: Plain) -> str:
    """Returns a value as YAML in one line."""
    if isinstance(value, str):
        bare = _BARE.fullmatch(value) and plain_scalar(value) == value
        return value if bare else _quoted(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{written(key)}: {written(each)}" for key, each in value.items()) + "}"
    return json.dumps(value)


def _quoted(text: str) -> str:
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else f"\\U{ord(character):08x}"


def _root(text: str) -> dict[str, Any] | None:
    document, problems = compose(text, "")
    if document is None or problems or not isinstance(document.root.value, dict | None):
        return None
    return copy.deepcopy(document.root.value) or {}


def _first(text: str, candidates: Iterator[str], wanted: dict[str, Any]) -> str | None:
    """Returns the first of the texts that reads as what is wanted, or None."""
    return next((candidate for candidate in candidates if _reads_as(candidate, wanted)), None)


def _reads_as(text: str, wanted: dict[str, Any]) -> bool:
    document, problems = compose(text, "")
    return document is not None and not problems and (document.root.value or {}) == wanted


def _additions(text: str, path: Path, value: str) -> Iterator[str]:
    document, _ = compose(text, "")
    if document is None:
        return
    node = document.find(path)
    if node is not None:
        yield from _replaced(text, document.position(path, of_key=True), node, value)
    above = len(path) - 1
    while above and document.find(path[:above]) is None:
        above -= 1
    holder = document.find(path[:above])
    if holder is None:
        return
    rest = path[above:]
    if holder.flow:
        inner = value
        for key in reversed(rest[1:]):
            inner = f"{{{written(key)}: {inner}}}"
        for comma in (", ", ""):
            yield _inserted(text, holder.end, -1, f"{comma}{written(rest[0])}: {inner}")
    elif holder.fields:
        column = min(at.column for at in holder.keys.values()) - 1
        last = max(holder.fields.values(), key=lambda each: each.end.line)
        for line in (last.end.line, last.end.line - 1):
            yield _with_lines(text, line, _lines(rest, value, column))
    elif above:
        at = document.position(path[:above], of_key=True)
        yield _with_lines(text, at.line, _lines(rest, value, at.column + 1))
    else:
        yield _ended(text) + _lines(rest, value, 0)


def _replaced(text: str, key: Position, node: Node, value: str) -> Iterator[str]:
    start, end = _offset(text, node.start), _offset(text, node.end)
    blank = len(text[start:end]) - len(text[start:end].rstrip("\n")) - 1
    if blank > 0:  # a block of lines, and empty ones below it: those part it from what follows
        yield text[:start] + value + "\n" * (blank + 1) + text[end:]
    if node.start.line > key.line:  # a block below its key becomes one line beside it
        beside = "".join(text.splitlines(keepends=True)[: key.line]).rstrip()
        end -= _empty_lines(text[start:end])
        for tail in ("\n" + text[end:], text[end:]):
            yield f"{beside} {value}{tail}"
    for before in ("", " "):
        for after in ("", "\n"):
            yield text[:start] + before + value + after + text[end:]


def _removals(text: str, document: Document, path: Path) -> Iterator[str]:
    holder, node = document.find(path[:-1]), document.find(path)
    if holder is None or node is None:
        return
    at = holder.keys[path[-1]]
    if holder.flow:
        start, end = _offset(text, at), _offset(text, node.end)
        after = re.match(r"\s*,\s*", text[end:])
        before = re.search(r",\s*\Z", text[:start])
        if after:
            yield text[:start] + text[end + after.end() :]
        if before:
            yield text[: before.start()] + text[end:]
        yield text[:start] + text[end:]
        return
    lines = text.splitlines(keepends=True)
    for last in (node.end.line, node.end.line - 1):
        yield "".join(lines[: at.line - 1] + lines[max(last, at.line) :])


def _empty_lines(text: str) -> int:
    """Returns how many characters the blank lines and comments at the end of a block take: they are about
    what follows it."""
    taken = 0
    for line in reversed(text.splitlines(keepends=True)):
        if line.strip() and not line.lstrip().startswith("#"):
            break
        taken += len(line)
    return taken


def _lines(path: Path, value: str, column: int) -> str:
    """Returns the keys of `path` below each other, the value behind the last of them."""
    found = ""
    for depth, key in enumerate(path):
        is_last = depth == len(path) - 1
        found += " " * (column + 2 * depth) + f"{written(key)}:" + (f" {value}\n" if is_last else "\n")
    return found


def _with_lines(text: str, number: int, added: str) -> str:
    lines = text.splitlines(keepends=True)
    return _ended("".join(lines[:number])) + added + "".join(lines[number:])


def _inserted(text: str, at: Position, shift: int, added: str) -> str:
    offset = _offset(text, at) + shift
    return text[:offset] + added + text[offset:]


def _offset(text: str, at: Position) -> int:
    lines = text.splitlines(keepends=True)
    return sum(len(line) for line in lines[: at.line - 1]) + at.column - 1


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"
