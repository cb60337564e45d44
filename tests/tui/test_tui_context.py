"""How full the window is, and the parts of what a model saw, as lines."""

from __future__ import annotations

from typing import Any

from fake_workbench import NOON, FakeWorkbench

from holdfast.core.domain.context import Compaction, ContextPart, RunContext
from holdfast.core.domain.events import (
    ContextCompacted,
    LoggedEvent,
    StepCompleted,
    StepStarted,
    UsageRecorded,
)
from holdfast.core.domain.models import Timing
from holdfast.tui.presenters.context import (
    PartView,
    compaction_view,
    part_lines,
    part_row,
    request_view,
)
from holdfast.tui.presenters.entry_index import EntryIndex
from holdfast.tui.presenters.spans import plain
from holdfast.tui.presenters.status import Filling, Header, bar, percent, rights
from holdfast.tui.presenters.transcript import COMPACTION, TranscriptPresenter

IDS: dict[str, Any] = {"session_id": "s1", "run_id": "r1"}


def started(tokens: int, window: int | None = 1000) -> StepStarted:
    return StepStarted(**IDS, step=1, model="m", prompt="0" * 64, tokens=tokens, window=window)


def used(tokens: int, estimated: bool = False) -> UsageRecorded:
    return UsageRecorded(**IDS, model="m", input_tokens=tokens, output_tokens=10, estimated=estimated)


def compacted() -> ContextCompacted:
    return ContextCompacted(
        **IDS, summary="gist\x1b[2J", tokens_before=900, tokens_after=90, messages_dropped=12, messages_kept=3
    )


def ended() -> StepCompleted:
    return StepCompleted(**IDS, step=1, reason="stop", timing=Timing(request_ms=1, total_ms=2))


def part(kind: str, text: str = "text", name: str = "", tokens: int = 10) -> ContextPart:
    return ContextPart.model_validate({"kind": kind, "text": text, "name": name, "tokens": tokens})


def test_the_window_is_filled_by_a_rule_of_thumb_until_the_provider_has_counted() -> None:
    header = Header().count(started(400))
    assert plain(rights(header)[:1]).startswith("window ~40 % ▰▰▱▱▱ · ")
    header = header.count(used(420))
    assert plain(rights(header)[:1]).startswith("window 43 % ▰▰▱▱▱ · ")
    assert plain(rights(header)[1:]).startswith("43 % · ")


def test_what_others_use_between_two_steps_fills_no_window() -> None:
    filling = Filling().count(started(400)).count(used(420)).count(ended())
    assert filling.count(used(9000)) == filling
    assert filling.count(compacted()) == Filling(90, True, 1000)
    larger = Filling(2000, False, 4000)
    assert larger.count(compacted()).tokens == 2000 - (900 - 90)


def test_an_unknown_window_shows_tokens_only_and_nothing_before_the_first_request() -> None:
    assert "context ~400 · " in plain(rights(Header().count(started(400, None)))[:1])
    assert "context" not in plain(rights(Header())) and len(rights(Header())) == 1


def test_shares_are_never_said_to_be_nothing_or_all_when_they_are_not() -> None:
    assert (percent(0.001), percent(0.5), percent(1.2)) == ("<1 %", "50 %", "120 %")
    assert (bar(0), bar(0.001), bar(1.4)) == ("▱▱▱▱▱", "▰▱▱▱▱", "▰▰▰▰▰")


def test_a_request_is_told_part_by_part_with_its_sums() -> None:
    found = RunContext(
        session_id="s1",
        run_id="r1",
        step=2,
        model="openai/gpt\x1b",
        window=128_000,
        tokens=90,
        reported=None,
        parts=(
            part("instructions", "Be kind."),
            part("memory", name="style"),
            part("result", "a\x07b", "read"),
        ),
    )
    view = request_view(found)
    assert view.title == "What the model saw in step 2" and view.note == "openai/gpt"
    assert plain(view.about) == (
        "▰▱▱▱▱ <1 % of the window   about 90 tokens of 128.0k\nsystem ~10 · memory ~10 · results ~10"
    )
    assert [(one.label, one.name) for one in view.parts] == [
        ("instructions", ""),
        ("memory", "style"),
        ("result", "read"),
    ]
    assert "ab" in plain(part_lines(view.parts[2])) and "\x07" not in plain(part_lines(view.parts[2]))


def test_a_compaction_tells_what_gave_way_and_what_stays() -> None:
    found = Compaction(
        **IDS,
        event_id=7,
        at=NOON,
        summary="the gist",
        tokens_before=900,
        tokens_after=90,
        dropped=(part("message", "question 0"), part("reply", "long")),
        kept=(part("message", "question 2"),),
    )
    view = compaction_view(found)
    assert [one.label for one in view.parts if not one.kind] == [
        "2 parts that the model sees no more",
        "1 part that it still sees",
    ]
    assert [one.struck for one in view.parts] == [False, False, True, True, False, False]
    assert plain(view.about).startswith("900 → 90 tokens")
    assert "the gist" in plain(part_lines(view.parts[0]))


def test_a_row_fits_its_width() -> None:
    long = PartView("1", "message", "message", "ウィンドウ " * 30, 1234, 1.0)
    for width in (24, 40, 80):
        row = plain(part_row(long, width))
        assert row.endswith("~1.2k ▪▪▪▪▪▪")
        assert len(row) <= width


def test_the_notice_of_a_compaction_says_it_in_numbers_and_is_found_again() -> None:
    updates = TranscriptPresenter().apply(LoggedEvent(id=9, event=compacted()))
    index = EntryIndex()
    index.apply(updates)
    entry = index.last(COMPACTION)
    assert entry is not None and (entry.run_id, entry.event_id) == ("r1", 9)
    assert entry.title.startswith("Compacted 12 messages, 3 stay · 900 → 90 tokens")
    assert entry.text == "gist[2J"


async def test_what_the_model_saw_opens_and_a_compaction_too(make_app, until) -> None:
    bench = FakeWorkbench()
    session = bench.add_session("Sales")
    await bench.play(session.id, "Summarise")
    app = make_app(bench, session=session.id)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.model.session_id == session.id and app.desk is not None)
        app.command("context")
        await until(pilot, lambda: app.screen.query("#parts-list"))
        await until(pilot, lambda: "42 % of the window" in str(app.screen.query_one("#parts-about").render()))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "# Where you work" in plain(app.screen.query_one("#parts-text").lines))
        await pilot.press("escape", "right", "escape")
        await until(pilot, lambda: not app.screen.query("#parts-list"))
        app.command("compact", "the figures")
        await until(pilot, lambda: app.main.panes.entries.last(COMPACTION) is not None)
        app.command("compaction")
        await until(pilot, lambda: app.screen.query("#parts-list"))
        rows = 1 + 1 + 8 + 1 + 2  # the summary, and two headings with what is below them
        await until(pilot, lambda: app.screen.query_one("#parts-list").option_count == rows)
