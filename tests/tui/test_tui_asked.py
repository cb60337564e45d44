"""What MCP servers ask for, in the inbox: named as theirs, and answered with a form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fake_workbench import FakeRun, FakeWorkbench, settings

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.tools import Question
from holdfast.tui.app import HoldfastApp
from holdfast.tui.presenters.asked import action_of, choices_of, words_of
from holdfast.tui.presenters.inbox import Inbox, Item, detail, keys_line
from holdfast.tui.screens.form import FormScreen

FORM = {"type": "object", "required": ["city"], "properties": {"city": {"type": "string", "title": "City"}}}


def question(**more: Any) -> Question:
    given: dict[str, Any] = {"server": "trips", "free_text": False, "form": FORM, **more}
    return Question(id="q", session_id="s", run_id="r", call_id="c", text="Where\x1b[2J to?", **given)


def plain(lines: Any) -> str:
    return "\n".join("".join(text for text, _ in one) for one in lines)


def test_a_servers_words_are_shown_as_its_own_and_without_escapes() -> None:
    item = Item("q", "s", 0, question=question())
    assert item.label == "The MCP server trips asks: Where[2J to?"
    shown = plain([*detail(item, "t", None), keys_line(item, confirming=False)])  # type: ignore[arg-type]
    assert "The MCP server trips asks" in shown and "\x1b" not in shown
    assert "1 fill it in  2 decline  3 put it away" in shown
    assert "message field" not in shown


def test_an_address_is_shown_and_never_taken_for_a_form() -> None:
    asked = question(form=None, url="https://example.org/sign-in")
    assert "https://example.org/sign-in" in words_of(asked)
    assert choices_of(asked)[0] == "I have done it there"
    assert [action_of(asked, n) for n in range(5)] == [None, "accept", "decline", "cancel", None]
    assert action_of(question(form=None, server=""), 1) is None


def test_a_form_is_not_answered_from_the_message_field() -> None:
    inbox = Inbox()
    inbox.replace([], [question()], 0)
    assert inbox.question_of("s") is None


async def test_a_form_is_filled_in_where_it_waits(make_app: Callable[..., HoldfastApp], until: Any) -> None:
    bench = FakeWorkbench()
    bench.settings = settings()
    given: list[tuple[str | None, Any]] = []

    async def asks(run: FakeRun) -> None:
        await run.ask("Where to?", free_text=False, server="trips", form=FORM)
        await run.say("Done.")

    def take(action: str | None, fields: Any) -> None:
        given.append((action, fields))
        if len(given) == 1:
            raise InvalidError("no", details={"problems": [{"path": "city", "message": "There is none."}]})

    bench.scripts.append(asks)
    bench.take_form = take
    app = make_app(bench)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.desk is not None and app.model.header.engine == "ready")
        await pilot.press("h", "i", "enter")
        await until(pilot, lambda: len(app.model.inbox) == 1)
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        await pilot.press("R", "o", "m", "ctrl+s")
        await until(pilot, lambda: len(given) == 1)
        problems = app.screen.query(".field-problem")
        await until(pilot, lambda: any("There is none." in str(each.render()) for each in problems))
        await pilot.press("e", "ctrl+s")
        await until(pilot, lambda: len(app.model.inbox) == 0)
    assert given == [("accept", {"city": "Rom"}), ("accept", {"city": "Rome"})]
