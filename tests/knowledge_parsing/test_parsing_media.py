from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.knowledge.parsing.decoding import clean, decode
from holdfast.core.knowledge.parsing.media import UNKNOWN, media_type_of, takes_in


@pytest.mark.parametrize(
    "name",
    [
        "a.PDF",
        "b/c.docx",
        "README",
        "Makefile",
        "x.py",
        "main.rs",
        "a.json",
        "page.html",
        "t.csv",
        "n.ipynb",
        "a.doc",
    ],
)
def test_a_folder_walk_takes_documents_text_and_code(name: str) -> None:
    assert takes_in(name)


@pytest.mark.parametrize(
    "name",
    [
        "a.png",
        "a.zip",
        "a.exe",
        "a.pyc",
        ".env",
        "key.pem",
        "id_rsa",
        "~$plan.docx",
        "x.min.js",
        "package-lock.json",
        "a.lock",
        "",
        "a.txt.gz",
    ],
)
def test_a_folder_walk_leaves_out_binaries_secrets_and_what_programs_write(name: str) -> None:
    assert not takes_in(name)


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a.txt", b"%PDF-1.4\n", "application/pdf"),
        ("a.pdf", b"\nsome lines before\n%PDF-1.4\n", "application/pdf"),
        ("about.md", b"A file that begins with %PDF-1.4", "text/markdown"),
        ("a.pdf", b"only text", "text/plain"),
        ("a.docx", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("noname", b" <!DOCTYPE html><p>", "text/html"),
        ("noname", b"<?xml version='1.0'?><html>", "text/html"),
        ("feed", b"<?xml version='1.0'?><feed>", "application/xml"),
        ("a.py", b"import os\n", "text/x-python"),
        ("a.txt", bytes(range(256)), "text/plain"),
        ("a.dat", b"\0\1\2\3" * 100, UNKNOWN),
        ("a.mp3", b"\0\1\2\3" * 100, "audio/mpeg"),
        ("a.pdf", b"\0\1\2\3" * 100, UNKNOWN),
        ("song", b"\0\0\0\x18ftypmp42", "video/mp4"),
    ],
)
def test_the_kind_is_known_by_content_then_by_name(name: str, head: bytes, kind: str) -> None:
    assert media_type_of(name, head) == kind


@given(data=st.binary(max_size=600), name=st.text(max_size=12))
def test_any_bytes_have_a_kind_and_a_text_that_can_be_kept(data: bytes, name: str) -> None:
    assert "/" in media_type_of(name, data)
    text = clean(decode(data))
    assert text.encode().decode() == text
    assert not any(c < " " and c not in "\n\t" for c in text)
