"""Earlier messages once more: edited in a copy, or answered again beside the first answer."""

from __future__ import annotations

from fake_workbench import NOON, FakeRun, FakeWorkbench
from test_tui_journeys import replies, shown

from holdfast.core.domain.messages import FilePart, text_of
from holdfast.core.domain.tools import CommandBlock, Risk
from holdfast.tui.presenters.compare import Answer
from holdfast.tui.presenters.draft import Mention
from holdfast.tui.presenters.model import Editing
from holdfast.tui.presenters.spans import plain


async def asks(job: FakeRun) -> None:
    block = CommandBlock(command="make", cwd="/w")
    await job.call("run_command", {"command": "make"}, "make", (block,), risk=Risk.EXECUTE)
    await job.say("Another answer.")


async def test_an_answer_says_its_model_tokens_cost_time_and_how_it_stands() -> None:
    bench = FakeWorkbench([asks])
    session = bench.add_session("One")
    run_id = await bench.play(session.id, "hello")
    answer = Answer("first", session.id, run_id, "")
    heads = []
    for logged in bench.log:
        if logged.event.run_id == run_id:
            answer.apply(logged)
            heads.append(plain([answer.head(NOON)]))
    assert heads[0].startswith("first  ● running  offline  0 tok · $0.00 · ")
    assert heads[-1].startswith("first  ✓ done  offline  1.5k tok · $0.00 · ")
    assert answer.ended and not answer.waiting


def test_files_of_an_edited_message_go_along_as_they_were_unless_they_are_mentioned_no_more() -> None:
    files = tuple(
        FilePart(blob="2" * 64, media_type="text/csv", name=n, size=1) for n in ("a.csv", "b.csv", "c.csv")
    )
    editing = Editing("s", 1, "", files, frozenset({"data/a.csv", "b.csv"}))
    kept, new = Mention("data/a.csv", False), Mention("new.md", False)
    along, mentions = editing.files([kept, new])
    assert [part.name for part in along] == ["a.csv", "c.csv"], "b.csv is mentioned no more, c.csv never was"
    assert mentions == [new]


async def test_an_edited_message_is_sent_in_a_copy_and_the_session_stays_as_it_was(make_app, until) -> None:
    bench = FakeWorkbench()
    session = bench.add_session("One")
    await bench.play(session.id, "hello")
    await bench.play(session.id, "more")
    app = make_app(bench, session=session.id)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: replies(app) == ["You said: hello", "You said: more"])
        app.main._hasty.hold_s = 0.001
        app.main.box.area.insert("a draft")
        app.main.panes.transcript.focus()
        await pilot.press("home", "right_square_bracket")
        for _ in range(4):
            if app.main.panes.transcript.cursor_entry.kind != "user":
                await pilot.press("right_square_bracket")
        await pilot.press("e")
        await until(pilot, lambda: app.main.box.area.text == "hello" and "an earlier message" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.main.box.area.text == "a draft" and app.model.editing is None)
        app.main.panes.transcript.focus()
        await pilot.press("e")
        await until(pilot, lambda: app.model.editing is not None and app.main.box.area.has_focus)
        await pilot.press("end", "!", "enter")
        await until(pilot, lambda: replies(app) == ["You said: hello!"])
        assert app.model.session_id != session.id
        assert text_of(bench.sent[-1]) == "hello!"
        own = [e.event for e in bench.log if e.event.session_id == session.id]
        assert [e.text for e in own if e.type == "part.completed"] == ["You said: hello", "You said: more"]
