"""Documents of every format, made on the spot."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from holdfast.core.domain.knowledge import Chunking
from holdfast.core.knowledge.parsing.documents import read_document
from holdfast.core.knowledge.parsing.model import Parsed

Read = Callable[..., Parsed]

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'wordprocessingml.document.main+xml"/></Types>'
)
_RELS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
    'officeDocument" Target="word/document.xml"/></Relationships>'
)
_STYLES = (
    f'<?xml version="1.0"?><w:styles xmlns:w="{_W}"><w:style w:type="paragraph" w:styleId="Heading1">'
    '<w:name w:val="heading 1"/></w:style></w:styles>'
)


def make_zip(entries: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


def make_docx(
    paragraphs: Sequence[str],
    *,
    heading: str = "",
    title: str = "",
    more: Mapping[str, str | bytes] | None = None,
) -> bytes:
    styled = f'<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>{heading}</w:t></w:r></w:p>'
    body = (styled if heading else "") + "".join(f"<w:p><w:r><w:t>{p}</w:t></w:r></w:p>" for p in paragraphs)
    entries: dict[str, str | bytes] = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": _RELS,
        "word/styles.xml": _STYLES,
        "word/document.xml": f'<w:document xmlns:w="{_W}"><w:body>{body}</w:body></w:document>',
        "word/_rels/document.xml.rels": _RELS.replace('officeDocument"', 'styles"').replace(
            "word/document.xml", "styles.xml"
        ),
    }
    if title:
        entries["docProps/core.xml"] = f"<c><dc:title>{title}</dc:title></c>"
    return make_zip(entries | dict(more or {}))


def make_pptx(slides: Sequence[tuple[str, str]], *, notes: str = "") -> bytes:
    from pptx import Presentation

    deck = Presentation()
    for title, text in slides:
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = text
        if notes:
            slide.notes_slide.notes_text_frame.text = notes
    out = io.BytesIO()
    deck.save(out)
    return out.getvalue()


def make_xlsx(sheets: Mapping[str, Sequence[Sequence[Any]]]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def make_pdf(
    pages: Sequence[Sequence[str]], *, title: str = "", bookmarks: Sequence[str] = (), trailer: str = ""
) -> bytes:
    """A PDF whose pages have these lines; the bookmarks lead to the pages in turn."""
    objects: dict[int, bytes] = {3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"}
    kids: list[int] = []
    number = 4
    for lines in pages:
        shown = "".join(f"({line}) Tj T*\n" for line in lines)
        stream = f"BT /F1 10 Tf 50 800 Td 14 TL\n{shown}ET".encode("latin-1")
        objects[number] = b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream)
        objects[number + 1] = (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % number
        )
        kids.append(number + 1)
        number += 2
    outline, first = number, number + 1
    for index, mark in enumerate(bookmarks):
        following = f"/Next {first + index + 1} 0 R " if index + 1 < len(bookmarks) else ""
        objects[first + index] = (
            f"<< /Title ({mark}) /Parent {outline} 0 R {following}/Dest [{kids[index]} 0 R /Fit] >>".encode()
        )
    last = first + len(bookmarks) - 1
    objects[outline] = (
        f"<< /Type /Outlines /First {first} 0 R /Last {last} 0 R >>" if bookmarks else "<< /Type /Outlines >>"
    ).encode()
    info = first + len(bookmarks)
    objects[info] = f"<< /Title ({title}) >>".encode()
    objects[1] = f"<< /Type /Catalog /Pages 2 0 R /Outlines {outline} 0 R >>".encode()
    objects[2] = (
        f"<< /Type /Pages /Kids [{' '.join(f'{k} 0 R' for k in kids)}] /Count {len(kids)} >>".encode()
    )
    out = io.BytesIO(b"%PDF-1.4\n")
    out.seek(0, io.SEEK_END)
    offsets = []
    for key in sorted(objects):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (key, objects[key]))
    at = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % offset for offset in offsets))
    out.write(f"trailer << /Size {len(objects) + 1} /Root 1 0 R /Info {info} 0 R {trailer}>>\n".encode())
    out.write(b"startxref\n%d\n%%%%EOF\n" % at)
    return out.getvalue()


@pytest.fixture
def make() -> SimpleNamespace:
    """Makers of documents: `make.docx(…)`, `.pptx`, `.xlsx`, `.pdf`, `.zip`; each returns bytes."""
    return SimpleNamespace(docx=make_docx, pptx=make_pptx, xlsx=make_xlsx, pdf=make_pdf, zip=make_zip)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Writes bytes to a file of the name given and reads it, in this process."""

    def _read(
        name: str, data: bytes | str, *, max_bytes: int = 10**8, media_type: str = "", **chunking: int
    ) -> Parsed:
        path = tmp_path / "document"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return read_document(
            path, name, max_bytes=max_bytes, chunking=Chunking(**chunking), media_type=media_type
        )

    return _read
