"""The table of formats: which function reads which kind. Large libraries are imported with their format."""

from __future__ import annotations

from holdfast.core.domain.errors import UnsupportedError
from holdfast.core.knowledge.parsing.formats.archives import office_type, opened
from holdfast.core.knowledge.parsing.formats.broken import encrypted
from holdfast.core.knowledge.parsing.formats.data import extract_json, extract_notebook
from holdfast.core.knowledge.parsing.formats.markdown import extract_markdown
from holdfast.core.knowledge.parsing.formats.plain import extract_plain
from holdfast.core.knowledge.parsing.media import (
    DOC,
    DOCX,
    HTML,
    JSON,
    MARKDOWN,
    NOTEBOOK,
    OFFICE_ZIP,
    OLE,
    PDF,
    PPTX,
    UNKNOWN,
    XLSX,
)
from holdfast.core.knowledge.parsing.model import Extract

_PLAIN = frozenset(
    {
        *("application/yaml", "application/toml", "application/xml", "application/sql", "application/x-sh"),
        "application/x-ndjson",
    }
)
_WORD, _ENCRYPTED = ("WordDocument".encode("utf-16-le"), "EncryptedPackage".encode("utf-16-le"))
"""Names in the directory of an OLE container."""


def extract(data: bytes, name: str, kind: str) -> tuple[str, Extract]:
    """Returns the text of a document, and its kind as its content tells.

    Raises `UnsupportedError` (`unsupported_format`, `doc_needs_converter`) and what the formats raise.
    """
    if kind in (DOCX, PPTX, XLSX, OFFICE_ZIP):
        with opened(data, name) as archive:
            kind = office_type(archive)
        return kind, _office(data, name, kind)
    if kind in (DOC, OLE):
        return DOC, _old_word(data, name)
    return kind, _other(data, name, kind)


def unsupported(name: str, kind: str) -> UnsupportedError:
    """Returns the error for a kind of file that cannot be read."""
    what = "" if kind == UNKNOWN else f" ({kind})"
    return UnsupportedError(
        f"{name} is of a kind that cannot be read{what}: take PDF, DOCX, PPTX, XLSX, HTML, Markdown, CSV, "
        "JSON, text or source code",
        code="unsupported_format",
        details={"media_type": kind},
    )


def _office(data: bytes, name: str, kind: str) -> Extract:
    if kind == DOCX:
        from holdfast.core.knowledge.parsing.formats.docx import extract_docx

        return extract_docx(data, name)
    if kind == PPTX:
        from holdfast.core.knowledge.parsing.formats.pptx import extract_pptx

        return extract_pptx(data, name)
    if kind == XLSX:
        from holdfast.core.knowledge.parsing.formats.xlsx import extract_xlsx

        return extract_xlsx(data, name)
    raise unsupported(name, kind)


def _old_word(data: bytes, name: str) -> Extract:
    if _ENCRYPTED in data:
        raise encrypted(name)
    if _WORD not in data:
        raise unsupported(name, OLE)
    from holdfast.core.knowledge.parsing.formats.doc import extract_doc

    return extract_doc(data, name)


def _other(data: bytes, name: str, kind: str) -> Extract:
    if kind == PDF:
        from holdfast.core.knowledge.parsing.formats.pdf import extract_pdf

        return extract_pdf(data, name)
    if kind == HTML:
        from holdfast.core.knowledge.parsing.formats.html import extract_html

        return extract_html(data)
    if kind == MARKDOWN:
        return extract_markdown(data)
    if kind == JSON:
        return extract_json(data)
    if kind == NOTEBOOK:
        return extract_notebook(data)
    if kind.startswith("text/") or kind in _PLAIN:
        return extract_plain(data, kind)
    raise unsupported(name, kind)
