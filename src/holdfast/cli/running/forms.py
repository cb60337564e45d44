"""Forms on a terminal: field by field, or as options of a command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from holdfast.cli.running.console import Console
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.forms import FormAction, FormAnswer, FormField, field_value, form_fields
from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.tools import Question

Read = Callable[[str], Awaitable["str | None"]]
"""Reads a line behind a prompt; None when the person has ended the input."""

_ACTIONS: dict[str, FormAction] = {
    "y": "accept",
    "yes": "accept",
    "n": "decline",
    "no": "decline",
    "c": "cancel",
}
_SHOWN_CHOICES = 20


async def asked_form(question: Question, console: Console, read: Read) -> FormAnswer | None:
    """Returns what the person gives for a form or an address; None when they have ended the input."""
    what = "y fill in" if question.form is not None else "y I have done it there"
    action: FormAction | None = None
    while action is None:
        said = await read(f"{what} · n decline · c put it away > ")
        if said is None:
            return None
        action = _ACTIONS.get(said.strip().lower())
    if action != "accept" or question.form is None:
        return FormAnswer(action=action)
    fields: dict[str, Any] = {}
    for field in form_fields(question.form):
        while True:
            typed = await read(_prompt(field))
            if typed is None:
                return None
            try:
                value = field_value(field, typed)
            except ValueError as error:
                console.line(f"  {error}", "bad")
                continue
            if value is None:
                value = field.default
            if value is not None or not field.required:
                break
            console.line("  this is needed", "bad")
        if value is not None:
            fields[field.name] = value
    return FormAnswer(action="accept", fields=fields)


def _prompt(field: FormField) -> str:
    about = [field.kind if not field.format else field.format]
    if field.choices:
        shown = [
            f"{n} {each.title or each.value}" for n, each in enumerate(field.choices[:_SHOWN_CHOICES], 1)
        ]
        about = [", ".join(shown) + (", …" if len(field.choices) > _SHOWN_CHOICES else "")]
        if field.kind == "choices":
            about.append("several with commas")
    if field.kind == "boolean":
        about = ["y or n"]
    if field.default is not None:
        about.append(f"else {field.default}")
    elif not field.required:
        about.append("may be left empty")
    told = f" - {field.description}" if field.description else ""
    return sanitize_line(f"{field.label} ({'; '.join(about)}){told} > ")


def given_form(
    question: Question, text: str, pairs: Sequence[str], actions: Sequence[str]
) -> FormAnswer | None:
    """Returns what a command's options say of a form or an address; None for a question in words.

    Raises `InvalidError` for options that do not fit together or the question.
    """
    if not question.acted:
        if pairs or actions:
            raise InvalidError("This question is answered with words, not with fields.", code="not_a_form")
        if not text:
            raise InvalidError("Write the answer behind the question's id.")
        return None
    if text:
        raise InvalidError(
            "This is a form: give its fields with --field NAME=VALUE, or --decline.", code="form_expected"
        )
    chosen = cast("Sequence[FormAction]", actions) or (("accept",) if pairs else ())
    if len(chosen) != 1 or (pairs and chosen[0] != "accept"):
        raise InvalidError(
            "Say one of: --field NAME=VALUE for each field, --accept, --decline or --cancel.",
            code="form_expected",
        )
    return FormAnswer(action=chosen[0], fields=_fields(question, pairs))


def _fields(question: Question, pairs: Sequence[str]) -> dict[str, Any]:
    known = {each.name: each for each in form_fields(question.form or {})}
    fields: dict[str, Any] = {}
    for pair in pairs:
        name, separator, typed = pair.partition("=")
        if not separator or name not in known:
            named = ", ".join(sanitize_line(each) for each in known)
            raise InvalidError(
                f"{pair[:80]!r} is no NAME=VALUE of a field; the fields are: {named or 'none'}."
            )
        try:
            fields[name] = field_value(known[name], typed)
        except ValueError as error:
            raise InvalidError(f"{name}: {error}.", code="invalid_fields") from error
    return fields


def question_text(question: Question) -> str:
    """Returns what is asked, in one line."""
    who = f"The MCP server {question.server} asks: " if question.server else ""
    where = f" {question.url}" if question.url else ""
    return sanitize_line(f"{who}{question.text}{where}")


def choice_words(question: Question) -> tuple[str, ...]:
    """Returns what can be answered: choices, or the fields of a form."""
    if question.form is None:
        return question.choices
    return tuple(sanitize_line(f"--field {each.name}=…") for each in form_fields(question.form))
