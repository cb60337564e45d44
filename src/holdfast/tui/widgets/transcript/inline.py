"""Inline Markdown (emphasis, code, links …) as content."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from textual.content import Content, Span
from textual.style import Style

from holdfast.tui.widgets.transcript import styles

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

LINK_META = "transcript_link"
"""The key of a segment's meta that holds the address of a link."""

_BARE_URL = re.compile(r"https?://[^\s<>\"'`|\\^{}]+")
_WEB = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)

_MARKS = {"strong": "bold", "em": "italic", "s": "strike"}


def link_style(url: str) -> Style:
    """Returns the style of a link: an address to click, and a terminal's own link where it is one."""
    return Style(link=url if _WEB.match(url) else None) + Style.from_meta({LINK_META: url})


def inline(node: SyntaxTreeNode) -> list[Content]:
    """Returns the content of an `inline` node, one for each line that a hard break makes."""
    text: list[str] = []
    spans: list[Span] = []
    _walk(node, text, spans, 0, linked=False)
    content = Content("".join(text), spans, strip_control_codes=False)
    return content.split(allow_blank=True) if "\n" in content.plain else [content]


def _walk(node: SyntaxTreeNode, text: list[str], spans: list[Span], start: int, *, linked: bool) -> int:
    """Adds the children of `node`; returns the position after them."""
    position = start
    for child in node.children:
        begin = position
        kind = child.type
        if kind == "text":
            position += _add(text, child.content)
            if not linked:
                spans.extend(_bare_links(child.content, begin))
        elif kind == "softbreak":
            position += _add(text, " ")
        elif kind == "hardbreak":
            position += _add(text, "\n")
        elif kind == "code_inline":
            position += _add(text, child.content)
            spans.append(Span(begin, position, styles.INLINE_CODE))
        elif kind == "image":
            position += _add(text, f"[image: {child.content or child.attrs.get('src', '')}]")
            spans += _link_spans(begin, position, str(child.attrs.get("src", "")))
        elif kind == "link":
            position = _walk(child, text, spans, position, linked=True)
            spans += _link_spans(begin, position, str(child.attrs.get("href", "")))
        elif child.children:
            position = _walk(child, text, spans, position, linked=linked)
            if kind in _MARKS:
                spans.append(Span(begin, position, _MARKS[kind]))
        else:
            position += _add(text, child.content)
    return position


def _add(text: list[str], piece: str) -> int:
    text.append(piece)
    return len(piece)


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
