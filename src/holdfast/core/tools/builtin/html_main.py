"""Turns the HTML on standard input into Markdown. A program: nothing imports it.

Argument: the charset that the server named, or nothing.
"""

from __future__ import annotations

import re
import sys

from bs4 import BeautifulSoup
from markdownify import MarkdownConverter

_DROPPED = ["script", "style", "nav", "noscript", "template", "svg", "iframe", "form", "head"]


def _main(charset: str) -> None:
    data = sys.stdin.buffer.read()
    soup = BeautifulSoup(data, "html.parser", from_encoding=charset or None)
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    for tag in soup(_DROPPED):
        tag.decompose()
    try:
        text = MarkdownConverter(heading_style="ATX", strip=["img"]).convert_soup(soup)
    except RecursionError:  # nested without end
        text = soup.get_text("\n")
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    print(f"# {title}\n\n{text}" if title and not text.startswith("# ") else text)


if __name__ == "__main__":
    _main(sys.argv[1])
