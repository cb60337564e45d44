"""Finding in a session as one types: what is not on the screen counts, and is shown when it is wanted."""

from __future__ import annotations

from fake_workbench import FakeWorkbench

from holdfast.tui.presenters.entries import CommandView, DiffView, Entry
from holdfast.tui.presenters.finding import Places, count_line, word_in
from holdfast.tui.presenters.jumps import is_a, outline
from holdfast.tui.presenters.spans import plain


def reply(number: int, text: str) -> Entry:
    return Entry(str(number), "reply", number, "r", text=text)


def test_places_are_counted_over_what_is_here_and_what_is_not() -> None:
    places = Places()
    here = [reply(10, "a nail, a Nail"), reply(11, "none")]
    places.add_older([reply(5, "nail")])
    places.add_older([reply(1, "NAIL and nail")])
    places.search("nail", here)
    assert places.total == 5
    assert places.number("10", 1, 2) == 5
    assert plain([count_line(places, 5)]) == "5 of 5 …"
    places.complete = True
    assert plain([count_line(places, 5)]) == "5 of 5"


def test_what_became_part_of_the_screen_is_counted_once() -> None:
    places = Places()
    places.add_older([reply(1, "nail")])
    places.search("nail", [reply(1, "nail"), reply(2, "nail")])
    assert places.total == 2
    assert places.above == 0


def test_signs_of_markdown_that_nobody_sees_are_no_places_once_they_were_looked_at() -> None:
    places = Places()
    here = [reply(1, "[x](https://x.org)"), reply(2, "x")]
    places.search("x", here)
    assert places.total == 3
    assert places.number("1", 0, 1) == 1
    assert places.total == 2
    places.search("x", here)
    assert places.total == 2, "it stays counted so"
    assert places.number("2", 0, 1) == 2


def test_the_nearest_place_that_is_not_on_the_screen_is_the_next_before_it() -> None:
    places = Places()
    places.add_older([reply(5, "nail"), reply(7, "nothing")])
    places.add_older([reply(1, "nail")])
    places.search("nail", [reply(10, "nail")])
    before = places.further(10, -1)
    assert before is not None and before.event_id == 5
    round_the_end = places.further(10, 1)
    assert round_the_end is not None and round_the_end.event_id == 1
    assert places.further(1, -1) is None


def test_a_search_over_all_sessions_marks_its_words_where_they_stand_together_or_not() -> None:
    assert word_in("sales north", "the sales north of here") == "sales north"
    assert word_in("north revenue", "revenue rose in the north") == "revenue"
    assert word_in('"in the north"', "rose in the north") == "in the north"


def test_jumps_know_messages_calls_files_approvals_and_errors() -> None:
    user = Entry("u", "user", 1, speaker="you", text="go")
    edit = Entry("e", "tool", 2, title="edit", state="ok", blocks=[DiffView("a", "+x")], asked=True)
    failed = Entry("c", "tool", 3, title="run", state="error", blocks=[CommandView("make", "/", "no")])
    kinds = ("message", "call", "file", "approval", "error")
    assert [[is_a(one, kind) for kind in kinds] for one in (user, edit, failed)] == [
        [True, False, False, False, False],
        [False, True, True, True, False],
        [False, True, False, False, True],
    ]
    rows = outline([user, edit, failed, Entry("t", "reasoning", 4, title="Thought", text="hm")])
    assert [row.value for row in rows] == ["u", "e", "c"], "reasoning is no landmark"
    assert "asked you" in plain([rows[1].label]) and "✗" in plain([rows[2].label])
    assert "approval or question" in rows[1].text, "the filter finds kinds by their names"


async def test_ctrl_f_finds_while_one_types_and_further_up_than_the_screen_reaches(make_app, until) -> None:
    bench = FakeWorkbench()
    session = bench.add_session("Long")
    await bench.play(session.id, "the first needle")
    for number in range(130):
        await bench.play(session.id, f"message {number}")
    app = make_app(bench, session=session.id)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.main.panes and app.main.panes.transcript.display)
        finder, transcript = app.main.panes.finder, app.main.panes.transcript
        await until(pilot, lambda: transcript.size.height and len(app.main.panes.entries._entries) > 20)
        assert app.main.panes.entries.first_event > 2, "the beginning is not here"
        await pilot.press("ctrl+f", "n", "e", "e", "d", "l", "e")
        await until(pilot, lambda: finder.places.complete)
        await until(pilot, lambda: "2 further up" in shown_count(app))
        await pilot.press("up")
        await until(pilot, lambda: "2 of 2" in shown_count(app))
        await pilot.press("up")
        await until(pilot, lambda: "1 of 2" in shown_count(app))
        assert not transcript.following
        await pilot.press("escape")
        assert not finder.active and not finder.bar.display
        assert app.main.place == "transcript" and not transcript.following, "one stays there"
        await pilot.press("ctrl+f", "m", "e", "s", "s", "a", "g", "e", "enter")
        await until(pilot, lambda: " of 260" in shown_count(app))


def shown_count(app: object) -> str:
    return str(app.main.panes.finder.bar.query_one("#find-count").render())  # type: ignore[attr-defined]
