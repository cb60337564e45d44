"""PDF, page by page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from holdfast.core.knowledge.parsing.decoding import clean
from holdfast.core.knowledge.parsing.formats.broken import encrypted, reading
from holdfast.core.knowledge.parsing.formats.pages import joined
from holdfast.core.knowledge.parsing.headings import title_of
from holdfast.core.knowledge.parsing.model import Extract, Heading, Style

MAX_BOOKMARKS = 5_000

_HYPHEN = re.compile("[\ufffe\x02]\r?\n?")
"""What stands for a hyphen at the end of a line whose word goes on."""


def extract_pdf(data: bytes, name: str) -> Extract:
    """Returns the text of all pages; the bookmarks are its headings.

    Raises `InvalidError` (`document_encrypted`, `document_broken`).
    """
    with reading(name, pdfium.PdfiumError):
        document = _opened(data, name)
        try:
            texts = [_text(document, number) for number in range(len(document))]
            text, starts = joined(texts)
            headings = tuple(_bookmarks(document, text, starts))
            title = document.get_metadata_dict().get("Title", "")
        finally:
            document.close()
    return Extract(text, Style.TEXT, title=clean(title), pages=starts, headings=headings)


def _opened(data: bytes, name: str) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if error.err_code in (pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY):
            raise encrypted(name) from error
        raise


def _text(document: pdfium.PdfDocument, number: int) -> str:
    page = document[number]
    try:
        letters = page.get_textpage()
        try:
            return clean(_HYPHEN.sub("", letters.get_text_range()))
        finally:
            letters.close()
    finally:
        page.close()


def _bookmarks(document: pdfium.PdfDocument, text: str, starts: Sequence[int]) -> Iterator[Heading]:
    found = []
    for mark in islice(document.get_toc(), MAX_BOOKMARKS):
        target = mark.get_dest()
        index = target.get_index() if target is not None else None
        title = title_of(clean(mark.get_title()))
        if title and index is not None and 0 <= index < len(starts):
            found.append((mark.level, title, index))
    position = 0
    for level, title, index in found:
        # Chapters follow each other; a bookmark that leads back is no heading of what comes next.
        page_end = starts[index + 1] if index + 1 < len(starts) else len(text)
        begin = max(position, starts[index])
        if begin > page_end:
            continue
        at = text.find(title, begin, page_end)
        start, end = (at, at + len(title)) if at >= 0 else (begin, begin)
        position = end
        yield Heading(start, end, level, title)
