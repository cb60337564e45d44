"""Events of a session as updates of the protocol: the same code for what happens now and for what did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from acp.helpers import (
    plan_entry,
    start_tool_call,
    text_block,
    update_agent_message_text,
    update_agent_thought_text,
    update_current_mode,
    update_plan,
    update_tool_call,
)
from acp.schema import (
    AgentMessageChunk,
    AgentPlanUpdate,
    AgentThoughtChunk,
    Cost,
    CurrentModeUpdate,
    SessionInfoUpdate,
    ToolCallProgress,
    ToolCallStart,
    ToolCallStatus,
    UsageUpdate,
    UserMessageChunk,
)

from holdfast.acp.calls import kind_of, location_of, title_of
from holdfast.acp.choices import shown_mode
from holdfast.acp.content import content_of, fenced, locations_of, result_content, text_content
from holdfast.core.domain.events import (
    AnyEvent,
    ApprovalRequested,
    ContextCompacted,
    MessageAdded,
    ModelFellBack,
    ModelRetried,
    PartCompleted,
    PartDelta,
    PartStarted,
    RunFailed,
    ToolCallCompleted,
    ToolCallProgressed,
    ToolCallRequested,
    ToolCallStarted,
    UsageRecorded,
)
from holdfast.core.domain.messages import text_of
from holdfast.core.domain.session_events import SessionModeChanged, SessionRenamed
from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.core.domain.tools import PlanBlock

Update = (
    UserMessageChunk
    | AgentMessageChunk
    | AgentThoughtChunk
    | ToolCallStart
    | ToolCallProgress
    | AgentPlanUpdate
    | CurrentModeUpdate
    | SessionInfoUpdate
    | UsageUpdate
)

OUTPUT_EVERY = timedelta(seconds=0.25)
"""How often the output of a call that executes is sent: each time all that is shown of it goes over."""
OUTPUT_SHOWN = 4_000
"""Characters at its end that are shown while it executes."""

_STATUS: dict[str, ToolCallStatus] = {"ok": "completed", "client": "completed"}


def call_id_of(run_id: str, call_id: str) -> str:
    """Returns the id of a call for the editor: models number their calls anew in each run."""
    return f"{run_id}/{call_id}"


class Translator:
    """Makes updates of the events of one session, in their order.

    `workspace` is the folder of its files. `window` returns how many tokens a model takes, None where that is
    not known. With `replay` messages of the person and failures are shown too, which otherwise the editor
    shows by itself.
    """

    def __init__(
        self,
        workspace: str,
        *,
        window: Callable[[str], int | None] = lambda _: None,
        replay: bool = False,
    ) -> None:
        self._workspace = workspace
        self._window = window
        self._replay = replay
        self._parts: dict[str, tuple[str, str]] = {}
        self._output: dict[str, tuple[str, datetime | None]] = {}
        self._cost = 0.0

    def take(self, event: AnyEvent) -> list[Update]:
        """Returns what the editor is to be told of an event: often nothing."""
        return list(self._updates(event))

    def _updates(self, event: AnyEvent) -> Iterator[Update]:
        match event:
            case PartStarted():
                self._parts[event.part_id] = (event.kind, "")
            case PartDelta():
                kind, so_far = self._parts.get(event.part_id, ("text", ""))
                self._parts[event.part_id] = (kind, so_far + event.text)
                yield self._chunk(kind, event.text)
            case PartCompleted():
                yield from self._part(event)
            case MessageAdded(origin="send" | "steer") if self._replay:
                text = text_block(sanitize(text_of(event.parts)))
                yield UserMessageChunk(session_update="user_message_chunk", content=text)
            case RunFailed() if self._replay:
                yield update_agent_message_text(f"\n\nThe run failed: {sanitize(event.error.message)}\n")
            case ModelRetried():
                again = f"{event.error.message} Trying again in {event.delay_s:g} s."
                yield update_agent_thought_text(sanitize(again) + "\n")
            case ModelFellBack():
                instead = f"{event.error.message} Going on with {event.to_model}."
                yield update_agent_thought_text(sanitize(instead) + "\n")
            case ContextCompacted():
                yield update_agent_thought_text(
                    f"The conversation was too long for the model: {event.messages_dropped} messages gave "
                    "way to a summary.\n"
                )
            case UsageRecorded():
                yield from self._usage(event)
            case SessionRenamed():
                title = sanitize_line(event.title)
                yield SessionInfoUpdate(session_update="session_info_update", title=title)
            case SessionModeChanged():
                yield update_current_mode(shown_mode(event.mode))
            case _:
                yield from self._call(event)

    def _part(self, event: PartCompleted) -> Iterator[Update]:
        _, sent = self._parts.pop(event.part_id, (event.kind, ""))
        if event.text.startswith(sent) and (rest := event.text[len(sent) :]):
            yield self._chunk(event.kind, rest)
        if event.citations:
            named = [f"[{c.number}] {sanitize_line(c.document or c.source)}" for c in event.citations]
            yield update_agent_message_text("\n\n" + "  \n".join(named) + "\n")

    def _chunk(self, kind: str, text: str) -> Update:
        shown = sanitize(text)
        return update_agent_message_text(shown) if kind == "text" else update_agent_thought_text(shown)

    def _usage(self, event: UsageRecorded) -> Iterator[Update]:
        self._cost += event.cost_usd or 0.0
        size = self._window(event.model)
        if size is None:
            return
        cost = Cost(amount=round(self._cost, 6), currency="USD") if self._cost else None
        used = event.input_tokens + event.output_tokens
        yield UsageUpdate(session_update="usage_update", used=used, size=size, cost=cost)

    # --- calls

    def _call(self, event: AnyEvent) -> Iterator[Update]:
        match event:
            case ToolCallRequested():
                yield start_tool_call(
                    call_id_of(event.run_id, event.call_id),
                    title_of(event.name, event.arguments),
                    kind=kind_of(event.name),
                    status="pending",
                    locations=location_of(event.name, event.arguments, self._workspace),
                    raw_input=event.arguments,
                )
            case ApprovalRequested():
                yield self._preview(event)
            case ToolCallStarted():
                id = call_id_of(event.run_id, event.call_id)
                yield update_tool_call(id, status="in_progress", raw_input=event.arguments)
            case ToolCallProgressed():
                yield from self._progress(event)
            case ToolCallCompleted():
                yield from self._completed(event)

    def _preview(self, event: ApprovalRequested) -> Update:
        approval = event.approval
        return update_tool_call(
            call_id_of(event.run_id, approval.call_id),
            status="pending",
            content=content_of(approval.preview, self._workspace),
            locations=locations_of(approval.preview, self._workspace) or None,
        )

    def _progress(self, event: ToolCallProgressed) -> Iterator[Update]:
        id = call_id_of(event.run_id, event.call_id)
        text, sent_at = self._output.get(id, ("", None))
        text = (("" if event.skipped else text) + event.text)[-OUTPUT_SHOWN:]
        due = sent_at is None or event.at - sent_at >= OUTPUT_EVERY
        self._output[id] = (text, event.at if due else sent_at)
        if due:
            yield update_tool_call(id, content=[text_content(fenced(text))])

    def _completed(self, event: ToolCallCompleted) -> Iterator[Update]:
        id = call_id_of(event.run_id, event.call_id)
        self._output.pop(id, None)
        for block in event.display:
            if isinstance(block, PlanBlock):
                yield update_plan(
                    plan_entry(sanitize_line(item.text), status=item.status) for item in block.items
                )
        content = content_of(event.display, self._workspace) or result_content(event.content)
        if event.outcome in ("denied", "error", "timeout") and event.display:
            content = [*result_content(event.content), *content]
        yield update_tool_call(
            id,
            status=_STATUS.get(event.outcome, "failed"),
            content=content,
            locations=locations_of(event.display, self._workspace) or None,
        )
