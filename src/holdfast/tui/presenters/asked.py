"""What a question offers: its own choices, or what can be done with what an MCP server asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize, sanitize_line

if TYPE_CHECKING:
    from holdfast.core.domain.forms import FormAction
    from holdfast.core.domain.tools import Question

_FORM = ("fill it in", "decline", "put it away")
_ADDRESS = ("I have done it there", "decline", "put it away")
_ACTIONS: tuple[FormAction, ...] = ("accept", "decline", "cancel")


def choices_of(question: Question) -> tuple[str, ...]:
    """Returns what can be chosen, in the order of the digits; not sanitised."""
    if not question.acted:
        return question.choices
    return _FORM if question.form is not None else _ADDRESS


def action_of(question: Question, number: int) -> FormAction | None:
    """Returns what the digit `number` does with a form or an address; None where it does nothing."""
    return _ACTIONS[number - 1] if question.acted and 0 < number <= len(_ACTIONS) else None


def asks(question: Question) -> str:
    """Returns who asks, in one line."""
    if question.server:
        return f"The MCP server {sanitize_line(question.server)} asks"
    return f"The sub-agent {sanitize_line(question.agent)} asks" if question.agent else "A question"


def words_of(question: Question) -> str:
    """Returns what is asked; of a server with its name, for the words are its own."""
    said = sanitize(question.text).strip()
    if question.url is not None:
        said = f"{said}\n{sanitize_line(question.url)}".strip()
    return f"{asks(question)}: {said}" if question.server else said
