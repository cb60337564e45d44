"""Tables as grids and charts, images, and how a terminal draws them."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
import time

import pytest

from holdfast.core.domain.files import FileContent
from holdfast.core.domain.runs import Usage
from holdfast.core.domain.usage import UsageCounts, UsageGroup, UsageSummary
from holdfast.tui.presenters.charts import (
    Choice,
    chart_of,
    first_choice,
    head_line,
    next_along,
    next_kind,
    next_values,
    ticks_of,
    usage_grid,
    usage_line,
)
from holdfast.tui.presenters.entries import CommandView, Entry, TableView, TextView
from holdfast.tui.presenters.graphics import graphics_of
from holdfast.tui.presenters.grids import csv_grid, grid_of, grids_in, markdown_grids, number_of
from holdfast.tui.presenters.pictures import picture_lines
from holdfast.tui.presenters.previews import preview_of
from holdfast.tui.presenters.spans import plain

SALES = 'region,Q2,Q3,note\nnorth,"1,200",$1710,up\nsouth,980,,\neast,(5),4 %,x\n'


def png(width: int, height: int) -> str:
    from PIL import Image

    data = io.BytesIO()
    Image.new("RGB", (width, height), "#102030").save(data, "PNG")
    return base64.b64encode(data.getvalue()).decode()


@pytest.mark.parametrize(
    ("cell", "number"),
    [("1,200", 1200), ("$3.50", 3.5), (" 42 % ", 42), ("(7)", -7), ("−2", -2), ("1e3", 1000), ("Q3", None)],
)
def test_cells_are_read_as_people_write_numbers(cell: str, number: float | None) -> None:
    assert number_of(cell) == number


def test_a_file_of_separated_values_is_a_table_and_its_first_numbers_a_chart() -> None:
    grid = csv_grid(SALES)
    assert grid is not None and grid.numeric == (1, 2)
    choice = first_choice(grid)
    assert choice == Choice(values=1, along=0, kind="bar")
    chart = chart_of(grid, choice)
    assert (chart.name, chart.labels, chart.values) == ("Q2", ("north", "south", "east"), (1200, 980, -5))
    assert plain([head_line(chart)]) == "Q2 by region  3 values · -5 to 1,200"
    other = next_values(grid, choice)
    assert (other.values, next_values(grid, other).values) == (2, 1)
    without = chart_of(grid, other)
    assert without.values == (1710, 4)
    assert "1 row without a number" in without.note, "what is missing is said"
    assert [next_along(grid, choice).along, next_kind(choice).kind] == [2, "line"]


def test_values_at_the_side_are_round_and_within_the_chart() -> None:
    grid = grid_of(("n", "v"), [("a", "130"), ("b", "1710")])
    bars = chart_of(grid, Choice(1, 0, "bar"))
    assert ticks_of(bars) == [0, 500, 1000, 1500]
    points = chart_of(grid, Choice(1, 0, "points"))
    assert ticks_of(points) == [500, 1000, 1500]
    assert ticks_of(chart_of(grid_of(("v", "n"), [("3", "x")]), Choice(0, 1, "line"))) == [3]


def test_a_table_of_words_is_no_chart_and_prose_is_no_table() -> None:
    words = grid_of(("a", "b"), [("x", "y")])
    assert first_choice(words) is None
    said = Entry("1", "tool", blocks=[TextView("Yes, it is.\nNo, it is not, or is it?")])
    assert grids_in(said) == []


def test_many_rows_are_a_line_and_more_bars_than_fit_are_said() -> None:
    grid = grid_of(("n", "v"), [(str(n), str(n * n)) for n in range(100)])
    choice = first_choice(grid)
    assert choice is not None and (choice.kind, choice.along, choice.values) == ("line", 0, 1)
    bars = chart_of(grid, Choice(1, 0, "bar"))
    assert len(bars.values) == 60 and "40 more rows not shown" in bars.note


def test_tables_of_calls_outputs_and_replies_are_found() -> None:
    shown = Entry("1", "tool", blocks=[TableView(("a", "b"), (("1", "2"),))])
    printed = Entry("2", "tool", blocks=[CommandView("q", "/", "day,sum\nMon,3\nTue,4\n", 0)])
    reply = Entry(
        "3", "reply", text="So:\n\n| day | sum |\n|---|--:|\n| Mon | 3 |\n| a\\|b | **4** |\n\nThat."
    )
    assert [grids_in(one)[0].rows for one in (shown, printed, reply)] == [
        (("1", "2"),),
        (("Mon", "3"), ("Tue", "4")),
        (("Mon", "3"), ("a|b", "4")),
    ]


def test_what_was_used_is_a_table_by_day_and_a_sum() -> None:
    counts = Usage(input_tokens=1000, output_tokens=500, cost_usd=0.25)
    group = UsageGroup(key="2026-11-21", runs=2, steps=3, **counts.model_dump())
    total = UsageCounts(runs=2, steps=3, **counts.model_dump())
    summary = UsageSummary(by="day", since=None, until=None, total=total, groups=(group,))
    grid = usage_grid(summary)
    assert grid.rows == (("2026-11-21", "1000", "500", "0.2500", "2", "3"),)
    assert grid.numeric == (1, 2, 3, 4, 5)
    assert plain([usage_line(summary)]) == "1.5k tokens · $0.25 · 2 runs"


def test_previews_say_what_they_are_a_table_an_image_or_neither() -> None:
    table = FileContent(path="a.csv", kind="csv", media_type="text/csv", size=9, text=SALES)
    assert preview_of(table).grid == csv_grid(SALES)
    image = FileContent(path="a.png", kind="image", media_type="image/png", size=9, data=png(4, 4))
    assert preview_of(image).image
    broken = preview_of(image.model_copy(update={"data": "AAAA"}))
    assert not broken.image and "cannot be shown" in plain(broken.lines)


def test_an_image_in_half_blocks_keeps_to_its_room() -> None:
    lines = picture_lines(png(400, 400), 20, 5)
    assert len(lines) == 5
    assert all(len(plain([one])) <= 20 for one in lines)


@pytest.mark.parametrize(
    ("environ", "graphics"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM": "foot-extra"}, "sixel"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "sixel"),
        ({"TERM": "xterm-256color", "KONSOLE_VERSION": "230800"}, "sixel"),
        ({"TERM": "xterm-256color", "KONSOLE_VERSION": "x"}, "blocks"),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1", "TMUX": "/t"}, "blocks"),
        ({"TERM": "xterm-kitty", "TEXTUAL_DRIVER": "web"}, "blocks"),
        ({}, "blocks"),
    ],
)
def test_graphics_are_those_that_the_environment_promises(environ: dict[str, str], graphics: str) -> None:
    assert graphics_of("auto", environ) == graphics
    assert graphics_of("sixel", environ) == "sixel", "a person knows better"


PROBE = """
import sys
import time
sys.__stdout__ = sys.stdout
sys.stdout.isatty = lambda: True
from holdfast.tui.widgets.graphics import load, image_widget
from textual_image import _terminal
def never(*_):
    raise AssertionError("the terminal was asked")
_terminal.capture_terminal_response = never
image = load(sys.argv[1])
print(type(image_widget(image, "kitty", "x")).__name__, _terminal.get_cell_size().width > 0, image.size)
"""


def test_what_draws_graphics_is_loaded_without_asking_the_terminal() -> None:
    command = [sys.executable, "-c", PROBE, png(8, 6)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split("\n")[0] == "TGPImage True (8, 6)", done.stdout + done.stderr
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("cell", ["1e999", "-1e400", "9" * 5000])
def test_a_number_that_no_chart_can_hold_is_none(cell: str) -> None:
    assert number_of(cell) is None
    grid = csv_grid(f"a,b\nx,{cell}\ny,1\nz,2")
    assert grid is not None
    choice = first_choice(grid)
    assert choice is not None
    assert head_line(chart_of(grid, choice))


@pytest.mark.parametrize(
    "text", ["|a\n|-{}x", "|a\n|-|\n|b{}x|{}y", "a|b\n-|-{}|{}x", "|a|b|\n|-|-|\n|-{}x|1{}x|"]
)
def test_no_text_takes_long_to_look_at_for_tables(text: str) -> None:
    began = time.perf_counter()
    for grid in markdown_grids(text.replace("{}", " " * 30_000)):
        assert grid.numeric == ()
    assert time.perf_counter() - began < 1
