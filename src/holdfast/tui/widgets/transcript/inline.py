"""Inline Markdown (emphasis, code, links …) as content."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content, Span
from textual.style import Style

from holdfast.core.domain.text import sanitize_line
from holdfast.tui.widgets.transcript import styles

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

LINK_META = "transcript_link"
"""The key of a segment's meta that holds the address of a link."""

FILE_LINK = "session-file:"
"""What the address of a link to a file of the session begins with."""

SOURCE_META = "transcript_source"
"""The key of a segment's meta that holds the key of a passage among the entry's `sources`."""

_CITATION = re.compile(r"\[(\d{1,6}(?:\s*,\s*\d{1,6})*)\]")
_NUMBER = re.compile(r"\d+")
_BARE_URL = re.compile(r"https?://[^\s<>\"'`|\\^{}]+")
_WEB = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)

_MARKS = {"strong": "bold", "em": "italic", "s": "strike"}


def link_style(url: str) -> Style:
    """Returns the style of a link: an address to click, and a terminal's own link where it is one."""
    return Style(link=url if _WEB.match(url) else None) + Style.from_meta({LINK_META: url})


def source_style(key: int) -> Style:
    """Returns the style of what opens a passage, by its key among the entry's `sources`."""
    return Style.from_meta({SOURCE_META: key})


def inline(node: SyntaxTreeNode, cites: Container[int] = ()) -> list[Content]:
    """Returns the content of an `inline` node, one for each line that a hard break makes. Numbers in brackets
    that are among `cites` are links to passages; never in code."""
    text: list[str] = []
    spans: list[Span] = []
    _Walk(text, spans, cites).children(node, 0, linked=False)
    content = Content("".join(text), spans, strip_control_codes=False)
    return content.split(allow_blank=True) if "\n" in content.plain else [content]


@dataclass(slots=True)
class _Walk:
    """Collects the text below a node, and the spans on it."""

    text: list[str]
    spans: list[Span]
    cites: Container[int]

    def children(self, node: SyntaxTreeNode, start: int, *, linked: bool) -> int:
        """Adds the children of `node`; returns the position after them."""
        position = start
        for child in node.children:
            position = self._child(child, position, linked=linked)
        return position

    def _child(self, child: SyntaxTreeNode, begin: int, *, linked: bool) -> int:
        kind = child.type
        if kind == "text":
            text = _safe(child.content)
            if not linked:
                self.spans.extend(_bare_links(text, begin))
                self.spans.extend(_citations(text, begin, self.cites))
            return begin + self._add(text)
        if kind == "softbreak":
            return begin + self._add(" ")
        if kind == "hardbreak":
            return begin + self._add("\n")
        if kind == "code_inline":
            end = begin + self._add(child.content)
            self.spans.append(Span(begin, end, styles.INLINE_CODE))
            return end
        if kind == "image":
            address = _safe(str(child.attrs.get("src", "")))
            end = begin + self._add(f"[image: {_safe(child.content) or address}]")
            self.spans += _link_spans(begin, end, address)
            return end
        if kind == "link":
            end = self.children(child, begin, linked=True)
            self.spans += _link_spans(begin, end, _safe(str(child.attrs.get("href", ""))))
            return end
        if not child.children:
            return begin + self._add(_safe(child.content))
        end = self.children(child, begin, linked=linked)
        if kind in _MARKS:
            self.spans.append(Span(begin, end, _MARKS[kind]))
        return end

    def _add(self, piece: str) -> int:
        self.text.append(piece)
        return len(piece)


def _safe(text: str) -> str:
    """Returns text without what a terminal would execute or reorder. The source had none, but its entities,
    such as `&#13;`, become characters only when it is parsed."""
    return text if text.isprintable() else sanitize_line(text)


def _link_spans(start: int, end: int, url: str) -> list[Span]:
    if end <= start or not url:
        return []
    return [Span(start, end, styles.LINK), Span(start, end, link_style(url))]


def _bare_links(text: str, start: int) -> list[Span]:
    if "://" not in text:
        return []
    spans: list[Span] = []
    for match in _BARE_URL.finditer(text):
        url = match.group().rstrip(".,;:!?*_")
        while url.endswith(")") and url.count(")") > url.count("("):
            url = url[:-1]
        begin = start + match.start()
        spans += _link_spans(begin, begin + len(url), url)
    return spans


def _citations(text: str, start: int, cites: Container[int]) -> list[Span]:
    if "[" not in text or not cites:
        return []
    spans: list[Span] = []
    for group in _CITATION.finditer(text):
        for match in _NUMBER.finditer(text, group.start(), group.end()):
            number = int(match.group())
            if number not in cites:
                continue
            # The brackets of a number that stands alone belong to it: there is more to click on.
            alone = match.end() - match.start() + 2 == group.end() - group.start()
            begin, end = (group.start(), group.end()) if alone else (match.start(), match.end())
            spans.append(Span(start + begin, start + end, styles.CITATION))
            spans.append(Span(start + begin, start + end, source_style(number)))
    return spans
