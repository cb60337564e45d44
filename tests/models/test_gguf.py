"""Heads of GGUF files: what they say, and what hostile ones do not do."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.gguf_file import head, write_model

from holdfast.core.domain.errors import ForbiddenError, HoldfastError, InvalidError, NotFoundError
from holdfast.core.models.gguf import check_path, read_head

SAID: dict[str, Any] = {
    "general.architecture": "qwen2",
    "general.name": "Tiny\x1b[2J Qwen",
    "qwen2.context_length": 4_096,
    "tokenizer.ggml.tokens": ["a"] * 1_000,
    "tokenizer.ggml.scores": [0.5] * 1_000,
    "tokenizer.chat_template": "{% if tools %}{{ tools }}{% endif %}",
}


def written(folder: Path, data: bytes, name: str = "m.gguf") -> Path:
    file = folder / name
    file.write_bytes(data)
    return file


def test_a_head_says_what_the_model_is(tmp_path: Path) -> None:
    found = read_head(written(tmp_path, head(SAID)))
    assert (found.architecture, found.context_length) == ("qwen2", 4_096)
    assert found.takes_tools and found.has_template and "\x1b" not in found.title
    write_model(tmp_path / "whole.gguf", ["Hello"])
    whole = read_head(tmp_path / "whole.gguf")
    assert (whole.architecture, whole.title, whole.context_length) == ("llama", "Tiny chain", 512)


def test_a_template_without_tools_takes_none(tmp_path: Path) -> None:
    found = read_head(written(tmp_path, head({**SAID, "tokenizer.chat_template": "{{ messages }}"})))
    assert found.has_template and not found.takes_tools
    bare = read_head(written(tmp_path, head({"general.architecture": "llama"})))
    assert not bare.has_template and bare.context_length is None


HUGE = struct.pack("<Q", 2**62)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GGUF",
        b"ELF!" + head(SAID)[4:],
        head(SAID, version=1),
        head(SAID)[:-10],
        head(SAID)[:16] + HUGE + head(SAID)[24:],
        head({})[:16] + struct.pack("<Q", 1) + HUGE + b"key",
        head({})[:16] + struct.pack("<QQ", 1, 1) + b"k" + struct.pack("<I", 8) + HUGE,
        head({})[:16] + struct.pack("<QQ", 1, 1) + b"k" + struct.pack("<IIQ", 9, 8, 2**61),
        head({})[:16] + struct.pack("<QQ", 1, 1) + b"k" + struct.pack("<IIQ", 9, 9, 1),
        head({})[:16] + struct.pack("<QQ", 1, 1) + b"k" + struct.pack("<I", 99),
        head({})[:16] + struct.pack("<QQ", 1, 2) + b"\xff\xfe" + struct.pack("<II", 4, 1),
    ],
)
def test_what_is_no_model_is_refused_at_once(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InvalidError) as caught:
        read_head(written(tmp_path, data))
    assert caught.value.code == "not_gguf"


def test_texts_that_nobody_asks_for_are_not_kept(tmp_path: Path) -> None:
    texts = {f"note.{number}": "x" * 500_000 for number in range(40)}
    file = written(tmp_path, head({**SAID, **texts}))
    tracemalloc.start()
    try:
        assert read_head(file).context_length == 4_096
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 5_000_000


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 400), byte=st.integers(0, 255), cut=st.integers(0, 400))
def test_any_broken_head_is_read_or_refused(tmp_path: Path, at: int, byte: int, cut: int) -> None:
    data = bytearray(head({**SAID, "tokenizer.ggml.tokens": ["a"], "tokenizer.ggml.scores": [0.5]}))
    data[min(at, len(data) - 1)] = byte
    try:
        read_head(written(tmp_path, bytes(data[: len(data) - cut])))
    except HoldfastError as error:
        assert error.code == "not_gguf"


def test_paths_are_whole_and_lead_to_a_file(tmp_path: Path) -> None:
    file = written(tmp_path, head(SAID))
    assert check_path(str(file)) == file
    (tmp_path / "folder.gguf").mkdir()
    (tmp_path / "loop.gguf").symlink_to(tmp_path / "loop.gguf")
    wrong: list[tuple[str, type[HoldfastError], str]] = [
        ("m.gguf", InvalidError, "path_not_absolute"),
        (f"{tmp_path}/m\0.gguf", InvalidError, "path_not_absolute"),
        (f"{tmp_path}/m.bin", InvalidError, "not_gguf"),
        (f"{tmp_path}/none.gguf", NotFoundError, "file_not_found"),
        (f"{tmp_path}/folder.gguf", InvalidError, "not_a_file"),
        ("/" + "x" * 5_000 + ".gguf", InvalidError, "not_readable"),
    ]
    for path, kind, code in wrong:
        with pytest.raises(kind) as caught:
            check_path(path)
        assert caught.value.code == code
    with pytest.raises((InvalidError, NotFoundError, ForbiddenError)):
        check_path(str(tmp_path / "loop.gguf"))
