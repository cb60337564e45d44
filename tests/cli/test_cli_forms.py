"""Forms of MCP servers on a terminal: field by field, and as options of a command."""

from __future__ import annotations

import io
from typing import Any

import pytest

from holdfast.cli.running.console import Console
from holdfast.cli.running.forms import asked_form, choice_words, given_form, question_text
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.forms import FormAnswer
from holdfast.core.domain.tools import Question

FORM = {
    "type": "object",
    "required": ["city"],
    "properties": {
        "city": {"type": "string", "title": "City\x1b[2J"},
        "days": {"type": "integer", "default": 2},
        "mood": {
            "oneOf": [{"const": "s", "title": "Sunny"}, {"const": "r", "title": "Rain"}],
            "type": "string",
        },
        "also": {"type": "array", "items": {"type": "string", "enum": ["sea", "hills"]}},
        "far": {"type": "boolean"},
    },
}


def question(**more: Any) -> Question:
    given: dict[str, Any] = {"server": "trips", "free_text": False, "form": FORM, **more}
    return Question(id="q", session_id="s", run_id="r", call_id="c", text="Where to?", **given)


async def asked(typed: list[str | None], of: Question) -> tuple[FormAnswer | None, list[str], str]:
    prompts: list[str] = []
    lines = iter(typed)
    shown = io.StringIO()

    async def read(prompt: str) -> str | None:
        prompts.append(prompt)
        return next(lines)

    return await asked_form(of, Console(io.StringIO(), shown), read), prompts, shown.getvalue()


async def test_each_field_is_asked_until_it_fits() -> None:
    typed: list[str | None] = ["what?", "y", "", "Rome", "many", "", "2", "sea, 2", "yes"]
    given, prompts, shown = await asked(typed, question())
    fields = {"city": "Rome", "days": 2, "mood": "r", "also": ["sea", "hills"], "far": True}
    assert given == FormAnswer(action="accept", fields=fields)
    assert "this is needed" in shown and "a whole number is expected" in shown
    assert prompts[2].startswith("City[2J (text) > "), "without escapes"
    assert any("1 Sunny, 2 Rain" in each for each in prompts)


@pytest.mark.parametrize(("typed", "action"), [("n", "decline"), ("c", "cancel")])
async def test_a_form_is_declined_or_put_away_before_a_field_is_asked(typed: str, action: Any) -> None:
    given, prompts, _ = await asked([typed], question())
    assert given == FormAnswer(action=action) and len(prompts) == 1


async def test_who_ends_the_input_has_given_nothing() -> None:
    assert (await asked(["y", "Rome", None], question()))[0] is None


async def test_an_address_has_no_fields() -> None:
    given, prompts, _ = await asked(["y"], question(form=None, url="https://example.org/"))
    assert given == FormAnswer(action="accept") and "I have done it there" in prompts[0]


def test_options_of_a_command_are_fields() -> None:
    given = given_form(question(), "", ["city=a=b", "days=3", "far=n"], [])
    assert given == FormAnswer(action="accept", fields={"city": "a=b", "days": 3, "far": False})
    assert given_form(question(), "", [], ["decline"]) == FormAnswer(action="decline")
    assert given_form(question(form=None, server=""), "red", [], []) is None
    assert question_text(question()) == "The MCP server trips asks: Where to?"
    assert choice_words(question())[0] == "--field city=…"


@pytest.mark.parametrize(
    ("of", "text", "pairs", "actions", "said"),
    [
        ({}, "Rome", [], [], "--field NAME=VALUE"),
        ({}, "", [], [], "Say one of"),
        ({}, "", ["city=Rome"], ["decline"], "Say one of"),
        ({}, "", ["town=Rome"], [], "the fields are: city"),
        ({}, "", ["days=many"], [], "days: a whole number"),
        ({"form": None, "server": ""}, "", [], ["decline"], "with words"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    of: dict[str, Any], text: str, pairs: list[str], actions: list[str], said: str
) -> None:
    with pytest.raises(InvalidError, match=said):
        given_form(question(**of), text, pairs, actions)
