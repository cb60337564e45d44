"""What is kept of files, and when it is read anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from holdfast.core.config.kept import Kept


def settled(path: Path, text: str, seconds: int) -> None:
    """Writes a file, and makes it so old that no other change can have its time."""
    path.write_text(text)
    os.utime(path, (seconds, seconds))


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr("holdfast.core.config.kept.SETTLED_NS", -1)  # the time of the change is now
    return []


def test_a_file_is_read_again_when_it_has_changed_come_or_gone(tmp_path: Path, readings: list[str]) -> None:
    kept: Kept[str, str] = Kept()
    files = (tmp_path / "one", tmp_path / "two")

    def read() -> str:
        readings.append(" ".join(file.read_text() for file in files if file.exists()))
        return readings[-1]

    assert [kept.get("k", files, read) for _ in range(2)] == ["", ""]
    settled(files[0], "a", 100)
    assert [kept.get("k", files, read) for _ in range(2)] == ["a", "a"]
    settled(files[1], "b", 100)
    assert [kept.get("k", files, read) for _ in range(2)] == ["a b", "a b"]
    settled(files[0], "c", 100)
    assert [kept.get("k", files, read) for _ in range(2)] == ["c b", "c b"]
    files[1].unlink()
    assert [kept.get("k", files, read) for _ in range(2)] == ["c", "c"]
    assert readings == ["", "a", "a b", "c b", "c"]


def test_a_file_that_was_changed_just_now_is_not_relied_on(tmp_path: Path) -> None:
    kept: Kept[str, int] = Kept()
    file = tmp_path / "one"
    file.write_text("a")
    seen = iter(range(10))
    assert [kept.get("k", (file,), lambda: next(seen)) for _ in range(3)] == [0, 1, 2]


def test_what_cannot_be_read_is_not_kept(tmp_path: Path, readings: list[str]) -> None:
    kept: Kept[str, str] = Kept()
    loop = tmp_path / "loop"
    loop.symlink_to(loop)

    def refuse() -> str:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        kept.get("k", (tmp_path / "one",), refuse)
    assert kept.get("k", (tmp_path / "one",), lambda: "right") == "right"
    assert [kept.get("l", (loop,), lambda text=text: text) for text in ("a", "b")] == ["a", "b"]
