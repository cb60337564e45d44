"""Logs are read from their ends, through rotations, without secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.core.config.paths import Paths
from holdfast.core.domain.errors import InvalidError
from holdfast.core.services import logs
from holdfast.core.services.logs import LogReader

RECORDS = ("ERROR holdfast: bug\n  Traceback (most recent call last):\n  ValueError: x", "INFO x: y")
STAMP = "2026-11-22 03:27:35,33"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths.resolve({"HOLDFAST_HOME": str(tmp_path)})
    found.make()
    return found


@pytest.fixture
def reader(paths: Paths) -> LogReader:
    return LogReader(paths, lambda text: text.replace("sk-secret", "[redacted]"))


def write(path: Path, *records: str) -> None:
    with path.open("a") as stream:
        stream.writelines(f"{STAMP}{n % 10} {record}\n" for n, record in enumerate(records))


def texts(page: logs.LogPage) -> list[str]:
    return [line.text for line in page.lines]


def test_a_log_that_is_not_there_is_empty(reader: LogReader) -> None:
    page = reader.read()
    assert page.lines == () and page.before is None
    assert reader.read(after=page.after).lines == ()


def test_the_last_lines_come_first_and_older_ones_when_asked_for(paths: Paths, reader: LogReader) -> None:
    write(paths.engine_log.with_name("engine.log.1"), "INFO holdfast: a", "INFO holdfast: b")
    write(paths.engine_log, "WARNING holdfast.tools: c", "INFO holdfast: d")
    page = reader.read(limit=3)
    assert texts(page) == ["b", "c", "d"]
    assert (page.lines[1].level, page.lines[1].source) == ("warning", "holdfast.tools")
    assert page.lines[1].at.startswith("2026-11-22 03:27:35")
    older = reader.read(limit=3, before=page.before)
    assert texts(older) == ["a"] and older.before is None


def test_what_is_written_next_is_followed_also_over_a_rotation(paths: Paths, reader: LogReader) -> None:
    write(paths.engine_log, "INFO holdfast: a")
    after = reader.read().after
    with paths.engine_log.open("a") as stream:
        stream.write(f"{STAMP}1 INFO holdfast: half")
    page = reader.read(after=after)
    assert page.lines == (), "a line that has not ended is left for later"
    with paths.engine_log.open("a") as stream:
        stream.write(" and half\n")
    paths.engine_log.rename(paths.engine_log.with_name("engine.log.1"))
    write(paths.engine_log, "INFO holdfast: b")
    page = reader.read(after=page.after)
    assert texts(page) == ["half and half", "b"]
    assert texts(reader.read(after=page.after)) == []
    assert texts(reader.read(after="999999999.5")) == ["a", "half and half", "b"], "it was rotated away"


def test_a_traceback_is_one_record(paths: Paths, reader: LogReader) -> None:
    write(
        paths.engine_log,
        "ERROR holdfast: bug\n  Traceback (most recent call last):\n  ValueError: x",
        "INFO x: y",
    )
    assert texts(reader.read()) == ["bug\n  Traceback (most recent call last):\n  ValueError: x", "y"]
    (paths.logs / "cli.log").write_text(
        "2026-11-22T03:27:35.3+00:00 1f holdfast 0.1\nTraceback (most recent call last):\nValueError: x\n\n"
    )
    (bug,) = reader.read("app").lines
    assert bug.level == "error" and bug.text.endswith("ValueError: x")


def test_lines_are_chosen_by_level_and_words(paths: Paths, reader: LogReader) -> None:
    write(
        paths.engine_log,
        "INFO holdfast: engine ready",
        "WARNING holdfast.models: slow",
        "ERROR x: Engine gone",
    )
    assert texts(reader.read(level="warning")) == ["slow", "Engine gone"]
    assert texts(reader.read(words="ENGINE")) == ["engine ready", "Engine gone"]
    assert texts(reader.read(words="models slow")) == ["slow"]
    first = reader.read(words="engine", limit=1)
    assert texts(reader.read(words="engine", limit=1, before=first.before)) == ["engine ready"]


def test_neither_secrets_nor_escapes_come_out(paths: Paths, reader: LogReader) -> None:
    key = "hf_" + "a" * 43
    (paths.logs / "model-worker.log").write_text(f"ERROR with sk-secret and {key}\x1b[2J\n  more\nplain\n")
    first, second = reader.read("models").lines
    assert first.text == "ERROR with [redacted] and hf_…[2J\n  more"
    assert (first.level, second.level, second.text) == ("error", "info", "plain")


def test_a_progress_bar_hides_nothing_that_comes_after_it(paths: Paths, reader: LogReader) -> None:
    (paths.logs / "knowledge-worker.log").write_bytes(b"first\nload 10%\rload 20%\rdone\nlast\n")
    page = reader.read("knowledge")
    assert len(page.lines) == 3
    assert texts(page)[-1] == "last"


def test_only_the_end_of_a_large_file_is_read(
    paths: Paths, reader: LogReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "MOST_BYTES", 200)
    write(paths.engine_log, *(f"INFO holdfast: record {n}" for n in range(50)))
    page = reader.read(words="record")
    assert 2 <= len(page.lines) <= 4
    assert page.lines[-1].text == "record 49"


def test_a_place_that_is_none_is_refused(reader: LogReader) -> None:
    with pytest.raises(InvalidError, match="no place"):
        reader.read(before="x.1")
