"""Turns the HTML on standard input into Markdown. A program: nothing imports it.

Arguments: the charset that the server named, or nothing; and as JSON what is wanted, if it is not the plain
text: `base`, the address of the page, makes links whole; `main`: only its main part, where it says which one
that is; `images`: images too; `links`: a list of all links behind the text.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any
from urllib.parse import urljoin

from bs4 import BeautifulSoup, Tag
from markdownify import MarkdownConverter

_DROPPED = ["script", "style", "nav", "noscript", "template", "svg", "iframe", "form", "head"]
_AROUND = ["header", "footer", "aside"]
_MAX_LINKS = 300
_MAX_ADDRESS = 2_000


def _main(charset: str, wanted: dict[str, Any]) -> None:
    data = sys.stdin.buffer.read()
    soup = BeautifulSoup(data, "html.parser", from_encoding=charset or None)
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    for tag in soup(_DROPPED):
        tag.decompose()
    part: Tag = _main_part(soup) if wanted.get("main") else soup
    if "base" in wanted:
        _make_whole(part, wanted["base"])
    try:
        strip = [] if wanted.get("images") else ["img"]
        text = MarkdownConverter(heading_style="ATX", strip=strip).convert_soup(part)
    except RecursionError:  # nested without end
        text = part.get_text("\n")
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    print(f"# {title}\n\n{text}" if title and not text.startswith("# ") else text)
    if wanted.get("links"):
        print(_links(part))


def _main_part(soup: BeautifulSoup) -> Tag:
    """Returns what the page says is its main part; else all of it but what stands around."""
    for found in (
        soup.find("main"),
        soup.find(role="main"),
        *soup.find_all("article", limit=2)[:1],
    ):
        if isinstance(found, Tag) and found.get_text(strip=True):
            return found
    for tag in soup(_AROUND):
        tag.decompose()
    return soup


def _make_whole(part: Tag, base: str) -> None:
    for name, key in (("a", "href"), ("img", "src")):
        for tag in part(name):
            whole = _address(base, str(tag.get(key) or ""))
            if whole:
                tag[key] = whole
            else:
                del tag[key]


def _address(base: str, given: str) -> str:
    """Returns a web address as it stands by itself; nothing for what is none, such as a script."""
    try:
        whole = urljoin(base, given.strip())
    except ValueError:
        return ""
    fine = whole.startswith(("http://", "https://")) and len(whole) <= _MAX_ADDRESS
    return re.sub(r"[\s<>()]", lambda found: f"%{ord(found[0]):02X}", whole) if given and fine else ""


def _links(part: Tag) -> str:
    named: dict[str, str] = {}
    for tag in part("a"):
        if tag.get("href"):
            named.setdefault(str(tag["href"]), " ".join(tag.get_text(" ", strip=True).split())[:200])
    lines = [f"- {text or 'link'}: {href}" for href, text in list(named.items())[:_MAX_LINKS]]
    left = len(named) - len(lines)
    return "\n".join(["\n## Links", "", *lines, *([f"- … and {left} more"] if left else [])])


if __name__ == "__main__":
    _main(sys.argv[1], json.loads(sys.argv[2]) if len(sys.argv) > 2 else {})
