"""Questions that could follow, above the message field; and the workflow that a run follows."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

from fake_workbench import FakeRun, FakeWorkbench

from holdfast.core.domain.events import QuestionsSuggested, RunAnalysed, RunCompleted, RunStarted
from holdfast.tui.control.first_run import FirstRunControl
from holdfast.tui.presenters.model import Model, Waiting, queue_lines
from holdfast.tui.presenters.run import run_lines
from holdfast.tui.presenters.spans import plain

OWN = {"session_id": "s", "run_id": "r"}
ASKED = QuestionsSuggested(**OWN, questions=("Why?\x1b[31m", "And then?", "Who?", "Where?"))


def open_model() -> Model:
    model = Model()
    model.session_id = "s"
    for event in (RunStarted(**OWN, agent="a", model="m"), ASKED, RunCompleted(**OWN)):
        model.run.apply(event)
    return model


class Box(SimpleNamespace):
    def set_text(self, text: str) -> None:
        self.area.text = text

    def focus_text(self) -> None:
        self.focused = True


def control_of(model: Model) -> tuple[FirstRunControl, Box, list[str]]:
    rung: list[str] = []
    box = Box(area=SimpleNamespace(text=""))
    app = SimpleNamespace(bell=lambda: rung.append("bell"))
    context = SimpleNamespace(model=model, view=SimpleNamespace(box=box), app=app)
    return FirstRunControl(context, None), box, rung  # type: ignore[arg-type]


def test_three_questions_stand_above_the_message_field_until_something_else_does() -> None:
    model = open_model()
    shown = [plain([each]) for each in queue_lines(model)]
    assert shown == ["alt+1  Why?[31m", "alt+2  And then?", "alt+3  Who?"]
    model.queue.append(Waiting("m", "More"))
    assert "Why?" not in plain(queue_lines(model))
    model.queue.clear()
    model.run.apply(RunStarted(session_id="s", run_id="next", agent="a", model="m"))
    assert queue_lines(model) == []


async def test_a_key_puts_a_question_into_an_empty_message_field() -> None:
    control, box, rung = control_of(open_model())
    await control.put_in("2")
    assert box.area.text == "And then?"
    await control.put_in("1")
    assert (box.area.text, rung) == ("And then?", ["bell"])


async def test_a_key_without_a_question_rings() -> None:
    model = Model()
    model.session_id = "s"
    control, box, rung = control_of(model)
    await control.put_in("1")
    assert (box.area.text, rung) == ("", ["bell"])


def test_a_workflow_that_was_chosen_is_the_plan_until_the_model_writes_its_own() -> None:
    model = Model()
    model.run.apply(RunStarted(**OWN, agent="a", model="m", plan=("Read\x1b[2J", "Write")))
    assert model.run.current is not None
    assert [(each.text, each.status) for each in model.run.current.plan] == [
        ("Read[2J", "pending"),
        ("Write", "pending"),
    ]


def test_the_run_pane_says_how_the_run_went() -> None:
    model = open_model()
    model.run.apply(RunAnalysed(**OWN, text="It never looked.\x1b[2J\nIt guessed."))
    shown = plain(run_lines(model.run.current, datetime.now(UTC)))
    assert "How it went\nIt never looked.[2J\nIt guessed." in shown


async def test_in_the_app_a_key_puts_a_question_into_the_message_field(make_app, until) -> None:
    async def suggesting(job: FakeRun) -> None:
        await job.say("Forty-two.")
        job.emit(QuestionsSuggested, questions=("Why?", "And then?"))

    app = make_app(FakeWorkbench([suggesting]))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("h", "i", "enter")
        strip = app.main.box.notice("queue")
        await until(pilot, lambda: strip.shown and not app.model.run.busy)
        await pilot.press("alt+2")
        await until(pilot, lambda: app.main.box.area.text == "And then?")
