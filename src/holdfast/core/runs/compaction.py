"""Keeps the context under the model's window: older messages give way to a summary, the log keeps all."""

from __future__ import annotations

from contextlib import aclosing

from holdfast.core.domain.context import CHARS_PER_TOKEN, request_tokens, tokens_of
from holdfast.core.domain.errors import ContextTooLong, ModelError
from holdfast.core.domain.events import ContextCompacted
from holdfast.core.domain.messages import Message, TextPart, ToolCallPart, ToolResultPart
from holdfast.core.domain.models import (
    ModelClient,
    ModelInfo,
    ModelRequest,
    ModelSettings,
    TextDelta,
)
from holdfast.core.domain.text import shorten
from holdfast.core.runs.active import ActiveRun
from holdfast.core.runs.metering import metered
from holdfast.core.runs.projections.context import SUMMARY_HEADER, Entry

_FULL = 0.8
"""Share of the window at which the context is compacted."""
_KEPT = 0.375
"""Share of that which the newest messages may keep."""
_PROMPT = (
    "Summarise the conversation so far for yourself, so that you can go on without it. Keep: what the "
    "person wants, decisions and their reasons, facts and figures found, names of files read and written, "
    "commands run and their results, what is done, and what is left to do. Leave out pleasantries. "
    "Write plain text, at most 800 words."
)
_FOCUS = "\nThe person asks that above all this is kept: "


class Compactor:
    """Compacts the context of runs."""

    def __init__(self, client: ModelClient) -> None:
        self._client = client

    async def before_step(self, run: ActiveRun, request: ModelRequest, info: ModelInfo) -> bool:
        """Compacts when the request fills the model's window to four fifths, or is larger than the run's
        budget; says whether it did."""
        most = _most(run, info)
        if most is None:
            return False
        if request_tokens(request) < most:
            return False
        return await self.compact(run, int(most * _KEPT))

    async def compact(self, run: ActiveRun, keep_tokens: int, focus: str = "") -> bool:
        """Replaces all but the newest `keep_tokens` of the context by a summary; `focus` is what that must
        keep above all.

        Says False when there is nothing that could be left out.
        """
        entries = run.emitter.context.entries
        cut = droppable(entries, keep_tokens)
        if cut == 0:
            return False
        old = entries[:cut]
        summary = await self._summary(run, old, focus)
        before = sum(tokens_of(entry.message) for entry in entries)
        kept = sum(tokens_of(entry.message) for entry in entries[cut:])
        await run.emitter.emit(
            ContextCompacted(
                **run.ids,
                summary=summary,
                through_event_id=entries[cut].event_id - 1 if cut < len(entries) else entries[-1].event_id,
                tokens_before=before,
                tokens_after=kept + len(summary) // CHARS_PER_TOKEN,
                messages_dropped=len(old),
                messages_kept=len(entries) - cut,
            )
        )
        return True

    async def _summary(self, run: ActiveRun, entries: list[Entry], focus: str) -> str:
        if run.model == "offline":
            return digest(entries)  # it is no language model
        transcript = "\n\n".join(_as_text(entry.message) for entry in entries)
        limit = 200_000
        if len(transcript) > limit:
            transcript = transcript[: limit // 2] + "\n\n[…]\n\n" + transcript[-limit // 2 :]
        request = ModelRequest(
            model=run.model,
            messages=(
                Message(role="system", parts=(TextPart(text=_PROMPT + (_FOCUS + focus if focus else "")),)),
                Message(role="user", parts=(TextPart(text=transcript),)),
            ),
            settings=ModelSettings(max_output_tokens=2_000, api_base=run.spec.model_settings.api_base),
        )
        request = await run.hooks.before_model(request)
        try:
            async with aclosing(metered(run, self._client, request)) as deltas:
                texts = [delta.text async for delta in deltas if isinstance(delta, TextDelta)]
        except ContextTooLong:
            return digest(entries)
        except ModelError:
            # The run must be able to go on without the model's help: a mechanical digest is better than none.
            return digest(entries)
        return "".join(texts).strip() or digest(entries)


def droppable(entries: list[Entry], keep_tokens: int) -> int:
    """Returns how many of the oldest messages can give way, so that the newest `keep_tokens` stay; 0 also
    where there is but an older summary, for a summary of that would make no room."""
    cut = _cut(entries, keep_tokens)
    return 0 if cut == 1 and _is_summary(entries[0]) else cut


def kept_on_request(entries: list[Entry]) -> int:
    """Returns how many tokens stay when a person asks for a compaction: a fifth."""
    return sum(tokens_of(entry.message) for entry in entries) // 5


def _most(run: ActiveRun, info: ModelInfo) -> float | None:
    """Returns how many tokens a request may have; None when nothing says so."""
    budget = run.options.max_context_tokens
    if info.context_window is None:
        return budget
    room = info.context_window - min(info.max_output_tokens or 4_096, info.context_window // 4)
    return room * _FULL if budget is None else min(budget, room * _FULL)


def _is_summary(entry: Entry) -> bool:
    first = entry.parts[0]
    return isinstance(first, TextPart) and first.text.startswith(SUMMARY_HEADER)


def digest(entries: list[Entry]) -> str:
    """Returns a summary made without a model: what was asked, what was called, how each reply began."""
    lines = []
    for entry in entries:
        for part in entry.parts:
            match part:
                case TextPart() if entry.looked_up:
                    lines.append("Passages of documents were looked up.")
                case TextPart(text=text) if entry.role == "user":
                    lines.append(f"The person said: {shorten(' '.join(text.split()), 400)}")
                case TextPart(text=text):
                    lines.append(f"You replied: {shorten(' '.join(text.split()), 200)}")
                case ToolCallPart():
                    lines.append(f"You called {part.name} with {shorten(str(part.arguments), 160)}")
                case ToolResultPart(is_error=True):
                    lines.append(f"{part.name} failed.")
    return "\n".join(lines[-200:])


def _cut(entries: list[Entry], keep_tokens: int) -> int:
    """Returns how many entries to drop: never between a call and its result, never the newest message, and no
    message without what was looked up for it."""
    size = 0
    cut = len(entries)
    for index in range(len(entries) - 1, -1, -1):
        size += tokens_of(entries[index].message)
        if size > keep_tokens and cut < len(entries):
            break
        if entries[index].role != "tool" and not entries[max(0, index - 1)].looked_up:
            cut = index
            if size > keep_tokens:
                break
    return 0 if cut == len(entries) else cut


def _as_text(message: Message) -> str:
    lines = []
    for part in message.parts:
        match part:
            case TextPart(text=text):
                lines.append(text)
            case ToolCallPart():
                lines.append(f"[calls {part.name} {shorten(str(part.arguments), 2_000)}]")
            case ToolResultPart():
                body = "\n".join(each.text for each in part.content if isinstance(each, TextPart))
                lines.append(f"[result of {part.name}: {shorten(body, 4_000)}]")
            case _:
                lines.append(f"[{part.type} {part.name}]")
    return f"{message.role}: " + "\n".join(lines)
