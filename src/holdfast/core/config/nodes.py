"""YAML text to plain values that remember where they stand.

The text is read as a stream of parser events instead of PyYAML's own node tree: depth, size and
aliases are then limited while reading, so that a hostile file ends early instead of using up the
stack or the memory, and one reading finds every duplicate key. Scalars follow YAML 1.2: only `true`
and `false` are booleans, so `on`, `no` and dates stay text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from holdfast.core.config.syntax import control_character, shown, syntax_error
from holdfast.core.domain.errors import Diagnostic

MAX_DEPTH = 32
MAX_NODES = 50_000
"""Values in one file, counting what an alias repeats each time."""
MAX_DUPLICATES = 100
"""Keys written twice that are told; the first ones say enough."""

Key = str | int
Plain = bool | int | float | str | list["Plain"] | dict[str, "Plain"] | None

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL_FLOATS = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_MAX_DIGITS = 100
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = {_TAG + kind for kind in ("str", "int", "float", "bool", "null", "seq", "map")}


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file; both count from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Node:
    """One value with its place. `value` is plain data; the children are kept for their places."""

    value: Plain
    start: Position
    end: Position
    keys: dict[str, Position] = field(default_factory=dict)
    """Of a mapping: where each key stands."""
    fields: dict[str, Node] = field(default_factory=dict)
    items: list[Node] = field(default_factory=list)
    size: int = 1
    flow: bool = False
    """Written with brackets or braces."""

    def child(self, key: Key) -> Node | None:
        """Returns the value under a key or index, or None."""
        if isinstance(key, str):
            return self.fields.get(key)
        return self.items[key] if 0 <= key < len(self.items) else None


@dataclass(frozen=True, slots=True)
class Document:
    """One file's values, and the means to point at them."""

    file: str
    root: Node

    def find(self, path: tuple[Key, ...]) -> Node | None:
        """Returns the node at `path`, or None."""
        node: Node | None = self.root
        for key in path:
            if node is None:
                return None
            node = node.child(key)
        return node

    def position(self, path: tuple[Key, ...], *, of_key: bool = False) -> Position:
        """Returns where `path` stands: its value, or its key; the nearest parent when it is not there."""
        node = self.root
        for index, key in enumerate(path):
            if of_key and index == len(path) - 1 and isinstance(key, str) and key in node.keys:
                return node.keys[key]
            child = node.child(key)
            if child is None:
                return node.start
            node = child
        return node.start

    def mistake(
        self,
        path: tuple[Key, ...],
        message: str,
        *,
        expected: str = "",
        hint: str = "",
        of_key: bool = False,
    ) -> Diagnostic:
        """Returns a diagnostic that points at `path`."""
        at = self.position(path, of_key=of_key)
        return Diagnostic(
            file=self.file,
            line=at.line,
            column=at.column,
            key_path=key_path(path),
            message=message,
            expected=expected,
            hint=hint,
        )


def key_path(path: tuple[Key, ...]) -> str:
    """Returns `path` as people read it: `approvals.allow[2]`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            text += ("." if text else "") + shown(key)
    return text


def compose(text: str, file: str) -> tuple[Document | None, list[Diagnostic]]:
    """Reads one YAML document.

    Returns the document, or None when the text cannot be read at all, and every mistake: a syntax error
    ends the reading, duplicate keys do not (the first value counts). An empty text is an empty mapping.
    """
    text = text.removeprefix("\ufeff")
    if found := _CONTROL.search(text):
        return None, [control_character(text, found.start(), file)]
    composer = _Composer(text, file)
    try:
        root = composer.document()
    except _Refused as refused:
        return None, [*composer.mistakes, refused.diagnostic]
    except yaml.MarkedYAMLError as error:
        return None, [*composer.mistakes, syntax_error(text, file, error)]
    return Document(file, root), composer.mistakes


class _Refused(Exception):
    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(str(diagnostic))
        self.diagnostic = diagnostic


class _Composer:
    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.mistakes: list[Diagnostic] = []
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_LOADER)
        self._anchors: dict[str, Node | None] = {}
        self._nodes = 0

    def document(self) -> Node:
        next(self._events)  # the start of the stream
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            start = Position(1, 1)
            return Node({}, start, start)
        event = next(self._events)
        root = self._node(event, (), 0)
        next(self._events)  # the end of the document
        after = next(self._events)
        if isinstance(after, yaml.DocumentStartEvent):
            raise self._refused(after, (), "a second document starts here", "write one document in a file")
        return root

    def _node(self, event: yaml.Event, path: tuple[Key, ...], depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self._refused(event, path, f"is nested more than {MAX_DEPTH} levels deep")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        self._count(event, path, 1)
        tag = getattr(event, "tag", None)
        if tag not in (None, "!") and tag not in _PLAIN_TAGS:
            short = shown(str(tag).removeprefix(_TAG))
            raise self._refused(
                event, path, f"the tag `{short}` is not taken", "plain values only: remove it"
            )
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = None  # an alias inside its own anchor finds nothing yet
        node = self._content(event, path, depth)
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _content(self, event: yaml.Event, path: tuple[Key, ...], depth: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            return Node(_scalar(event), _start(event), _end(event))
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(event, path, depth)
        return self._mapping(event, path, depth)

    def _sequence(self, event: yaml.SequenceStartEvent, path: tuple[Key, ...], depth: int) -> Node:
        items: list[Node] = []
        while not isinstance(following := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(following, (*path, len(items)), depth + 1))
        return Node(
            [item.value for item in items],
            _start(event),
            _end(following),
            items=items,
            size=1 + sum(item.size for item in items),
            flow=_start(following) != _end(following),
        )

    def _mapping(self, event: yaml.Event, path: tuple[Key, ...], depth: int) -> Node:
        keys: dict[str, Position] = {}
        fields: dict[str, Node] = {}
        while not isinstance(following := next(self._events), yaml.MappingEndEvent):
            key = self._key(following, path)
            value = self._node(next(self._events), (*path, key), depth + 1)
            if key in keys:
                if len(self.mistakes) < MAX_DUPLICATES:
                    self.mistakes.append(self._duplicate(following, (*path, key), keys[key]))
                continue
            keys[key], fields[key] = _start(following), value
        return Node(
            {key: node.value for key, node in fields.items()},
            _start(event),
            _end(following),
            keys=keys,
            fields=fields,
            size=1 + sum(node.size for node in fields.values()),
            flow=_start(following) != _end(following),
        )

    def _key(self, event: yaml.Event, path: tuple[Key, ...]) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise self._refused(event, path, "a key must be a word", "quote it if it starts with a bracket")
        self._count(event, path, 1)
        key = str(event.value)
        if key == "<<" and event.implicit[0]:
            raise self._refused(event, path, "merge keys (`<<`) are not taken", "write the keys out")
        return key

    def _alias(self, event: yaml.AliasEvent, path: tuple[Key, ...]) -> Node:
        anchor = str(event.anchor)
        name = shown(anchor)
        node = self._anchors.get(anchor)
        if node is None:
            known = anchor in self._anchors
            problem = "stands inside its own anchor" if known else f"has no anchor `&{name}` before it"
            raise self._refused(event, path, f"`*{name}` {problem}", "quote it if it is meant as text")
        self._count(event, path, node.size)
        return node

    def _count(self, event: yaml.Event, path: tuple[Key, ...], size: int) -> None:
        self._nodes += size
        if self._nodes > MAX_NODES:
            raise self._refused(
                event, path, f"the file holds more than {MAX_NODES} values", "use fewer aliases"
            )

    def _duplicate(self, event: yaml.Event, path: tuple[Key, ...], first: Position) -> Diagnostic:
        at = _start(event)
        return Diagnostic(
            file=self.file,
            line=at.line,
            column=at.column,
            key_path=key_path(path),
            message=f"the key is written twice: first in line {first.line}, again in line {at.line}",
            hint="keep one of them",
        )

    def _refused(self, event: yaml.Event, path: tuple[Key, ...], message: str, hint: str = "") -> _Refused:
        at = _start(event)
        return _Refused(
            Diagnostic(
                file=self.file,
                line=at.line,
                column=at.column,
                key_path=key_path(path),
                message=message,
                hint=hint,
            )
        )


def _start(event: yaml.Event) -> Position:
    mark = event.start_mark
    return Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)


def _end(event: yaml.Event) -> Position:
    mark = event.end_mark
    return Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)


def _scalar(event: yaml.ScalarEvent) -> Plain:
    if event.tag == _TAG + "str" or not (event.implicit[0] or event.tag in _PLAIN_TAGS):
        return str(event.value)
    return plain_scalar(event.value)


def plain_scalar(text: str) -> bool | int | float | str | None:
    """Returns what an unquoted `text` means in YAML 1.2."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    if len(text) > _MAX_DIGITS:
        return text
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text.startswith(("0o", "0x")) else int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SPECIAL_FLOATS.fullmatch(text):
        return float(text.replace(".", ""))
    return text
