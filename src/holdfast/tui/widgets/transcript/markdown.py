"""Markdown as logical lines.

Only blocks that are seen are rendered; where blocks begin and end is found by `splitter`.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from textual.content import Content

from holdfast.tui.widgets.transcript import styles
from holdfast.tui.widgets.transcript.highlight import colour, language_of
from holdfast.tui.widgets.transcript.inline import inline
from holdfast.tui.widgets.transcript.line import INDENT, Gutter, Line, gutter_width, plain
from holdfast.tui.widgets.transcript.table import table_lines

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

MAX_BLOCK = 40_000
"""A single block with more characters than this is shown as plain text: nobody typeset it."""

MAX_NESTING = 60
"""The parser leaves out what is deeper, so a block that comes near is shown as plain text."""

CODE_BAR: Gutter = (("▏ ", styles.BAR),)
QUOTE_BAR: Gutter = (("▌ ", styles.BAR),)


@lru_cache(maxsize=1)
def parser() -> MarkdownIt:
    """Returns the parser. The first call imports markdown-it, which takes a moment."""
    from markdown_it import MarkdownIt

    made = MarkdownIt("commonmark", {"html": False, "maxNesting": MAX_NESTING})
    made.enable(["table", "strikethrough"])
    # A reference defined later would change blocks that are finished already; shown as written instead.
    return made.disable(["reference", "html_block", "html_inline"])


def render(
    source: str, width: int, first: Gutter = INDENT, rest: Gutter = INDENT, cites: Container[int] = ()
) -> list[Line]:
    """Returns the lines of the Markdown `source`, blocks separated by empty lines; numbers in brackets that
    are among `cites` are links."""
    if len(source) > MAX_BLOCK:
        return _as_written(source, first, rest)
    from markdown_it.tree import SyntaxTreeNode

    tokens = parser().parse(source)
    if any(token.level >= MAX_NESTING - 4 for token in tokens) or not tokens:
        return _as_written(source, first, rest)
    writer = _Writer(width, [_Level(first, rest)], cites)
    tree = SyntaxTreeNode(tokens)
    writer.blocks(tree.children)
    for node in tree.walk():
        node.parent = None  # what points at each other stays until garbage is collected
    return writer.lines


def _as_written(source: str, first: Gutter, rest: Gutter) -> list[Line]:
    return [Line(plain(one), first, rest) for one in source.split("\n")]


@dataclass(slots=True)
class _Level:
    """One container around a block: its gutter on the first line, and on all others."""

    first: Gutter
    rest: Gutter
    used: bool = False


@dataclass(slots=True)
class _Writer:
    width: int
    levels: list[_Level]
    cites: Container[int] = ()
    lines: list[Line] = field(default_factory=list)

    def blocks(self, nodes: list[SyntaxTreeNode], *, tight: bool = False) -> None:
        for number, node in enumerate(nodes):
            if number and not tight:
                self.write(Content(""))
            self.block(node)

    def block(self, node: SyntaxTreeNode) -> None:
        match node.type:
            case "paragraph":
                for content in inline(node.children[0], self.cites):
                    self.write(content)
            case "heading":
                style = styles.HEADINGS[min(int(node.tag[1]), len(styles.HEADINGS)) - 1]
                for content in inline(node.children[0], self.cites):
                    self.write(content.stylize_before(style))
            case "fence" | "code_block":
                self.code(node.content, language_of(node.info))
            case "bullet_list" | "ordered_list":
                self.items(node)
            case "blockquote":
                self.inside(QUOTE_BAR, QUOTE_BAR, node.children)
            case "hr":
                self.write(Content(""), extra=(("─" * max(1, self.room()), styles.BAR),))
            case "table":
                self.table(node)
            case _:
                self.write(plain(node.content))

    def items(self, node: SyntaxTreeNode) -> None:
        tight = all(c.hidden for item in node.children for c in item.children if c.type == "paragraph")
        number = int(node.attrs.get("start", 1))
        last = f"{number + len(node.children) - 1}."
        for count, item in enumerate(node.children):
            if count and not tight:
                self.write(Content(""))
            mark = f"{number + count}.".rjust(len(last)) if node.type == "ordered_list" else "•"
            first: Gutter = ((f"{mark} ", styles.LIST_MARK),)
            self.inside(first, ((" " * (len(mark) + 1), ""),), item.children, tight=tight)
            if not item.children:
                self.levels.append(_Level(first, first))
                self.write(Content(""))
                self.levels.pop()

    def inside(
        self, first: Gutter, rest: Gutter, nodes: list[SyntaxTreeNode], *, tight: bool = False
    ) -> None:
        if self.room() < self.width // 2:
            first = rest = ()
        self.levels.append(_Level(first, rest))
        self.blocks(nodes, tight=tight)
        self.levels.pop()

    def code(self, text: str, language: str) -> None:
        body = colour(text.removesuffix("\n"), language)
        for content in body.split(allow_blank=True) or [body]:
            self.write(content, extra=CODE_BAR, fill=styles.CODE_FILL)

    def table(self, node: SyntaxTreeNode) -> None:
        rows = [row.children for part in node.children for row in part.children]
        cells = [[_joined(inline(cell.children[0], self.cites)) for cell in row] for row in rows]
        aligns = [str(cell.attrs.get("style", "")).removeprefix("text-align:") for cell in rows[0]]
        for content in table_lines(cells[0], cells[1:], aligns, self.room()):
            self.write(content)

    def room(self) -> int:
        return self.width - sum(gutter_width(level.rest) for level in self.levels)

    def write(self, content: Content, extra: Gutter = (), fill: str = "") -> None:
        first: Gutter = ()
        rest: Gutter = ()
        for level in self.levels:
            first += level.rest if level.used else level.first
            rest += level.rest
            level.used = True
        if "\t" in content.plain:
            content = content.expand_tabs(4)
        self.lines.append(Line(content, first + extra, rest + extra, fill))


def _joined(contents: list[Content]) -> Content:
    return contents[0] if len(contents) == 1 else Content(" ").join(contents)
