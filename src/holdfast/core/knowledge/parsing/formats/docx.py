"""DOCX, as Markdown."""

from __future__ import annotations

import re

from markitdown import StreamInfo
from markitdown.converters import DocxConverter

from holdfast.core.knowledge.parsing.decoding import clean
from holdfast.core.knowledge.parsing.formats.archives import opened, stated_title, without_media
from holdfast.core.knowledge.parsing.formats.broken import reading
from holdfast.core.knowledge.parsing.formats.markdown import first_heading
from holdfast.core.knowledge.parsing.model import Extract, Style

_IMAGE = re.compile(r"!\[([^\]\n]{0,1000})\]\((?:data:)?[^)\n]{0,200}\)")


def extract_docx(data: bytes, name: str) -> Extract:
    """Returns the text with its headings, lists, tables and formulas; of pictures their descriptions."""
    with opened(data, name) as archive:
        title = stated_title(archive)
        reduced = without_media(archive)
    with reading(name):
        result = DocxConverter().convert(  # type: ignore[no-untyped-call]
            reduced,
            StreamInfo(extension=".docx"),
            strict=True,
            escape_asterisks=False,
            escape_underscores=False,
        )
    text = clean(_IMAGE.sub(r"\1", result.markdown))
    return Extract(text, Style.MARKDOWN, title=clean(title) or first_heading(text))
