"""HTML, as Markdown."""

from __future__ import annotations

from bs4 import BeautifulSoup, Comment, Tag
from bs4.dammit import EncodingDetector
from bs4.exceptions import ParserRejectedMarkup
from markdownify import MarkdownConverter

from holdfast.core.knowledge.parsing.decoding import clean, decode
from holdfast.core.knowledge.parsing.formats.markdown import first_heading
from holdfast.core.knowledge.parsing.model import Extract, Style

_UNREAD = ("script", "style", "noscript", "template", "svg", "iframe", "object", "canvas", "head", "dialog")


def extract_html(data: bytes) -> Extract:
    """Returns what a page says, without its links' addresses and its pictures but their descriptions.

    A page that is nested too deeply for its structure to be followed gives its bare text.
    """
    page = _parsed(_decoded(data))
    title = page.title.get_text(" ", strip=True) if page.title is not None else ""
    _reduce(page)
    body = page.body or page
    text = clean(_markdown(body)).strip()
    return Extract(text, Style.MARKDOWN, title=clean(title) or first_heading(text))


def _parsed(text: str) -> BeautifulSoup:
    try:
        return BeautifulSoup(text, "html.parser")
    except ParserRejectedMarkup:  # a marked section that is none
        return BeautifulSoup(text.replace("<![", "&lt;!["), "html.parser")


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        declared = EncodingDetector.find_declared_encoding(data, is_html=True)
    try:
        return data.decode(declared or "", "replace") if declared else decode(data)
    except LookupError:  # an encoding that there is not
        return decode(data)


def _reduce(page: BeautifulSoup) -> None:
    for comment in page.find_all(string=lambda s: isinstance(s, Comment)):
        comment.extract()
    for tag in page.find_all(_UNREAD):
        tag.extract()
    for link in page.find_all("a"):
        link.unwrap()
    for image in page.find_all("img"):
        image.replace_with(str(image.get("alt") or ""))


def _markdown(body: Tag) -> str:
    converter = MarkdownConverter(heading_style="ATX", escape_asterisks=False, escape_underscores=False)
    try:
        return str(converter.convert_soup(body))
    except RecursionError:
        return body.get_text("\n", strip=True)
