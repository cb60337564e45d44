"""What is printed: tables, previews, JSON, the two streams of a run."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from cli_fakes import approval_of
from hypothesis import given
from hypothesis import strategies as st

from holdfast.cli.output import (
    advise,
    ago,
    amount,
    cells,
    fit,
    fold,
    json_line,
    plain,
    short_ids,
    table,
    visible,
    when,
)
from holdfast.cli.previews import block_lines, preview_lines
from holdfast.cli.running.console import Console
from holdfast.cli.running.reporter import summary
from holdfast.core.domain import tools
from holdfast.core.domain.text import sanitize

ROWS = st.integers(1, 5).flatmap(
    lambda n: st.lists(st.lists(st.text(max_size=40).map(sanitize), min_size=n, max_size=n), min_size=1)
)


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@given(st.text(max_size=60), st.integers(1, 30))
def test_a_fitted_text_is_never_wider_than_asked(text: str, width: int) -> None:
    text = sanitize(text)
    assert cells(fit(text, width)) <= width
    assert cells(text) > width or fit(text, width) == text


@given(ROWS, st.integers(25, 200))
def test_a_table_never_is_wider_than_the_terminal(rows: list[list[str]], width: int) -> None:
    assert all(cells(line) <= width for line in table(rows, width))


def test_wide_characters_keep_columns_aligned() -> None:
    assert table([["漢字", "x"], ["e\u0301", "y"]], None) == ["漢字  x", "e\u0301     y"]


@given(st.text())
def test_visible_text_hides_nothing_and_controls_nothing(text: str) -> None:
    shown = visible(text)
    assert sanitize(shown) == shown
    assert all(c in shown for c in sanitize(text.replace("\r", "")))


def test_visible_writes_control_characters_out() -> None:
    assert visible("a\r\nb\rc\x1b[8m\u202e") == "a\nb\\x0dc\\x1b[8m\\u202e"
    assert visible("tea\U000e0061\u2060") == "tea\\U000e0061\\u2060"


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_lines_keep_their_value_without_control_characters(value: object) -> None:
    text = json_line(json.dumps(value, ensure_ascii=False))
    assert json.loads(text) == value
    assert sanitize(text) == text


def test_models_in_any_depth_become_plain_json() -> None:
    item = tools.PlanItem(text="x")
    assert plain({"a": (item, None)}) == {"a": [{"text": "x", "status": "pending"}, None]}


@given(st.lists(st.text("abc0", min_size=9, max_size=14), unique=True))
def test_short_ids_tell_ids_apart(ids: list[str]) -> None:
    short = short_ids(ids)
    assert len(set(short.values())) == len(ids)
    assert all(full.startswith(start) and len(start) >= 8 for full, start in short.items())


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "now"), (-9, "now"), (61, "1m"), (7300, "2h"), (86_400 * 3, "3d")]
)
def test_ages_are_short(seconds: int, text: str) -> None:
    assert ago(datetime.now(UTC) - timedelta(seconds=seconds)) == text


def test_old_ages_are_dates_and_sizes_have_units() -> None:
    assert ago(datetime(2020, 5, 17, 12, tzinfo=UTC)) == "2020-05-17"
    assert [amount(n) for n in (0, 1023, 2150, 5_000_000)] == ["0 B", "1.0 KB", "2.1 KB", "5.0 MB"]


@pytest.mark.parametrize(
    ("block", "lines"),
    [
        (
            tools.DiffBlock(path="a\x1bb.md", diff="--- a\n+++ b\n@@\n-x\n+y\x9b\n", created=True),
            ["new file a\\x1bb.md", "--- a", "+++ b", "@@", "-x", "+y\\x9b"],
        ),
        (
            tools.CommandBlock(command="make\nrm x", cwd="/w", output="ok\n"),
            ["in /w", "$ make", "  rm x", "ok"],
        ),
        (tools.CodeBlock(language="python", text="x = 1\n"), ["python", "x = 1"]),
        (tools.TextBlock(text="a\nb"), ["a", "b"]),
        (tools.TextBlock(text=""), []),
        (
            tools.TableBlock(headers=("a", "b"), rows=(("long\nx",), ("1", "2", "3"))),
            ["a       b", "long x", "1       2  3"],
        ),
        (tools.ImageBlock(blob="0", media_type="image/png"), ["[image: image/png]"]),
        (tools.ArgumentsBlock(arguments={"a": 1}), ["{", '  "a": 1', "}"]),
        (tools.PlanBlock(items=(tools.PlanItem(text="go", status="completed"),)), ["[x] go"]),
    ],
)
def test_every_block_has_its_lines(block: tools.DisplayBlock, lines: list[str]) -> None:
    assert [line.text for line in block_lines(block)] == lines


def test_an_approval_without_a_preview_shows_its_arguments() -> None:
    lines = [line.text for line in preview_lines(approval_of("x", preview=(), arguments={"url": "http://x"}))]
    assert lines == ["{", '  "url": "http://x"', "}"]


def test_the_summary_of_a_call_is_one_short_line() -> None:
    assert summary({"path": "a\nb\x1b"}) == "a b"
    assert summary({"path": "a", "n": 3}) == "path=a n=3"
    assert summary({}) == ""
    assert len(summary({"text": "x" * 500})) == 100


@given(st.lists(st.text("ab\r\n\x1b")))
def test_a_reply_in_pieces_reads_like_the_reply_at_once(pieces: list[str]) -> None:
    out = io.StringIO()
    console = Console(out, io.StringIO())
    for piece in pieces:
        console.reply(piece)
    whole = sanitize("".join(pieces).removesuffix("\r"))
    assert out.getvalue() == whole
    console.end_reply()
    assert out.getvalue() == (whole if not whole or whole.endswith("\n") else whole + "\n")


def test_a_line_of_status_never_lands_inside_the_reply_on_a_shared_screen() -> None:
    screen = Screen()
    console = Console(screen, screen)
    console.reply("half")
    console.transient("working")
    console.line("status")
    console.reply("more")
    console.end_reply()
    assert "half\nstatus\n" in screen.getvalue()
    assert "halfworking" not in screen.getvalue()


def test_a_transient_line_is_taken_away_before_anything_else_is_written() -> None:
    screen = Screen()
    console = Console(io.StringIO(), screen, columns=20)
    console.transient("working \x1b[31m" + "x" * 50)
    console.line("done")
    console.withdraw()
    drawn = screen.getvalue()
    assert "\r\x1b[Kdone\n" in drawn
    assert "\x1b[31m" not in drawn
    assert drawn.endswith("\r\x1b[K")


def test_a_prompt_stays_below_what_is_written_until_it_is_answered() -> None:
    screen = Screen()
    console = Console(io.StringIO(), screen)
    console.prompt("edit > ")
    console.line("news")
    console.transient("working")
    assert screen.getvalue().endswith("edit > \x1b[0m")
    console.answered()
    console.line("after")
    assert screen.getvalue().endswith("after\n\x1b[2mworking\x1b[0m")


def test_nothing_transient_is_written_where_there_is_no_terminal() -> None:
    err = io.StringIO()
    console = Console(io.StringIO(), err)
    console.transient("working")
    console.prompt("edit > ")
    console.withdraw()
    assert err.getvalue() == ""


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen()
    Console(io.StringIO(), screen).line("bad", "bad")
    assert screen.getvalue() == "bad\n"


def test_a_folded_message_breaks_between_words_only() -> None:
    text = "holdfast: The key was refused by https://bench.example.org:8700; make another one"
    lines = fold(text, 30).split("\n")
    assert " ".join(lines) == text
    assert all(len(line) <= 30 for line in lines if " " in line)
    assert fold("one\ntwo", 30) == "one\ntwo"


def test_messages_are_folded_for_people_and_whole_for_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    advise("one message of several words")
    assert capsys.readouterr().err == "one message of several words\n"
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    advise("one message of several words")
    assert screen.getvalue() == "one message of\nseveral words\n"


def test_a_point_of_time_is_shown_with_how_long_ago_it_was() -> None:
    now = datetime.now(UTC)
    assert when(now).endswith(" (now)")
    before = now - timedelta(minutes=5)
    assert when(before) == f"{before.astimezone():%Y-%m-%d %H:%M} (5m ago)"
    long_before = now - timedelta(days=60)
    assert when(long_before) == f"{long_before.astimezone():%Y-%m-%d %H:%M}"
