"""What somebody is about to say, said better by the model."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from holdfast.core.domain.drafts import MAX_PROMPT, MessageDraft
from holdfast.core.domain.errors import HoldfastError
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.sage.encoder import written_line
from holdfast.server.dialects.sage.errors import failure
from holdfast.server.dialects.sage.mapping_drafts import language_of
from holdfast.server.dialects.sage.mapping_streams import plain_text
from holdfast.server.dialects.sage.wire_streams import MessageIn, OptimizeInput
from holdfast.server.kit.errors import plain_message


async def better(workbench: Workbench, asked: OptimizeInput) -> MessageDraft:
    """Returns what is said better. Raises `InvalidError` in Sage's words where nothing is said."""
    if not asked.current_input.strip():
        raise failure("message_says_nothing")
    language = language_of(asked.language, "") or None
    return await workbench.drafts.message(asked.current_input, _before(asked.history_messages), language)


def _before(messages: Sequence[MessageIn]) -> str:
    """Returns the end of what was said before, as one text."""
    said = ((one.role, plain_text(one)) for one in messages)
    return "\n\n".join(f"{role[:50]}: {text}" for role, text in said if text.strip())[-MAX_PROMPT:]


async def better_lines(workbench: Workbench, asked: OptimizeInput) -> AsyncGenerator[bytes, None]:
    """Yields the same as lines: that it begins, the text, and all of it at the end; or why there is none."""
    yield _line("start")
    try:
        draft = await better(workbench, asked)
    except HoldfastError as error:
        yield _line("error", content=plain_message(error.info), success=False)
        return
    yield _line("delta", content=draft.text)
    yield _line("done", optimized_input=draft.text, success=True)


def _line(kind: str, **said: Any) -> bytes:
    return written_line({"type": kind, **said})
