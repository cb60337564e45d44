from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from holdfast.core.domain.errors import HoldfastError, InvalidError
from holdfast.core.domain.knowledge import Chunking
from holdfast.core.knowledge.parsing import reading
from holdfast.core.knowledge.parsing.documents import read_document
from holdfast.core.knowledge.parsing.model import Parsed

Read = Callable[..., Parsed]
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)


def _code(call: Callable[[], object]) -> str:
    with pytest.raises(HoldfastError) as caught:
        call()
    assert len(caught.value.message) > 20
    assert caught.value.message.startswith(("shown.", "a.", "There is no file shown", "old.", "deep."))
    assert "/tmp" not in caught.value.message, "a message names the document, not its folder"
    return caught.value.code


def _read(path: Path, max_bytes: int = 1_000) -> Parsed:
    return read_document(path, "shown.md", max_bytes=max_bytes, chunking=Chunking())


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    assert _code(lambda: _read(tmp_path / "pipe.md")) == "not_a_file"
    assert _code(lambda: _read(tmp_path)) == "not_a_file"
    assert _code(lambda: _read(Path("/dev/zero"))) == "not_a_file"
    assert _code(lambda: _read(tmp_path / "gone.md")) == "file_not_found"
    (tmp_path / "loop.md").symlink_to(tmp_path / "loop.md")
    assert _code(lambda: _read(tmp_path / "loop.md")) == "document_unreadable"


def test_no_link_is_followed_that_took_the_place_of_a_file_or_a_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.md").write_text("Words")
    (tmp_path / "file.md").symlink_to("real/a.md")
    (tmp_path / "folder").symlink_to("real")
    assert _read(tmp_path / "real" / "a.md").text == "Words"
    for path in (tmp_path / "file.md", tmp_path / "folder" / "a.md"):
        with pytest.raises(InvalidError, match="it is a link now") as raised:
            _read(path)
        assert raised.value.code == "document_unreadable"


def test_a_file_where_a_folder_was_is_no_link(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("Words")
    with pytest.raises(InvalidError, match="Not a directory"):
        _read(tmp_path / "a" / "b.md")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("Words")
    (tmp_path / "a.md").chmod(0)
    assert _code(lambda: _read(tmp_path / "a.md")) == "document_unreadable"


def test_a_file_that_is_too_large_is_not_read_at_all(tmp_path: Path) -> None:
    with (tmp_path / "huge.txt").open("wb") as file:
        file.truncate(500 * 2**20)
    assert _code(lambda: _read(tmp_path / "huge.txt", 100 * 2**20)) == "document_too_large"


def test_a_file_that_changes_while_it_is_read_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.txt"
    path.write_text("first\n")
    real_read = os.read

    def read_and_append(fd: int, size: int) -> bytes:
        block = real_read(fd, size)
        if block and path.stat().st_size < 50:
            with path.open("a") as file:
                file.write("more\n")
        return block

    monkeypatch.setattr(reading.os, "read", read_and_append)
    with pytest.raises(HoldfastError) as caught:
        _read(path)
    assert (caught.value.code, caught.value.retryable) == ("document_changed", True)


def test_a_document_without_text_says_so(read: Read, make: SimpleNamespace) -> None:
    assert _code(lambda: read("a.txt", b"")) == "document_empty"
    assert _code(lambda: read("a.txt", b" \n\t\n")) == "document_no_text"
    assert _code(lambda: read("a.txt", b"\x0c\x0b\n")) == "document_no_text"
    with pytest.raises(HoldfastError, match="OCR") as caught:
        read("scan.pdf", make.pdf([[], []]))
    assert caught.value.code == "document_no_text"


def test_an_encrypted_document_says_so(read: Read, make: SimpleNamespace) -> None:
    encrypt = (
        "/Encrypt << /Filter /Standard /V 1 /R 2 /O <"
        + "41" * 32
        + "> /U <"
        + "42" * 32
        + "> /P -4 >> /ID [<61> <61>] "
    )
    assert _code(lambda: read("a.pdf", make.pdf([["secret"]], trailer=encrypt))) == "document_encrypted"
    assert _code(lambda: read("a.docx", OLE + "EncryptedPackage".encode("utf-16-le"))) == "document_encrypted"
    data = bytearray(make.docx(["secret"]))
    data[data.rindex(b"PK\x01\x02") + 8] |= 1  # the flag of the last entry
    assert _code(lambda: read("a.docx", bytes(data))) == "document_encrypted"


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.pptx", "a.xlsx"])
def test_a_document_that_breaks_off_is_broken(read: Read, make: SimpleNamespace, name: str) -> None:
    whole = {
        "a.pdf": lambda: b"%PDF-1.7\nnothing follows",
        "a.docx": lambda: make.docx(["x" * 500]),
        "a.pptx": lambda: make.pptx([("a", "b")]),
        "a.xlsx": lambda: make.xlsx({"a": [["b"]]}),
    }[name]()
    assert _code(lambda: read(name, whole[: len(whole) // 2])) == "document_broken"


@pytest.mark.parametrize("part", ["word/document.xml", "xl/workbook.xml", "ppt/presentation.xml"])
def test_an_office_document_of_nonsense_is_broken(read: Read, make: SimpleNamespace, part: str) -> None:
    entries = {"[Content_Types].xml": "<a/>", part: "<unclosed>"}
    assert _code(lambda: read("a.docx", make.zip(entries))) == "document_broken"


def test_entities_in_an_office_document_are_never_expanded(read: Read, make: SimpleNamespace) -> None:
    bomb = '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><d>&a;</d>'
    for text in (bomb.encode(), bomb.encode("utf-16")):
        data = make.docx(["x"], more={"word/footnotes.xml": text})
        assert _code(lambda data=data: read("a.docx", data)) == "document_broken"


def test_a_zip_bomb_is_refused_before_it_is_unpacked(read: Read, make: SimpleNamespace) -> None:
    bomb = make.docx(["x"], more={"word/media/image.bin": bytes(36 * 2**20)})
    assert len(bomb) < 100_000
    assert _code(lambda: read("a.docx", bomb)) == "document_unpacks_too_large"
    many = make.docx(["x"], more={f"x/{i}": b"" for i in range(20_001)})
    assert _code(lambda: read("a.docx", many)) == "document_unpacks_too_large"


def test_a_zip_bomb_that_lies_of_its_size_is_never_unpacked(read: Read, make: SimpleNamespace) -> None:
    data = bytearray(make.docx(["x"], more={"word/footnotes.xml": b"<a>" + bytes(40 * 2**20)}))
    for mark, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = data.rindex(b"word/footnotes.xml") - (46 if mark == b"PK\x01\x02" else 30)
        if data[at : at + 4] == mark:
            struct.pack_into("<I", data, at + offset, 1_000)
    declared = sum(e.file_size for e in zipfile.ZipFile(io.BytesIO(data)).infolist())
    assert declared < 100_000
    assert _code(lambda: read("a.docx", bytes(data))) == "document_broken"


def test_other_ways_of_packing_are_refused(read: Read) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("[Content_Types].xml", "x")
    assert _code(lambda: read("a.docx", out.getvalue())) == "document_broken"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(50)),
        ("a.txt", b"\x7fELF" + bytes(range(256)) * 8),
        ("a", bytes(range(256)) * 8),
        ("a.xls", OLE + "Workbook".encode("utf-16-le")),
        ("a.rtf", b"{\\rtf1 hello}"),
    ],
)
def test_what_cannot_be_read_says_what_can(read: Read, name: str, data: bytes) -> None:
    with pytest.raises(HoldfastError, match="take PDF, DOCX") as caught:
        read(name, data)
    assert caught.value.code == "unsupported_format"


def test_an_archive_that_is_no_document_is_not_supported(read: Read, make: SimpleNamespace) -> None:
    assert _code(lambda: read("a.docx", make.zip({"a.txt": "x"}))) == "unsupported_format"


def test_a_doc_without_a_converter_says_what_to_install(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HoldfastError, match="antiword or LibreOffice") as caught:
        read("old.doc", OLE + "WordDocument".encode("utf-16-le"))
    assert caught.value.code == "doc_needs_converter"


def test_a_document_nested_without_end_is_too_complex(read: Read, make: SimpleNamespace) -> None:
    nested = "<w:tbl><w:tr><w:tc>" * 3_000 + "<w:p/>" + "</w:tc></w:tr></w:tbl>" * 3_000
    data = make.docx([f"</w:t></w:r></w:p>{nested}<w:p><w:r><w:t>"])
    assert _code(lambda: read("deep.docx", data)) in {"document_too_complex", "document_broken"}
