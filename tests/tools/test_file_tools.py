import hashlib
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.errors import (
    ConflictError,
    HoldfastError,
    InvalidError,
    OutsideWorkspace,
    ToolError,
)
from holdfast.core.tools.builtin.search_files import MAX_MATCHES, SearchFiles
from holdfast.core.tools.globs import path_matches

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


@pytest.fixture
def write(bench: Any) -> Any:
    return lambda path, content: bench.workspace.write(path, content.encode())


# --- read_file


async def test_a_file_is_read_as_it_is(bench: Any, text: Any, write: Any) -> None:
    write("a/notes.md", "# Notes\r\nsecond\n")
    assert text(await bench.run("read_file", {"path": "./a//notes.md"})) == "# Notes\r\nsecond\n"
    assert bench.subjects("read_file", {"path": "./a//notes.md"}) == ("a/notes.md",)


async def test_lines_are_counted_from_one_and_the_rest_is_told(bench: Any, text: Any, write: Any) -> None:
    write("f", "".join(f"{n}\n" for n in range(1, 11)))
    assert text(await bench.run("read_file", {"path": "f", "offset": 3, "limit": 2})) == (
        "3\n4\n[lines 3-4 of 10; the next is offset=5]"
    )
    assert text(await bench.run("read_file", {"path": "f", "offset": 10})) == "10\n[lines 10-10 of 10]"
    with pytest.raises(ToolError, match="10 lines"):
        await bench.run("read_file", {"path": "f", "offset": 11})


async def test_a_long_file_is_read_in_parts_that_fit(bench: Any, text: Any, write: Any) -> None:
    write("f", "".join(f"line {n}\n" for n in range(1000)))
    first = text(await bench.run("read_file", {"path": "f"}, max_output_chars=1000))
    assert len(first) <= 1000
    offset = int(first.rsplit("offset=", 1)[1].rstrip("]"))
    assert text(await bench.run("read_file", {"path": "f", "offset": offset, "limit": 1})).startswith(
        f"line {offset - 1}\n"
    )
    write("one-line", "x" * 5000)
    assert "[line 1 has 5000 characters" in text(
        await bench.run("read_file", {"path": "one-line"}, max_output_chars=1000)
    )


async def test_an_image_is_given_as_an_image(bench: Any) -> None:
    bench.workspace.write("chart.png", PNG)
    output = await bench.run("read_file", {"path": "chart.png"})
    image = output.content[1]
    assert (image.type, image.media_type, bench.blobs.get(image.blob)) == ("image", "image/png", PNG)
    assert output.display[0].blob == image.blob


@pytest.mark.parametrize(("data", "word"), [(b"%PDF-1.7\xff", "application/pdf"), (b"\0\1", "octet-stream")])
async def test_what_is_no_text_is_said(bench: Any, data: bytes, word: str) -> None:
    bench.workspace.write("f", data)
    with pytest.raises(ToolError, match=word):
        await bench.run("read_file", {"path": "f"})


async def test_a_missing_file_is_told_with_what_is_near(bench: Any, write: Any) -> None:
    write("docs/report.md", "x")
    with pytest.raises(HoldfastError, match=r"Did you mean docs/report\.md"):
        await bench.run("read_file", {"path": "report.md"})


@pytest.mark.parametrize("tool", ["read_file", "write_file", "edit_file", "list_files", "search_files"])
@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "link"])
async def test_no_tool_leaves_the_workspace(bench: Any, tmp_path: Path, tool: str, path: str) -> None:
    (tmp_path / "secret").write_text("canary")
    (bench.workspace.root / "link").symlink_to(tmp_path / "secret")
    given = {"write_file": {"content": "x"}, "edit_file": {"old": "canary", "new": "x"}}.get(tool, {})
    if tool == "search_files":
        given = {"pattern": "canary"}
    with pytest.raises(OutsideWorkspace):
        await bench.run(tool, {"path": path, **given})
    assert (tmp_path / "secret").read_text() == "canary"


# --- list_files


async def test_files_are_listed_with_sizes(bench: Any, text: Any, write: Any) -> None:
    for path in ("b.txt", "a/x.py", "a/deep/y.py", ".hidden", "node_modules/z.py", ".holdfast/outputs/1.txt"):
        write(path, "12")
    output = await bench.run("list_files", {})
    assert text(output) == "a/\na/deep/\na/deep/y.py (2 bytes)\na/x.py (2 bytes)\nb.txt (2 bytes)"
    assert [row[:2] for row in output.display[0].rows] == [
        ("a/deep/y.py", "2"),
        ("a/x.py", "2"),
        ("b.txt", "2"),
    ]
    assert (
        text(await bench.run("list_files", {"pattern": "*.py"})) == "a/deep/y.py (2 bytes)\na/x.py (2 bytes)"
    )
    assert text(await bench.run("list_files", {"path": "a/deep"})) == "a/deep/y.py (2 bytes)"
    assert text(await bench.run("list_files", {"pattern": ".h*"})) == ".hidden (2 bytes)"
    assert text(await bench.run("list_files", {"pattern": "*.rs"})) == "No files match."


async def test_a_long_listing_is_cut_and_says_so(bench: Any, text: Any) -> None:
    for n in range(1005):
        (bench.workspace.root / f"{n:04}").touch()
    lines = text(await bench.run("list_files", {})).split("\n")
    assert len(lines) == 1001
    assert lines[-1] == "[1,000 of 1,005 shown; narrow it with path or pattern]"


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("*.py", "a/b.py", True),
        ("a/*.py", "a/b.py", True),
        ("a/*.py", "a/b/c.py", False),
        ("a/**/*.py", "a/c.py", True),
        ("a/**/*.py", "a/b/b/c.py", True),
        ("**", "a/b", True),
        ("**/x", "x", True),
        ("./a/b", "a/b", True),
        ("[ab].txt", "b.txt", True),
        ("a/" + "*a" * 60 + "b", "a/" + "a" * 200, False),
        ("**/" * 60 + "z", "a/" * 90 + "y", False),
    ],
)
def test_globs(pattern: str, path: str, fits: bool) -> None:
    assert path_matches(pattern, path) is fits


# --- search_files


async def test_matches_are_found_by_line(bench: Any, text: Any, write: Any) -> None:
    write("a.txt", "one\ntwo needle\r\n")
    write("d/b.py", "needle = 1\n")
    bench.workspace.write("binary", b"\0needle")
    output = await bench.run("search_files", {"pattern": r"need\w+"})
    assert text(output) == "a.txt:2: two needle\nd/b.py:1: needle = 1"
    assert output.display[0].rows == (("a.txt", "2", "two needle"), ("d/b.py", "1", "needle = 1"))
    for given in ({"path": "d"}, {"path": "d/b.py"}, {"glob": "*.py"}):
        assert text(await bench.run("search_files", {"pattern": "needle", **given})) == "d/b.py:1: needle = 1"
    assert text(await bench.run("search_files", {"pattern": "(?i)NOWHERE"})) == "No matches."


async def test_a_pattern_that_is_none_is_said(bench: Any, write: Any) -> None:
    write("a", "x")
    with pytest.raises(ToolError, match="no regular expression"):
        await bench.run("search_files", {"pattern": "(["})


async def test_a_catastrophic_pattern_is_stopped(bench: Any, text: Any, write: Any, processes: Any) -> None:
    write("a", "found aaa\n")
    write("b", "a" * 60 + "!\n")
    output = await bench.run(SearchFiles(processes, deadline_s=0.5), {"pattern": "^(a+)+$|found"})
    assert text(output).startswith("a:1: found aaa\n[the search took too long")


async def test_many_matches_and_long_lines_are_cut(bench: Any, text: Any, write: Any) -> None:
    write("a", "x\n" * (MAX_MATCHES + 5))
    lines = text(await bench.run("search_files", {"pattern": "x"})).split("\n")
    assert len(lines) == MAX_MATCHES + 1
    assert f"first {MAX_MATCHES}" in lines[-1]
    write("a", "-" * 2000 + "x" + "-" * 2000)
    line = text(await bench.run("search_files", {"pattern": "x"}))
    assert "x" in line
    assert len(line) < 320


# --- write_file


async def test_writing_shows_the_diff_first(bench: Any, text: Any) -> None:
    given = {"path": "d/report.md", "content": "one\ntwo\n"}
    preview = await bench.preview("write_file", given)
    assert preview.fingerprint == "absent"
    assert preview.blocks[0].created
    assert preview.blocks[0].diff == "--- /dev/null\n+++ b/d/report.md\n@@ -0,0 +1,2 @@\n+one\n+two\n"
    assert list(bench.workspace.walk()) == []
    output = await bench.run("write_file", given)
    assert text(output) == "Created d/report.md (8 bytes)."
    assert output.display == preview.blocks
    assert bench.workspace.read("d/report.md") == b"one\ntwo\n"


async def test_the_fingerprint_is_of_the_content_that_was_shown(bench: Any, write: Any) -> None:
    write("f", "old")
    given = {"path": "f", "content": "new"}
    before = await bench.preview("write_file", given)
    assert before.fingerprint == hashlib.sha256(b"old").hexdigest()
    assert "-old\n\\ No newline at end of file\n+new\n\\ No newline" in before.blocks[0].diff
    write("f", "changed meanwhile")
    assert (await bench.preview("write_file", given)).fingerprint != before.fingerprint


async def test_a_preview_says_when_bytes_are_replaced(bench: Any) -> None:
    bench.workspace.write("f", b"\0\1")
    preview = await bench.preview("write_file", {"path": "f", "content": "x"})
    assert preview.blocks[0].diff == "(replaces 2 bytes that are no text)\n"


async def test_half_a_character_is_refused(bench: Any) -> None:
    with pytest.raises(InvalidError):
        await bench.run("write_file", {"path": "f", "content": "\ud83d"})
    assert list(bench.workspace.walk()) == []


async def test_a_huge_text_is_previewed_quickly(bench: Any, write: Any) -> None:
    write("f", "a\n" * 30_000)
    preview = await bench.preview("write_file", {"path": "f", "content": "b\n" * 30_000})
    assert preview.blocks[0].diff == "(replaces 30000 lines with 30000 lines)\n"


# --- edit_file


async def test_an_edit_replaces_the_one_place(bench: Any, text: Any, write: Any) -> None:
    write("f.py", "a = 1\r\nb = 2\r\n")
    given = {"path": "f.py", "old": "b = 2", "new": "b = 3"}
    preview = await bench.preview("edit_file", given)
    assert preview.fingerprint == hashlib.sha256(b"a = 1\r\nb = 2\r\n").hexdigest()
    assert "-b = 2\r\n+b = 3\r\n" in preview.blocks[0].diff
    assert text(await bench.run("edit_file", given)) == "Edited f.py in one place."
    assert bench.workspace.read("f.py") == b"a = 1\r\nb = 3\r\n"


async def test_an_ambiguous_edit_is_refused_with_the_lines(bench: Any, text: Any, write: Any) -> None:
    write("f", "x\ny\nx\nx\n")
    given = {"path": "f", "old": "x", "new": "z"}
    with pytest.raises(ToolError, match="stands 3 times in f, at lines 1, 3, 4"):
        await bench.preview("edit_file", given)
    with pytest.raises(ToolError, match="3 times"):
        await bench.run("edit_file", given)
    assert text(await bench.run("edit_file", {**given, "all": True})) == "Edited f in 3 places."
    assert bench.workspace.read("f") == b"z\ny\nz\nz\n"


@pytest.mark.parametrize(
    ("content", "old", "hint"),
    [
        ("alpha\n", "beta", "Read the file again"),
        ("    if x:\n", "if x:\n  y", "like line 1"),
        ("a\r\nb\r\n", "a\nb", r"end in \\r\\n"),
    ],
)
async def test_an_edit_of_what_is_not_there_says_why(
    bench: Any, write: Any, content: str, old: str, hint: str
) -> None:
    write("f", content)
    with pytest.raises(ToolError, match=hint):
        await bench.run("edit_file", {"path": "f", "old": old, "new": "z"})


async def test_an_edit_spoils_no_file_that_is_not_utf8(bench: Any) -> None:
    data = b"text " * 2000 + b"\xff old"
    bench.workspace.write("f", data)
    with pytest.raises(ToolError, match="not UTF-8"):
        await bench.run("edit_file", {"path": "f", "old": "old", "new": "new"})
    assert bench.workspace.read("f") == data
    with pytest.raises(ToolError, match="no file"):
        await bench.run("edit_file", {"path": "g", "old": "a", "new": "b"})
    with pytest.raises(ToolError, match="same"):
        await bench.run("edit_file", {"path": "f", "old": "a", "new": "a"})


async def test_a_file_that_changes_under_a_write_is_not_overwritten(bench: Any, write: Any) -> None:
    write("f", "old")

    class Racing:
        """A workspace in which somebody writes right after the file was read."""

        def __getattr__(self, name: str) -> Any:
            return getattr(bench.workspace, name)

        def read(self, path: str, limit: int | None = None) -> bytes:
            data: bytes = bench.workspace.read(path, limit)
            write("f", "somebody else's")
            return data

    with pytest.raises(ConflictError):
        await bench.run("write_file", {"path": "f", "content": "mine"}, workspace=Racing())
    assert bench.workspace.read("f") == b"somebody else's"
