"""What of a conversation is sent to its agent, and the tools that its caller has."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.messages import Message, TextPart
from holdfast.core.domain.models import ToolSchema
from holdfast.core.domain.runs import RunOptions
from holdfast.core.domain.text import sanitize_line
from holdfast.tui.presenters.playground.state import PlaygroundState, PlayMessage


def turn_of(state: PlaygroundState, approve: ApproveMode) -> tuple[str, RunOptions]:
    """Returns the last message, and the options of a run that answers it after the others. Raises
    `InvalidError` where nothing is said, or not by the user at last."""
    said = state.said
    if not said:
        raise InvalidError("Nothing is said yet: enter on a message writes it.", code="nothing_said")
    if said[-1].role != "user":
        raise InvalidError(
            "The last message must be the user's: n adds one, o changes a role.", code="not_the_user"
        )
    return said[-1].text, options_of(state, approve, _messages(said[:-1]))


def options_of(
    state: PlaygroundState, approve: ApproveMode, history: tuple[Message, ...] | None = None
) -> RunOptions:
    """Returns the options of a run; without `history` it goes on from the one before."""
    return RunOptions(
        history=history,
        instructions_prefix=state.system,
        client_tools=state.tools,
        approve=approve,
        hand_over=False,
    )


def _messages(said: Iterable[PlayMessage]) -> tuple[Message, ...]:
    return tuple(Message(role=one.role, parts=(TextPart(text=one.text),)) for one in said)


def tools_text(tools: Sequence[ToolSchema]) -> str:
    """Returns tools as a person edits them."""
    shown = [one.model_dump(mode="json") for one in tools] or [EXAMPLE]
    return json.dumps(shown, indent=2, ensure_ascii=False)


EXAMPLE: dict[str, Any] = {
    "name": "get_delivery_date",
    "description": "Says when an order arrives.",
    "parameters": {
        "type": "object",
        "properties": {"order": {"type": "string"}},
        "required": ["order"],
    },
}


def tools_of(text: str) -> tuple[ToolSchema, ...]:
    """Returns the tools that a person wrote; none for an empty text. Raises `InvalidError`."""
    if not text.strip():
        return ()
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidError(f"This is no JSON: {sanitize_line(str(error))}.", code="invalid_tools") from None
    listed = found if isinstance(found, list) else [found]
    try:
        return tuple(ToolSchema.model_validate(one) for one in listed)
    except ValueError as error:
        raise InvalidError(
            f"Each tool has a name, a description and parameters (JSON Schema). {sanitize_line(str(error))}",
            code="invalid_tools",
        ) from None
