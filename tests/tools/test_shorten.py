from typing import Any

import pytest

from holdfast.core.domain.messages import ImagePart, TextPart
from holdfast.core.domain.tools import CommandBlock, TableBlock, TextBlock, ToolOutput
from holdfast.core.tools.shorten import MAX_DISPLAY_CHARS, MAX_DISPLAY_ROWS, shorten_output

LONG = "".join(f"line {n}\n" for n in range(1000))


def test_what_fits_stays_as_it_is(bench: Any) -> None:
    output = ToolOutput.text("short", TextBlock(text="short"))
    assert shorten_output(output, bench.context()) == output
    assert list(bench.workspace.walk(hidden=True, skip=frozenset())) == []


def test_long_text_is_kept_whole_and_shown_by_its_ends(bench: Any, text: Any) -> None:
    image = ImagePart(blob="b", media_type="image/png")
    output = ToolOutput(content=(TextPart(text=LONG), image), is_error=True)
    short = shorten_output(output, bench.context(max_output_chars=1000, call_id="call/../x\n"))
    shown = text(short)
    assert len(shown) < 1200
    assert shown.startswith("line 0\nline 1\n")
    assert shown.endswith("line 998\nline 999\n")
    assert "the whole is in .holdfast/outputs/x_.txt, read it with read_file" in shown
    assert bench.workspace.read(".holdfast/outputs/x_.txt") == LONG.encode()
    assert short.content[1] == image
    assert short.is_error


def test_the_middle_line_counts_what_is_left_out(bench: Any, text: Any) -> None:
    shown = text(shorten_output(ToolOutput.text("z" * 5000), bench.context(max_output_chars=1000)))
    assert shown.count("z") == 1000
    assert "4,000 of 5,000 characters" in shown


async def test_the_whole_can_be_read_but_is_not_listed(bench: Any, text: Any) -> None:
    shorten_output(ToolOutput.text(LONG), bench.context(max_output_chars=1000))
    assert text(await bench.run("list_files", {})) == "No files."
    assert text(await bench.run("read_file", {"path": ".holdfast/outputs/call-1.txt"})) == LONG


def test_when_the_whole_cannot_be_kept_it_is_said(bench: Any, text: Any) -> None:
    bench.workspace.write(".holdfast", b"a file is in the way")
    shown = text(shorten_output(ToolOutput.text(LONG), bench.context(max_output_chars=1000)))
    assert "could not be kept" in shown
    assert shown.startswith("line 0\n")


@pytest.mark.parametrize("limit", [MAX_DISPLAY_CHARS])
def test_blocks_for_people_are_bounded(bench: Any, limit: int) -> None:
    blocks = (
        TextBlock(text="x" * limit * 3),
        CommandBlock(command="c", cwd="/", output="y" * limit * 3),
        TableBlock(headers=("a",), rows=(("b",),) * (MAX_DISPLAY_ROWS + 1)),
    )
    short = shorten_output(ToolOutput.text("t", *blocks), bench.context()).display
    assert len(short[0].text) < limit + 200  # type: ignore[union-attr]
    assert len(short[1].output) < limit + 200  # type: ignore[union-attr]
    assert len(short[2].rows) == MAX_DISPLAY_ROWS  # type: ignore[union-attr]
