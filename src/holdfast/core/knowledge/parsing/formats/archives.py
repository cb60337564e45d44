"""The ZIP archives that Office documents are, looked at before a library unpacks them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from holdfast.core.domain.errors import TooLargeError
from holdfast.core.knowledge.parsing.formats.broken import broken, encrypted, reading
from holdfast.core.knowledge.parsing.media import DOCX, OFFICE_ZIP, PPTX, XLSX

MAX_UNPACKED = 512 * 2**20
"""Bytes that all entries may have together."""
MAX_RATIO = 200
"""How many times larger than the archive they may be, from `RATIO_FROM` on."""
RATIO_FROM = 32 * 2**20
MAX_ENTRIES = 20_000

_MAIN_PARTS = (("word/", DOCX), ("ppt/", PPTX), ("xl/", XLSX))
_TITLE = re.compile(r"<dc:title(?:\s[^>]*)?>([^<]{1,1000})</dc:title>")
_HEAD = 2_048


@contextmanager
def opened(data: bytes, name: str) -> Iterator[zipfile.ZipFile]:
    """Gives the archive when what it declares is within bounds.

    That holds for what it really has, too: `zipfile`, which all of the readers use, gives no more bytes of an
    entry than are declared, and fails when there are more.
    Raises `TooLargeError` (`document_unpacks_too_large`) and `InvalidError` (`document_broken`,
    `document_encrypted`).
    """
    with reading(name), zipfile.ZipFile(BytesIO(data)) as archive:
        _check(archive, len(data), name)
        yield archive


def office_type(archive: zipfile.ZipFile) -> str:
    """Returns which Office document an archive is; `OFFICE_ZIP` when it is none."""
    names = archive.namelist()
    if "[Content_Types].xml" not in names:
        return OFFICE_ZIP
    return next(
        (kind for prefix, kind in _MAIN_PARTS if any(n.startswith(prefix) for n in names)), OFFICE_ZIP
    )


def stated_title(archive: zipfile.ZipFile) -> str:
    """Returns the title among a document's properties, or nothing."""
    try:
        entry = archive.open("docProps/core.xml")
    except KeyError:
        return ""
    with entry:
        found = _TITLE.search(entry.read(65_536).decode(errors="replace"))
    return _unescaped(found[1]) if found else ""


def without_media(archive: zipfile.ZipFile) -> BytesIO:
    """Returns the archive with its pictures, sounds and fonts emptied: there is no text in them."""
    reduced = BytesIO()
    with zipfile.ZipFile(reduced, "w") as out:
        for entry in archive.infolist():
            media = not entry.filename.lower().endswith((".xml", ".rels"))
            out.writestr(entry.filename, b"" if media else archive.read(entry))
    reduced.seek(0)
    return reduced


def _check(archive: zipfile.ZipFile, packed: int, name: str) -> None:
    entries = archive.infolist()
    unpacked = sum(e.file_size for e in entries)
    most = max(RATIO_FROM, min(MAX_UNPACKED, packed * MAX_RATIO))
    if unpacked > most or len(entries) > MAX_ENTRIES:
        raise TooLargeError(
            f"{name} unpacks to {unpacked / 2**20:,.0f} MiB in {len(entries):,} parts, more than is read of "
            "a document of its size: divide it, or save it as PDF or text",
            code="document_unpacks_too_large",
            details={"unpacked": unpacked, "parts": len(entries)},
        )
    for entry in entries:
        if entry.flag_bits & 1:
            raise encrypted(name)
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise broken(name, f"compression {entry.compress_type}")
        if entry.filename.lower().endswith((".xml", ".rels")):
            _check_xml(archive, entry, name)


def _check_xml(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> None:
    """Refuses entities before any XML parser sees them; Office documents have none."""
    with archive.open(entry) as part:
        head = part.read(_HEAD)
    if b"<!DOCTYPE" in head.replace(b"\0", b"").upper():
        raise broken(name, f"a document type declaration in {entry.filename}")


def _unescaped(text: str) -> str:
    for mark, char in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&")):
        text = text.replace(mark, char)
    return text
