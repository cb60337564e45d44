"""What messages say beside their text: a session's title, and what holds for one that has waited."""

from __future__ import annotations

from holdfast.core.domain.messages import TextPart, UserPart, text_of, without_results
from holdfast.core.domain.runs import QueuedMessage, RunOptions
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.store.modes import read_mode
from holdfast.core.store.reader import Reader


async def options_now(reader: Reader, queued: QueuedMessage) -> RunOptions:
    """Returns the options of a message that has waited. The mode of its session was changed meanwhile, by
    a person or because a limit was reached: that is the later word, and the one that holds."""
    mode = await read_mode(reader, queued.session_id)
    if mode is None or mode.since < queued.queued_at:
        return queued.options
    return queued.options.model_copy(update={"approve": None})


def title_of(parts: tuple[UserPart, ...]) -> str:
    """Returns a session's title from its first message; empty when nothing is said in it."""
    said = without_results(parts)
    written = " ".join(part.text for part in said if isinstance(part, TextPart))
    return shorten(sanitize_line(written).strip(), 60) or sanitize_line(text_of(said))
