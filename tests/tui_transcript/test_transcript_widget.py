"""The transcript in an app: scrolling, following, opening, selecting, searching."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from textual.geometry import Offset
from textual.pilot import Pilot

from holdfast.tui.presenters.entries import Append, Change, CommandView, Entry, Remove, TextView
from holdfast.tui.widgets.transcript import Transcript
from holdfast.tui.widgets.transcript.inline import FILE_LINK

MakeHost = Callable[[], Any]


def messages(first: int, last: int) -> list[Entry]:
    return [Entry(str(n), "reply", n, "r", text=f"message **{n}** says this") for n in range(first, last)]


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Waits, for at most twenty seconds, until `condition` holds."""
    async with asyncio.timeout(20):
        while not condition():
            await pilot.pause(0.01)


async def test_it_opens_at_the_end_and_follows_what_comes(host: MakeHost) -> None:
    async with host().run_test(size=(40, 10)) as pilot:
        view = pilot.app.view
        view.set_entries(messages(0, 50))
        await pilot.pause()
        assert pilot.app.rows()[-1] == "  message 49 says this"
        view.apply([Append(Entry("new", "reply", 99, "r", text="newest"))])
        await pilot.pause()
        assert pilot.app.rows()[-1] == "  newest"
        assert view.following


async def test_a_reader_who_went_up_is_left_there_and_follows_again_at_the_end(host: MakeHost) -> None:
    async with host().run_test(size=(40, 10)) as pilot:
        app, view = pilot.app, pilot.app.view
        view.set_entries(messages(0, 50))
        await pilot.pause()
        await pilot.press("k", "up", "pageup")
        shown = app.rows()
        assert not view.following
        view.apply([Append(Entry("new", "reply", 99, "r", text="newest"))])
        await pilot.pause()
        assert app.rows() == shown
        await pilot.press("end")
        assert app.rows()[-1] == "  newest"
        assert [message.following for message in app.of(Transcript.FollowChanged)] == [False, True]


async def test_home_shows_the_very_first_row_however_wrong_the_guesses_were(host: MakeHost) -> None:
    first = Entry("0", "reply", 0, "r", text="- the first\n" + "- x\n" * 30)
    async with host().run_test(size=(40, 10)) as pilot:
        pilot.app.view.set_entries([first, *messages(1, 4)])
        await pilot.pause()
        await pilot.press("up", "home")
        assert pilot.app.rows()[0] == "  • the first"


async def test_the_output_of_a_running_call_is_drawn_and_its_end_at_once(host: MakeHost) -> None:
    call = Entry("t", "tool", 1, "r", title="make", state="running", open=True)
    async with host().run_test(size=(40, 10)) as pilot:
        view = pilot.app.view
        view.apply([Append(call)])
        for number in range(40):
            call.text = f"line {number}"
            view.apply([Change(call)])
        await until(pilot, lambda: "line 39" in pilot.app.rows()[1])
        call.state, call.open, call.text = "ok", False, "all"
        view.apply([Change(call)])
        await pilot.pause()
        assert pilot.app.rows()[1] == "  │ all"


async def test_scrolling_down_to_the_last_row_follows_again(host: MakeHost) -> None:
    async with host().run_test(size=(40, 10)) as pilot:
        view = pilot.app.view
        view.set_entries(messages(0, 20))
        await pilot.pause()
        await pilot.press("up", "up", "j")
        assert not view.following
        await pilot.press("down")
        assert view.following


async def test_a_growing_reply_is_complete_when_it_is_closed(host: MakeHost) -> None:
    async with host().run_test(size=(40, 10)) as pilot:
        view = pilot.app.view
        entry = Entry("p", "reply", 1, "r", speaker="agent", open=True)
        view.apply([Append(entry)])
        for number in range(300):
            entry.append(f"line {number}\n\n")
            view.apply([Change(entry)])
        entry.append("THE END")
        entry.open = False
        view.apply([Change(entry)])
        await pilot.pause()
        assert pilot.app.rows()[-3:] == ["  line 299", "", "  THE END"]


async def test_a_growing_reply_is_drawn_while_it_grows(host: MakeHost) -> None:
    async with host().run_test(size=(40, 10)) as pilot:
        view = pilot.app.view
        entry = Entry("p", "reply", 1, "r", open=True)
        view.apply([Append(entry)])
        for word in ("one ", "two ", "three"):
            entry.append(word)
            view.apply([Change(entry)])
        await until(pilot, lambda: pilot.app.rows()[0] == "  one two three")


async def test_text_that_grows_out_of_sight_leaves_the_reader_in_place(host: MakeHost) -> None:
    async with host().run_test(size=(40, 10)) as pilot:
        app, view = pilot.app, pilot.app.view
        entry = Entry("p", "reply", 1, "r", text="growing", open=True)
        view.set_entries([*messages(0, 30), entry])
        await pilot.pause()
        await pilot.press("home")
        shown = app.rows()
        entry.append("\n\n".join(["more"] * 30))
        entry.open = False
        view.apply([Change(entry)])
        await pilot.pause()
        assert app.rows() == shown


async def test_older_entries_are_asked_for_once_and_come_in_above(host: MakeHost) -> None:
    async with host().run_test(size=(40, 10)) as pilot:
        app, view = pilot.app, pilot.app.view
        view.set_entries(messages(50, 100))
        await pilot.pause()
        assert app.of(Transcript.OlderNeeded) == []
        await pilot.press("home")
        await pilot.pause()
        assert len(app.of(Transcript.OlderNeeded)) == 1
        shown = app.rows()
        view.prepend(messages(0, 50))
        await pilot.pause()
        # The first entry has an empty row above it now.
        assert app.rows() == ["", *shown[:-1]] or app.rows() == shown
        await pilot.press("home")
        await pilot.pause()
        assert app.rows()[0] == "  message 0 says this"
        assert len(app.of(Transcript.OlderNeeded)) == 2
        view.prepend([])
        await pilot.press("down", "home")
        assert len(app.of(Transcript.OlderNeeded)) == 2


async def test_home_goes_to_the_very_first_entry_over_pages_that_come_later(host: MakeHost) -> None:
    async with host().run_test(size=(40, 10)) as pilot:
        app, view = pilot.app, pilot.app.view
        view.set_entries(messages(200, 300))
        await pilot.press("home")
        for first in (100, 0):
            await pilot.pause()
            assert app.of(Transcript.OlderNeeded)[-1].all
            view.prepend(messages(first, first + 100))
        await pilot.pause()
        assert "message 200 says this" in "".join(app.rows())
        view.prepend([])
        await pilot.pause()
        assert app.rows()[0] == "  message 0 says this"
        assert len(app.of(Transcript.OlderNeeded)) == 3
        await pilot.press("end")
        assert "message 299" in app.rows()[-1]


async def test_a_reader_who_scrolls_meanwhile_does_not_go_to_the_start(host: MakeHost) -> None:
    async with host().run_test(size=(40, 10)) as pilot:
        app, view = pilot.app, pilot.app.view
        view.set_entries(messages(100, 200))
        await pilot.press("home", "pagedown", "pagedown")
        shown = app.rows()
        view.prepend(messages(0, 100))
        view.prepend([])
        await pilot.pause()
        assert app.rows() == shown


@pytest.mark.thorough
async def test_scrolling_leaves_next_to_nothing_to_the_garbage_collector(host: MakeHost) -> None:
    text = "Some **words** and [a link](https://x.org)\n\n- one\n- two\n\n```\nx = 1\n```"
    async with host().run_test(size=(60, 20)) as pilot:
        view = pilot.app.view
        view.set_entries([Entry(str(n), "reply", n, "r", text=text) for n in range(500)])
        await pilot.press(*["pageup"] * 4)
        gc.collect()
        gc.disable()
        try:
            await pilot.press(*["pageup"] * 20)
            assert gc.collect() < 500
        finally:
            gc.enable()


async def test_a_click_on_a_header_opens_and_closes_the_call(host: MakeHost) -> None:
    call = Entry("t", "tool", 1, "r", title="run", state="ok", collapsed=True, blocks=[TextView("output")])
    async with host().run_test(size=(40, 10)) as pilot:
        app = pilot.app
        app.view.set_entries([call, *messages(0, 2)])
        await pilot.pause()
        assert "output" not in "".join(app.rows())
        await pilot.click(Transcript, offset=(5, 0))
        assert app.rows()[1].endswith("│ output")
        await pilot.click(Transcript, offset=(5, 1))
        assert app.rows()[1].endswith("│ output")
        app.view.apply([Change(call)])
        await pilot.pause()
        assert app.rows()[1].endswith("│ output")
        await pilot.click(Transcript, offset=(6, 0))
        assert "output" not in "".join(app.rows())


async def test_the_keyboard_reaches_every_entry(host: MakeHost) -> None:
    call = Entry("t", "tool", 1, "r", title="run", state="ok", collapsed=True, blocks=[TextView("output")])
    queued = Entry("q", "queued", 2, text="later")
    async with host().run_test(size=(40, 12)) as pilot:
        app = pilot.app
        app.view.set_entries([*messages(0, 20), call, queued])
        await pilot.pause()
        await pilot.press("left_square_bracket", "enter")
        assert [m.entry_id for m in app.of(Transcript.EntryActivated)] == ["q"]
        await pilot.press("left_square_bracket", "space")
        assert "▌ │ output" in app.rows()
        await pilot.press("c")
        assert app.clipboard == "output"
        for _ in range(20):
            await pilot.press("left_square_bracket")
        assert app.rows()[0] == "▌ message 0 says this"
        await pilot.press("end", "left_square_bracket", "enter")
        assert app.of(Transcript.EntryActivated)[-1].entry_id == "q", "one goes on from what one sees"


async def test_a_link_is_posted_and_nothing_else_happens(host: MakeHost) -> None:
    async with host().run_test(size=(40, 10)) as pilot:
        app = pilot.app
        app.view.set_entries([Entry("p", "reply", 1, text="see [it](https://a.b/'x)y)")])
        await pilot.pause()
        await pilot.click(Transcript, offset=(6, 0))
        await pilot.pause()
        assert [m.url for m in app.of(Transcript.LinkActivated)] == ["https://a.b/'x"]


async def drag(pilot: Pilot[None], start: tuple[int, int], end: tuple[int, int]) -> None:
    await pilot.mouse_down(Transcript, offset=start)
    await pilot.hover(Transcript, offset=end)
    await pilot.mouse_up(Transcript, offset=end)
    await pilot.pause()


async def test_the_file_with_a_whole_output_can_be_opened_from_the_call(host: MakeHost) -> None:
    ran = CommandView("make", "/w", "first\n…\nlast\n", 0, ".holdfast/outputs/c.txt", 6_800_000)
    async with host().run_test(size=(60, 12)) as pilot:
        app, view = pilot.app, pilot.app.view
        view.set_entries([Entry("t", "tool", 1, "r", title="run_command", state="ok", blocks=[ran])])
        await pilot.pause()
        row = next(y for y, text in enumerate(app.rows()) if ".holdfast/outputs/c.txt" in text)
        assert "6.8 MB" in app.rows()[row]
        await pilot.click(Transcript, offset=(25, row))
        await pilot.pause()
        assert [m.url for m in app.of(Transcript.LinkActivated)] == [f"{FILE_LINK}.holdfast/outputs/c.txt"]


async def test_text_is_selected_over_blocks_and_copied_unwrapped(host: MakeHost) -> None:
    async with host().run_test(size=(30, 12)) as pilot:
        text = "one two three four five six seven eight\n\n- item"
        pilot.app.view.set_entries([Entry("p", "reply", 1, text=text), *messages(0, 1)])
        await pilot.pause()
        assert pilot.app.rows()[:4] == ["  one two three four five", "  six seven eight", "", "  • item"]
        await drag(pilot, (6, 0), (8, 5))
        copied = "two three four five six seven eight\n\nitem\n\nmessage"
        assert pilot.app.screen.get_selected_text() == copied


async def test_a_selection_from_a_gutter_to_below_the_end_takes_everything(host: MakeHost) -> None:
    async with host().run_test(size=(30, 12)) as pilot:
        pilot.app.view.set_entries(messages(0, 2))
        await pilot.pause()
        await drag(pilot, (0, 0), (20, 9))
        assert pilot.app.screen.get_selected_text() == "message 0 says this\n\nmessage 1 says this"


async def test_a_selection_stays_on_its_text_when_something_opens_above(host: MakeHost) -> None:
    call = Entry("t", "tool", 1, "r", title="run", state="ok", collapsed=True, blocks=[TextView("output")])
    async with host().run_test(size=(30, 12)) as pilot:
        view = pilot.app.view
        view.set_entries([call, *messages(0, 2)])
        await pilot.pause()
        await drag(pilot, (2, 2), (8, 2))
        call.collapsed = False
        view.apply([Change(call)])
        await pilot.pause()
        assert pilot.app.screen.get_selected_text() == "message"


async def test_a_double_click_selects_a_word_and_a_triple_one_its_paragraph(host: MakeHost) -> None:
    async with host().run_test(size=(30, 10)) as pilot:
        app = pilot.app
        app.view.set_entries(messages(0, 3))
        await pilot.pause()
        await pilot.click(Transcript, offset=(4, 0), times=2)
        assert app.screen.get_selected_text() == "message"
        await pilot.click(Transcript, offset=(5, 2), times=3)
        assert app.screen.get_selected_text() == "message 1 says this"


async def test_search_counts_and_steps_through_what_is_hidden_too(host: MakeHost) -> None:
    hidden = Entry(
        "t", "tool", 1, "r", title="run", collapsed=True, state="ok", blocks=[TextView("a NEEDLE")]
    )
    entries = [Entry("first", "reply", 1, text="needle at once"), hidden, *messages(0, 40)]
    async with host().run_test(size=(40, 10)) as pilot:
        app, view = pilot.app, pilot.app.view
        view.set_entries([*entries, Entry("last", "user", 2, speaker="you", text="Needle, needle")])
        await pilot.pause()
        assert view.search("needle") == 4
        await pilot.press("home")
        assert view.next_hit()
        assert app.rows()[0] == "  needle at once"
        assert view.next_hit()
        assert "  │ a NEEDLE" in app.rows()
        assert view.next_hit()
        assert "▌ Needle, needle" in app.rows()
        assert view.next_hit()
        assert view.next_hit()
        assert app.rows()[0] == "  needle at once"
        assert view.previous_hit()
        assert "▌ Needle, needle" in app.rows()
        assert view.search("nowhere") == 0
        assert not view.next_hit()
        view.clear_search()


async def test_code_is_drawn_plain_first_and_then_in_colours(host: MakeHost) -> None:
    async with host().run_test(size=(40, 10)) as pilot:
        pilot.app.view.set_entries([Entry("p", "reply", 1, text="```ruby\ndef x; end # why\n```")])
        await pilot.pause()
        assert pilot.app.rows()[0] == "  ▏ def x; end # why"

        def colours() -> int:
            strip = pilot.app.view.render_line(0)
            return len({s.style.color for s in strip if s.style and s.text.strip()})

        await until(pilot, lambda: colours() > 3)


async def test_an_entry_is_scrolled_to_by_its_id(host: MakeHost) -> None:
    async with host().run_test(size=(40, 10)) as pilot:
        pilot.app.view.set_entries(messages(0, 200))
        await pilot.pause()
        pilot.app.view.scroll_to_entry("77")
        await pilot.pause()
        assert "  message 77 says this" in pilot.app.rows()[:2]
        pilot.app.view.scroll_to_entry("unknown")


async def test_another_size_keeps_the_end_and_wraps_anew(host: MakeHost) -> None:
    async with host().run_test(size=(40, 10)) as pilot:
        pilot.app.view.set_entries(messages(0, 50))
        await pilot.pause()
        await pilot.resize_terminal(20, 12)
        await pilot.pause()
        assert pilot.app.rows()[-2:] == ["  message 49 says", "  this"]


async def test_a_tiny_window_and_no_entries_are_no_trouble(host: MakeHost) -> None:
    async with host().run_test(size=(4, 2)) as pilot:
        view = pilot.app.view
        await pilot.press("left_square_bracket", "enter", "c", "home", "end")
        view.set_entries(messages(0, 5))
        await pilot.pause()
        view.apply([Remove("3"), Remove("unknown"), Change(Entry("unknown", "reply", 1))])
        view.clear()
        await pilot.pause()
        assert view.render_line(0).text.strip() == ""


async def test_no_escape_is_ever_drawn_and_markup_is_text(host: MakeHost) -> None:
    text = "[bold]x[/bold] [@click=app.quit]q[/] $accent [/nothing]"
    async with host().run_test(size=(80, 12)) as pilot:
        entries = [
            Entry("u", "user", 1, speaker="[b]you[/b]", text=text),
            Entry("t", "tool", 1, title="[b]", subject=text, state="ok", blocks=[TextView(text)]),
            Entry("p", "reply", 1, text=f"```\n{text}\n```"),
        ]
        pilot.app.view.set_entries(entries)
        await pilot.pause()
        rows = pilot.app.rows()
        assert sum("[bold]x[/bold]" in row for row in rows) == 4
        drawn = [pilot.app.view.render_line(y) for y in range(12)]
        assert not any(set(segment.text) & set(map(chr, range(32))) for strip in drawn for segment in strip)
        assert not any("@click" in (s.style.meta if s.style else {}) for strip in drawn for s in strip)


async def test_no_style_of_the_transcript_depends_on_order(host: MakeHost) -> None:
    async with host().run_test(size=(40, 10)) as pilot:
        view = pilot.app.view
        assert not view._has_order_style
        assert not view._has_odd_or_even
        assert view.get_style_at(0, 0) is not None
        assert view.screen.get_widget_and_offset_at(3, 3)[1] in (None, Offset(0, 0))


def test_the_widget_loads_without_what_the_first_paint_must_not_wait_for() -> None:
    code = (
        "import sys, holdfast.tui.widgets.transcript, holdfast.tui.presenters.entries\n"
        "heavy = ['pydantic', 'httpx', 'typer', 'rich.markdown', 'markdown_it', 'pygments']\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.stdout.strip(), ran.stderr) == ("[]", "")
