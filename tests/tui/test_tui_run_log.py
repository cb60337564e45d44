"""The log of runs and the map of a session as a person sees them, without an app."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from fake_workbench import NOON
from logged_runs import EVIL, Runs, entry, furnish_runs, session_map
from rich.cells import cell_len
from stage import LARGE

from holdfast.core.domain.errors import ForbiddenError, NotFoundError
from holdfast.core.domain.events import LoggedEvent, RunCompleted
from holdfast.core.domain.run_log import RunMap, RunReport, StepReport, ToolReport
from holdfast.tui.control import run_log as control
from holdfast.tui.control.run_log import RunLogControl, SessionMapControl
from holdfast.tui.presenters.run_log import (
    MOST_REPORTS,
    PAGE,
    Columns,
    RunLogState,
    agent_rows,
    footer,
    headline,
    note_lines,
    row_line,
    titles,
)
from holdfast.tui.presenters.run_report import report_lines
from holdfast.tui.presenters.session_map import (
    LONG,
    Scale,
    SessionMapState,
    as_text,
    cost_bar,
    drawn,
    map_line,
    node_lines,
    nodes_of,
)
from holdfast.tui.presenters.session_map import footer as map_footer
from holdfast.tui.presenters.session_map import note_lines as map_notes
from holdfast.tui.presenters.spans import plain


def state(*entries: Any, total: int | None = None) -> RunLogState:
    return RunLogState(
        total=len(entries) if total is None else total, pages={0: entries}, agents={"a": 2, "b": 1}
    )


# --- the list


@pytest.mark.parametrize("width", [40, 66, 78, 100, 118, 160, 200])
def test_rows_and_titles_take_the_width_there_is_and_no_more(width: int) -> None:
    known = state(
        entry(1, prompt="日本語 " * 40, agent_name=EVIL * 9, below=3), entry(2, logged=False, prompt="")
    )
    heads = "".join(plain([looks]) for _, _, looks in titles(known, width))
    assert cell_len(heads) <= width
    for number in (0, 1):
        text = plain([row_line(known, number, width, NOON)])
        assert cell_len(text) <= width and "\x1b" not in text
    assert "(not logged)" in plain([row_line(known, 1, 118, NOON)])
    assert len(Columns(40).heads) < len(Columns(200).heads)


def test_a_row_says_what_a_run_took_and_one_that_was_not_read_says_so() -> None:
    known = state(entry(1, response_ms=8_219.0, credits=0.37, tools=1, tool_ms=40.0, below=2), total=500)
    text = plain([row_line(known, 0, 118, NOON)])
    assert "8.2 s" in text and "0.37" in text and "1 · 40 ms" in text and "⑂2 Fix the failing" in text
    assert plain([row_line(known, 300, 118, NOON)]).strip() == "…"
    assert (known.missing(0), known.missing(300)) == (None, 3)
    known.asked.add(3)
    assert known.missing(300) is None
    waiting = state(entry(1, status="waiting", response_ms=None))
    assert plain([row_line(waiting, 0, 118, NOON)]).startswith("⚠") and "…" in plain(
        [row_line(waiting, 0, 118, NOON)]
    )


def test_a_column_is_sorted_the_usual_way_first_and_the_other_way_the_next_time() -> None:
    known = state(entry(1))
    assert (known.sort, known.descending) == ("time", True)
    known.sort_by("agent")
    assert (known.sort, known.descending) == ("agent", False)
    known.sort_by("agent")
    assert known.descending
    seen = []
    for _ in range(5):
        known.next_sort()
        seen.append((known.sort, known.descending))
    assert sorted(sort for sort, _ in seen) == ["agent", "cost", "credits", "response_time", "time"]
    assert ("agent", False) in seen and ("cost", True) in seen
    known.sort_by("credits")
    assert any(sort == "credits" and "▼" in plain([looks]) for sort, _, looks in titles(known, 118))
    assert "by credits, the most first" in plain([headline(known, 0)])


def test_an_empty_log_says_what_to_do() -> None:
    assert "Reading" in plain(note_lines(RunLogState(), some=False))
    assert "holdfast run" in plain(note_lines(RunLogState(total=0), some=False))
    assert (
        plain(note_lines(RunLogState(total=0, agent="a"), some=False))
        == "No run fits.\ng shows those of other agents"
    )
    assert plain(note_lines(RunLogState(total=0, error="broken"), some=False)) == "broken"
    assert next(label for _, label, _ in footer(RunLogState(total=0), None)) == "back"
    gone = footer(state(entry(1)), entry(1, session=False))
    assert not {"open", "map"} & {label for _, label, _ in gone}
    assert agent_rows(state(entry(1)))[0] == ("", "all agents  3 runs")


def test_only_so_many_runs_are_kept_in_full() -> None:
    known = state()
    for number in range(MOST_REPORTS + 5):
        known.keep(RunReport(run=entry(number)))
    assert len(known.reports) == MOST_REPORTS and "run-0" not in known.reports


def test_a_run_in_full_says_what_was_asked_answered_and_what_each_part_took() -> None:
    report = session_map().runs[0]
    text = plain(report_lines(report, report.run))
    assert (
        "response time  9.0 s   model 200 ms · tool choice 600 ms · parameters 400 ms · tools 7.2 s" in text
    )
    assert "waited for a person  4.0 s" in text and "key  ci" in text
    assert (
        "Before: user\nHello" in text and "Response\nOslo sold 1,204 boxes,\n12 % more than Bergen." in text
    )
    assert "◇ step 1 tool choice · openai/gpt-5-nano  sql_query, delegate  600 ms, first token 310 ms" in text
    assert "⚠ approval sql_query: shop.db  approved  4.0 s" in text
    quiet = report.model_copy(
        update={"run": entry(0, logged=False), "prompt": "", "response": "", "history": ()}
    )
    text = plain(report_lines(quiet, quiet.run))
    assert "Nothing of what was said is kept" in text and "Prompt" not in text
    assert "Reading it" in plain(report_lines(None, entry(1))) and report_lines(None, None) == []


def test_what_a_run_says_is_sanitised() -> None:
    happened = {"event_id": 1, "at": NOON}
    way = (
        StepReport(**happened, step=1, model=EVIL, chosen=(EVIL,), text=EVIL),
        StepReport(**happened, step=2, model=EVIL, reason=EVIL),
        ToolReport(**happened, call_id="c", step=1, name=EVIL, arguments={"x": EVIL}),
    )
    report = RunReport(
        run=entry(1, agent_name=EVIL, model=EVIL, key="k", key_name=EVIL), prompt=EVIL, response=EVIL, way=way
    )
    found = RunMap(session_id="s1", title=EVIL, runs=(report,))
    nodes = nodes_of(found)
    lines = [
        *report_lines(report, report.run),
        *(each for node in nodes[0].below for each in node_lines(node)),
    ]
    text = plain(lines) + as_text(SessionMapState(nodes=nodes))
    assert "\x1b" not in text and "\x07" not in text and "x]0;pwny" in text


# --- the map


def test_a_map_shows_runs_steps_tools_approvals_and_sub_agents_below_what_called_them() -> None:
    text = as_text(SessionMapState(nodes=nodes_of(session_map())), 110)
    shapes = [line[:34].rstrip() for line in text.splitlines()]
    assert shapes[0].startswith("┌─ ✓ researcher  What did we sell")
    assert shapes[3] == "│ ├─ ⚒ sql_query  ok"
    assert shapes[4].startswith("│ │ └─ ⚠ approval sql_query")
    assert shapes[6].startswith("│ │ └─ ✓ analyst  Compare Oslo")
    assert shapes[8] == "│ │   ├─ ⚒ run_python  error"
    assert shapes[-1].startswith("    └─ ⚠ approval write_file"[:20])
    assert len(shapes) == 17 and all(cell_len(line) <= 110 for line in text.splitlines())


@pytest.mark.parametrize("width", [40, 64, 78, 100, 124, 198])
def test_the_lines_of_a_map_fit_their_width(width: int) -> None:
    nodes = nodes_of(session_map())
    for folded in (set(), {"first"}):
        for each in drawn(nodes, folded):
            assert cell_len(plain([map_line(each, width, Scale.of(nodes))])) <= width


def test_bars_stand_where_something_was_in_the_time_of_its_run_and_are_as_long_as_it_took() -> None:
    nodes = nodes_of(session_map())
    lines = [plain([map_line(each, 124, Scale.of(nodes))]) for each in drawn(nodes, set())]
    run, choice, delegate = lines[0], lines[1], lines[5]
    assert run.count("━") > 20 and choice.count("━") == 1
    assert delegate.count("═") == pytest.approx(run.count("━") * 5 / 13, abs=1)
    assert delegate.index("═") - run.index("━") == pytest.approx(run.count("━") * 5.8 / 13, abs=1)
    assert "3.1 cr" in run and "0.4 cr" in choice
    assert (cost_bar(0, 4), cost_bar(1, 4), cost_bar(0.0001, 4)) == ("    ", "████", "▏   ")


def test_what_is_folded_hides_what_is_below_it_and_says_how_much() -> None:
    known = SessionMapState(session_id="sales")
    known.take(session_map())
    assert len(drawn(known.nodes or [], known.folded)) == 17
    known.turn("first")
    assert len(drawn(known.nodes or [], known.folded)) == 5
    assert "▸ 12 lines" in plain([map_line(drawn(known.nodes or [], known.folded)[0], 100, Scale(0, 0))])
    known.take(session_map())
    assert known.folded == {"first"}, "a map that is read again stays as it was folded"
    known.turn_all()
    assert len(drawn(known.nodes or [], known.folded)) == 2
    known.turn_all()
    assert not known.folded


def test_of_a_long_session_only_the_last_runs_are_unfolded_and_older_ones_come_before() -> None:
    step = {"at": NOON, "step": 1, "model": "m"}
    runs = tuple(
        RunReport(
            run=entry(n, id=f"r{n}", session_id="s"),
            way=tuple(StepReport(event_id=i, **step) for i in range(30)),
        )
        for n in range(5, -1, -1)
    )
    known = SessionMapState(session_id="s")
    known.take(RunMap(session_id="s", title="T", runs=runs, older="9"))
    assert known.folded == {"r5", "r4", "r3"} and LONG < 6 * 31
    known.take_older(
        RunMap(session_id="s", title="T", runs=(RunReport(run=entry(9, id="old", session_id="s")),))
    )
    assert [node.id for node in known.nodes or []][:2] == ["old", "r5"] and known.older is None
    known.take(RunMap(session_id="s", title="T", runs=runs[-2:], older="7"))
    assert [node.id for node in known.nodes or []] == ["old", "r5", "r4", "r3", "r2", "r1", "r0"]
    assert known.older is None, "what was read before is still there"


def test_an_empty_map_says_what_to_do() -> None:
    assert "No session is open." in plain(map_notes(SessionMapState()))
    assert "Reading" in plain(map_notes(SessionMapState(session_id="s")))
    empty = SessionMapState(session_id="s")
    empty.take(RunMap(session_id="s", title="", runs=()))
    assert "esc goes back" in plain(map_notes(empty))
    assert [label for _, label, _ in map_footer(empty, None)] == ["back", "help"]
    assert node_lines(None) == []


# --- what is done


class Desk:
    """Both controllers without an app; dialogs give the answers in their order."""

    def __init__(self, runs: Runs, monkeypatch: pytest.MonkeyPatch, answers: Any = ()) -> None:
        monkeypatch.setattr(control, "PAUSE_S", 0)
        monkeypatch.setattr(control, "SETTLE_S", 0)
        self.runs, self.answers = runs, list(answers)
        self.said: list[str] = []
        self.done: list[tuple[str, str]] = []
        self.opened: list[tuple[str, int | None]] = []
        self.edited: list[Any] = []
        self.working: list[Any] = []
        self.model = SimpleNamespace(run_log=RunLogState(), map=SessionMapState(), session_id="sales")
        self.screens: list[Any] = [SimpleNamespace()]
        app = SimpleNamespace(
            dialogs=self, screen_stack=self.screens, start=SimpleNamespace(project="/p"),
            push_screen=lambda screen: None, pop_screen=self.screens.pop,
            do=lambda name, argument="": self.done.append((name, argument)),
            work=lambda work, group: self.working.append(work),
        )  # fmt: skip
        view = SimpleNamespace(mark=lambda *parts: None, say=self.said.append)
        workbench = SimpleNamespace(runs=runs, agents=self)
        context: Any = SimpleNamespace(app=app, model=self.model, view=view, workbench=workbench)
        self.log = RunLogControl(context, self)  # type: ignore[arg-type]
        self.map = SessionMapControl(context, self)  # type: ignore[arg-type]

    async def choose(self, title: str, choices: Any) -> Any:
        return self.answers.pop(0)

    async def confirm(self, question: str, verb: str) -> bool:
        return bool(self.answers.pop(0))

    async def open(self, session_id: str, event_id: int | None) -> None:
        self.opened.append((session_id, event_id))

    async def get(self, name: str, project: str | None) -> Any:
        return SimpleNamespace(spec=SimpleNamespace(logging=len(self.edited) % 2 == 0))

    async def edit(self, name: str, changes: Any, expected: None, project: str | None) -> None:
        if name == "general":
            raise ForbiddenError("It comes with Holdfast.")
        self.edited.append((name, changes))


async def test_a_page_is_read_when_its_rows_come_into_view_and_not_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(Runs(10_000), monkeypatch)
    known = desk.model.run_log
    await desk.log.look()
    assert known.total == 10_000 and list(known.pages) == [0] and len(known.pages[0]) == PAGE
    await desk.log.page("99")
    assert known.at(9_999) is not None and known.at(5_000) is None
    desk.runs.entries.pop()
    await desk.log.page("50")
    assert list(known.pages) == [50] and known.total == 9_999, "pages of another time are read again"
    with pytest.raises(ValueError):
        desk.runs.search = None  # type: ignore[assignment]
        known.asked.add(7)
        monkeypatch.setattr(desk.log, "_ask", failing)
        await desk.log.page("7")
    assert known.missing(7 * PAGE) == 7, "what failed can be asked for again"


async def failing(page: int) -> None:
    raise ValueError(page)


async def test_words_an_agent_and_columns_are_asked_of_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(Runs(40), monkeypatch, ["coder"])
    await desk.log.find("Oslo")
    assert desk.model.run_log.total == 10 and desk.runs.asked[-1]["text"] == "Oslo"
    await desk.log.find("")
    await desk.log.agent()
    assert (desk.model.run_log.agent, desk.model.run_log.total) == ("coder", 10)
    await desk.log.sort("credits")
    await desk.log.reverse()
    last = desk.runs.asked[-1]
    assert (last["agent"], last["sort"], last["descending"]) == ("coder", "credits", False)
    await desk.log.sort()
    assert desk.runs.asked[-1]["sort"] == "cost"


async def test_the_cursor_stays_on_its_run_when_others_come(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(Runs(40), monkeypatch)
    await desk.log.look()
    desk.screens.append(SimpleNamespace(PART="runs", current="3"))
    desk.runs.entries = [entry(99, id="new", started_at=NOON), *desk.runs.entries]
    desk.log.take(LoggedEvent(id=1, event=RunCompleted(session_id="s", run_id="r")))
    await asyncio.gather(*(work() for work in desk.working))
    assert (
        desk.model.run_log.wanted in ("4", "3")
        and desk.model.run_log.named(desk.model.run_log.wanted).id == "run-3"
    )
    assert desk.model.run_log.total == 41


async def test_a_run_is_opened_where_it_begins_and_as_a_map(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(Runs(3), monkeypatch)
    await desk.log.look()
    await desk.log.open("run-1")
    assert desk.opened == [("s1", 1)] and len(desk.screens) == 1
    await desk.log.map("run-2")
    assert desk.done == [("map", "s2 run-2")]
    desk.runs.entries[0] = entry(0, session=False)
    with pytest.raises(NotFoundError):
        await desk.log.open("run-0")
    await desk.map.show("sales below")
    assert desk.model.map.title == "Quarterly figures" and desk.model.map.wanted == "below"
    await desk.map.go("below")
    assert desk.opened[-1] == ("child", 30)
    await desk.map.go("first:13:tool")
    assert desk.opened[-1] == ("sales", 13)


async def test_logging_is_switched_for_an_agent_off_after_a_question_and_on_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(Runs(8), monkeypatch, [False, True, True])
    await desk.log.look()
    await desk.log.logging("run-1")
    assert desk.edited == []
    await desk.log.logging("run-1")
    assert desk.edited == [("coder", {"logging": False})] and desk.said == ["coder: no longer logged."]
    stop = dict.fromkeys(label for _, label, _ in footer(desk.model.run_log, desk.model.run_log.named("1")))
    assert "log again" in stop
    await desk.log.logging("run-5")
    assert desk.edited[-1] == ("coder", {"logging": True}) and desk.said[-1] == "coder: logged again."
    with pytest.raises(ForbiddenError):
        await desk.log.logging("run-3")


# --- on the screen


@pytest.mark.thorough
async def test_ten_thousand_runs_are_gone_through_found_and_drawn_as_a_map(stage: Any) -> None:
    scene = stage()
    runs = furnish_runs(scene.bench, 10_000)
    async with scene.app.run_test(size=LARGE) as pilot:
        await scene.ready(pilot)
        await scene.go(pilot, "/runs", "?10,000 runs", "end", "?#9999")
        assert {each["offset"] for each in runs.asked} == {0, 9_900}, "what is not seen is not read"
        await scene.go(pilot, "slash", ":Oslo", "?2,500 runs", "escape", "home", "?In full.")
        await scene.go(pilot, "enter")
        await scene.go(pilot, "/map sales", "?Quarterly figures", "down", "space")
        assert "12 lines" not in scene.shown, "a step has nothing to fold"
        await scene.go(pilot, "home", "space", "?▸ 12 lines", "space", "z", "?▸ 3 lines", "escape")
        assert scene.app.screen is scene.app.main
