"""The list of sessions, the search in all of them, the undo of deletions: as data, and twice on screen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from fake_workbench import NOON, FakeWorkbench
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.copies import Copies
from holdfast.core.domain.events import LoggedEvent, QuestionAsked, RunCompleted, RunStarted
from holdfast.core.domain.runs import SearchHit, Session, SessionCounts
from holdfast.core.domain.session_events import (
    SessionArchived,
    SessionCreated,
    SessionRestored,
    SessionSeen,
    SessionStarred,
    SessionTrashed,
)
from holdfast.core.domain.tools import Question
from holdfast.tui.control.desk import Desk
from holdfast.tui.presenters.listing import (
    GROUPINGS,
    Heading,
    Listed,
    after,
    arranged,
    day_of,
    head_line,
)
from holdfast.tui.presenters.searching import SearchState, count_line, note_lines, result_lines
from holdfast.tui.presenters.sessions import SessionList
from holdfast.tui.presenters.undoing import Deletion, Undoing, described


def session(id: str, hours: float = 0, **more: Any) -> Session:
    at = NOON - timedelta(hours=hours)
    known = {"title": f"Title {id}", "agent": "general", "project": "/work/site", "workspace": "/w"}
    return Session(id=id, created_at=at, updated_at=at, **{**known, **more})


def listing(*sessions: Session) -> SessionList:
    known = SessionList()
    known.replace(sessions)
    return known


def lines(known: SessionList, grouping: str, **how: Any) -> list[str]:
    """Returns the list as texts: headings in brackets, copies behind their lines."""
    items = arranged(known.states(None, **how), grouping, NOON)  # type: ignore[arg-type]
    return [f"[{i.text} {i.count}]" if isinstance(i, Heading) else f"{i.prefix}{i.id}" for i in items]


def text(line: Any) -> str:
    return "".join(piece for piece, _ in line)


MIXED = (
    session("a", 1, agent="coder"),
    session("b", 30, starred=True),
    session("c", 31, project="/work/app"),
    session("d", 24 * 40, archived=True),
    session("e", 24 * 50),
)


def test_groups_stand_in_the_order_of_their_latest_and_stars_on_top() -> None:
    known = listing(*MIXED)
    assert lines(known, "agent") == ["[★ starred 1]", "b", "[coder 1]", "a", "[general 2]", "c", "e"]
    assert lines(known, "project") == ["[★ starred 1]", "b", "[site 2]", "a", "e", "[app 1]", "c"]
    assert lines(known, "none") == ["[★ starred 1]", "b", "[others 3]", "a", "c", "e"]
    assert lines(listing(MIXED[0]), "none") == ["a"]


def test_the_archive_is_left_out_shown_alone_or_with_the_rest() -> None:
    known = listing(*MIXED)
    assert "d" not in lines(known, "tree")
    assert lines(known, "tree", archived="only") == ["d"]
    assert lines(known, "tree", archived="yes") == ["a", "b", "c", "d", "e"]
    assert lines(known, "tree", query="archived:only") == ["d"]
    (state,) = [each for each in known.states("d") if each.id == "d"]
    assert known.row(state, NOON, None).glyph[0] == "◌"


def test_days_are_those_of_the_clock_on_the_wall() -> None:
    now = datetime(2026, 11, 22, 15, 0).astimezone()
    assert [day_of(now - timedelta(hours=h), now) for h in (0, 14, 16, 40, 24 * 5, 24 * 8)] == [
        "today",
        "today",
        "yesterday",
        "this week",
        "this week",
        "older",
    ]
    assert day_of((now + timedelta(days=2)).astimezone(UTC), now) == "today", "a clock that is ahead"


def test_copies_stand_below_what_they_came_from() -> None:
    known = listing(
        session("new", 1, forked_from="lost"),
        session("fork", 2, forked_from="root"),
        session("deep", 3, forked_from="fork"),
        session("root", 4),
        session("other", 5, forked_from="root"),
    )
    assert lines(known, "tree") == ["new", "root", "├ fork", "│ └ deep", "└ other"]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=10), st.sampled_from(list(GROUPINGS))
)
def test_every_session_is_listed_once_however_they_came_from_each_other(
    pairs: list[tuple[int, int]], grouping: str
) -> None:
    origins = dict(pairs)
    known = listing(
        *(session(str(n), n, forked_from=str(of) if of < n else None) for n, of in origins.items())
    )
    items = arranged(known.states(None), grouping, NOON)  # type: ignore[arg-type]
    found = [item.id for item in items if isinstance(item, Listed)]
    assert sorted(found) == sorted(map(str, origins))
    counted = sum(item.count for item in items if isinstance(item, Heading))
    assert counted in (0, len(found))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("agent:coder", ["a"]),
        ("project:APP", ["c"]),
        ("is:starred", ["b"]),
        ("title", ["a", "b", "c", "e"]),
        ('"title e"', ["e"]),
        ("until:2026-10-20", ["e"]),
        ("since:", ["a", "b", "c", "e"]),
        ("since:ban", ["a", "b", "c", "e"]),
    ],
)
def test_what_is_typed_filters_what_is_here_as_the_engine_does(query: str, found: list[str]) -> None:
    assert [state.id for state in listing(*MIXED).states(None, query)] == found


def test_marks_follow_the_log_and_move_nothing() -> None:
    known = listing(session("a"), session("b", 1))
    ids = {"session_id": "b", "run_id": "r"}
    later = NOON + timedelta(hours=1)
    events = [
        RunStarted(**ids, agent="x", model="m", at=NOON - timedelta(minutes=30)),
        RunCompleted(**ids, at=NOON - timedelta(minutes=30)),
        SessionStarred(session_id="b", starred=True, at=later),
        SessionArchived(session_id="b", archived=True, at=later),
    ]
    for number, event in enumerate(events, 1):
        assert known.apply(LoggedEvent(id=number, event=event)) == "changed"
    (first, second) = known.states("b")
    assert (first.id, second.starred, second.archived, second.unread) == ("a", True, True, True)
    assert known.row(second, NOON, None).glyph[0] == "●"
    known.apply(LoggedEvent(id=9, event=SessionSeen(session_id="b")))
    assert known.row(second, NOON, None).glyph[0] == "◌"
    known.apply(LoggedEvent(id=10, event=RunStarted(**ids, agent="x", model="m")))
    assert not second.archived, "a run takes it out of the archive"
    assert known.apply(LoggedEvent(id=11, event=SessionTrashed(session_id="b"))) == "changed"
    assert "b" not in known
    assert known.apply(LoggedEvent(id=12, event=SessionRestored(session_id="b"))) == "reload"


def test_marking_all_twice_marks_none_and_what_is_gone_is_not_marked() -> None:
    known = listing(session("a"), session("b"))
    known.mark("a")
    known.mark_all(["a", "b", "gone"])
    assert known.marked == {"a", "b"}
    known.mark_all(["a", "b", "gone"])
    assert known.marked == set()
    known.mark("a")
    known.remove("a")
    assert known.marked == set()


def test_ten_thousand_sessions_are_put_in_order_quickly() -> None:
    known = listing(
        *(session(str(n), n / 10, forked_from=str(n - 1) if n % 3 else None) for n in range(10_000))
    )
    items = arranged(known.states(None), "tree", NOON)
    assert len(items) == 10_000


def test_the_title_says_with_signs_and_numbers_what_asks_for_attention() -> None:
    counts = SessionCounts(sessions=12, unread=3, waiting=1, archived=7)
    assert text(head_line(counts, 0, "no")) == "Sessions 12 ● 3 ⚠ 1"
    assert text(head_line(counts, 2, "no")) == "Sessions ✓ 2 marked"
    assert text(head_line(counts, 0, "only")) == "Archive ◌ 7"
    assert text(head_line(None, 0, "no")) == "Sessions"


def test_the_key_goes_through_all_orders_and_round() -> None:
    seen = [after("nonsense")]
    for _ in GROUPINGS:
        seen.append(after(seen[-1]))
    assert seen == [*GROUPINGS, next(iter(GROUPINGS))]


# --- search


def hit(of: str, event_id: int, excerpt: str = "a \x02word\x03 b", title: str = "T\x1b[1m") -> SearchHit:
    return SearchHit(
        session_id=of, session_title=title, event_id=event_id, role="user", excerpt=excerpt, at=NOON
    )


def test_hits_stand_under_their_sessions_and_further_pages_join_them() -> None:
    state = SearchState()
    state.begin("word")
    state.take([hit("s", 1), hit("t", 2), hit("s", 3)], "next")
    state.take([hit("t", 4), hit("u", 5, title="")], None, more=True)
    rows = result_lines(state, NOON + timedelta(hours=2))
    assert [row.id for row in rows] == ["of:s", "s:1", "s:3", "of:t", "t:2", "t:4", "of:u", "u:5"]
    assert text(rows[0].lines[0]) == "T[1m  2 places"
    assert text(rows[1].lines[0]) == "  you     2h  a word b"
    assert ("word", "hit") in rows[1].lines[0]
    assert text(count_line(state)) == "5 places in 3 sessions   with the archive"


def test_a_hit_far_into_its_excerpt_is_brought_near() -> None:
    state = SearchState()
    state.take([hit("s", 1, "x" * 200 + "\x02w\x1bord\x03" + "y")], "more")
    shown = text(result_lines(state, NOON)[1].lines[0])
    assert "…" + "x" * 60 + "word" in shown
    assert text(count_line(state)).startswith("1+ places in 1+ sessions")


def test_every_state_of_the_search_says_what_it_is() -> None:
    state = SearchState()
    assert any("agent:coder" in text(one) for one in note_lines(state))
    state.begin("wo")
    assert text(note_lines(state)[0]) == "Searching…"
    state.take([], None)
    assert text(note_lines(state)[0]) == "Nothing is found."
    state.archived = False
    assert text(note_lines(state)[0]) == "Nothing is found outside of the archive."
    assert state.query == "wo archived:no"
    state.fail("is:red is not\x1b understood")
    assert note_lines(state) == [(("is:red is not understood", "error"),)]
    state.begin("")
    assert state.groups == []


# --- undo


def test_deletions_are_taken_back_latest_first_and_only_so_many_are_kept() -> None:
    undoing = Undoing()
    for number in range(60):
        told = undoing.add(Deletion(f"thing {number}", (("session", str(number)),)))
    assert told.startswith("Deleted thing 59. ctrl+z")
    assert len(undoing) == 50
    undoing.forget("session", "59")
    taken = undoing.take()
    assert taken is not None
    assert taken.what == "thing 58"
    undoing.put_back(taken)
    assert undoing.take() == taken
    assert Undoing().take() is None


def test_one_is_named_and_several_are_counted() -> None:
    assert described(["A\x1b[2J"], "session") == "“A[2J”"
    assert described(["a", "b"], "session") == "2 sessions"


def test_what_a_fork_copies_was_decided_long_ago_and_calls_nobody() -> None:
    desk = Mock(_copies=Copies())
    question = Question(id="q", session_id="fork", run_id="r", call_id="c", text="Which?")
    asked = QuestionAsked(session_id="fork", run_id="r", question=question)
    later = asked.at + timedelta(hours=1)
    made = SessionCreated(
        session_id="fork", title="Copy", agent="general", project="/p", workspace="/p", forked_from="old"
    )
    for number, event in enumerate((made, asked, asked.model_copy(update={"at": later}))):
        Desk._take(desk, LoggedEvent(id=number, event=event))
    assert [call.args[0].id for call in desk.decisions.take.call_args_list] == [0, 2]
    assert [call.args[0].id for call in desk.terminal.take.call_args_list] == [0, 2]
    assert desk.sessions.take.call_count == 3


# --- on the screen


async def test_several_are_marked_deleted_and_brought_back(make_app, until) -> None:
    bench = FakeWorkbench()
    ids = [bench.add_session(f"Note {number}").id for number in range(4)]
    app = make_app(bench)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.model.session_counts)
        app.main.go("sessions")
        pane = app.main.panes.sessions
        await until(pilot, lambda: len(pane.rows.ids) == 4 and app.main.place == "sessions")
        await pilot.press("space", "space")
        await until(pilot, lambda: len(app.model.sessions.marked) == 2)
        app.command("delete")
        await until(pilot, lambda: len(bench.sessions_by_id) == 2)
        assert len(app.model.undoing) == 1
        app.command("star")
        await until(pilot, lambda: any(each.starred for each in bench.sessions_by_id.values()))
        app.command("share")
        await until(pilot, lambda: [each.shared for each in bench.sessions_by_id.values()].count(True) == 1)
        app.command("share")
        await until(pilot, lambda: not any(each.shared for each in bench.sessions_by_id.values()))
        app.command("undelete")
        await until(pilot, lambda: set(pane.shown) == set(ids))
        (tmp := app.start.folder / "chat.json").write_text("[]")
        app.command("import", str(tmp))
        await until(pilot, lambda: bench.taken_in == [(b"[]", "chat.json")] and app.model.title == "Imported")


async def test_all_sessions_are_searched_and_the_hit_is_opened(make_app, until) -> None:
    bench = FakeWorkbench()
    old = bench.add_session("Old")
    await bench.play(old.id, "tell me of the needle")
    app = make_app(bench)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.model.session_counts)
        app.command("search_all")
        await until(pilot, lambda: app.screen.query("#search-words"))
        await pilot.press(*"needle", "enter")
        await until(pilot, lambda: app.model.session_id == old.id and len(app.screen_stack) == 1)
