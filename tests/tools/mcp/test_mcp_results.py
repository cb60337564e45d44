from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from holdfast.core.domain.messages import ImagePart, TextPart, text_of
from holdfast.core.domain.tools import CodeBlock, ImageBlock
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.tools.mcp.limits import MAX_IMAGES, MAX_PARTS, MAX_RESULT_CHARS
from holdfast.core.tools.mcp.port import RawResult
from holdfast.core.tools.mcp.results import output_of

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobs:
    return FileBlobs(tmp_path / "blobs")


def text(value: str) -> dict[str, object]:
    return {"type": "text", "text": value}


def test_an_image_becomes_a_blob_of_its_true_type(blobs: FileBlobs) -> None:
    data = base64.b64encode(PNG).decode()
    output = output_of(RawResult(({"type": "image", "data": data, "mimeType": "image/jpeg"},)), blobs)

    (part,) = output.content
    assert isinstance(part, ImagePart) and part.media_type == "image/png"
    assert blobs.get(part.blob) == PNG
    assert isinstance(output.display[0], ImageBlock)


def test_what_only_claims_to_be_an_image_is_named_and_not_kept(blobs: FileBlobs) -> None:
    part = {"type": "image", "data": base64.b64encode(b"<script>").decode(), "mimeType": "image/png\x1b[2J"}

    said = text_of(output_of(RawResult((part, {**part, "data": "%%%"})), blobs).content)

    assert said.count("claims to be an image") == 2 and "\x1b" not in said


def test_structured_content_is_shown_unless_a_text_says_the_same(blobs: FileBlobs) -> None:
    value = {"rows": [1, 2]}
    same = output_of(RawResult((text(json.dumps(value)),), value), blobs)
    wrapped = output_of(RawResult((text("3"),), {"result": 3}), blobs)
    other = output_of(RawResult((text("two rows"),), value), blobs)

    assert len(same.content) == len(wrapped.content) == 1
    assert json.loads(text_of(other.content[1:])) == value
    assert isinstance(other.display[1], CodeBlock)


def test_structured_content_that_is_nested_deep_takes_no_more_room_than_it_came_in(blobs: FileBlobs) -> None:
    value: list[object] = []
    for _ in range(200):
        value = [value, *[0] * 50]

    shown = output_of(RawResult((), value), blobs)

    assert json.loads(text_of(shown.content)) == value
    assert len(text_of(shown.content)) < 200 * 50 * 4


def test_resources_are_shown_as_text(blobs: FileBlobs) -> None:
    parts = (
        {"type": "resource", "resource": {"uri": "note://1", "text": "a note"}},
        {"type": "resource", "resource": {"uri": "bin://1", "blob": "AAAA", "mimeType": "application/zip"}},
        {"type": "resource_link", "uri": "note://2", "name": "two"},
        {"type": "audio", "data": "AAAA", "mimeType": "audio/wav"},
    )
    said = text_of(output_of(RawResult(parts), blobs).content)

    assert "a note" in said and "application/zip" in said and "note://2" in said and "audio/wav" in said


def test_a_result_of_too_much_is_cut(blobs: FileBlobs) -> None:
    long = output_of(RawResult((text("x" * (MAX_RESULT_CHARS + 5)), text("y"))), blobs)
    many = output_of(RawResult((text("x"),) * (MAX_PARTS + 5)), blobs)
    data = base64.b64encode(PNG).decode()
    images = output_of(RawResult(({"type": "image", "data": data},) * (MAX_IMAGES + 3)), blobs)

    assert len(text_of(long.content)) < MAX_RESULT_CHARS + 100
    assert len(many.content) == MAX_PARTS + 1
    assert sum(isinstance(part, ImagePart) for part in images.content) == MAX_IMAGES


def test_an_error_stays_one_and_nothing_is_said_to_be_nothing(blobs: FileBlobs) -> None:
    output = output_of(RawResult(is_error=True), blobs)

    assert output.is_error
    assert output.content == (TextPart(text="(The tool gave no result.)"),)
