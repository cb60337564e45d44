"""What is told of messages beside what they say: metadata of every type, and what a reply rests on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.events import LoggedEvent, RunStarted
from holdfast.core.domain.runs import Run
from holdfast.core.domain.values import all_items
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.h2ogpte.mapping_messages import (
    analysis_of,
    drafts_of,
    file_list,
    files_of,
    history_md_of,
    history_of,
    judged,
    passages_of,
    reference_of,
    usage_of,
)
from holdfast.server.dialects.h2ogpte.operations_completions import run_of
from holdfast.server.dialects.h2ogpte.wire_chats import MessageMeta, MetaQuery, Reference, ReferencesQuery
from holdfast.server.kit.answers import events_of
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.run_state import RunState


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply, and all that is known of how it came to be."""

    workbench: Workbench
    run: Run
    state: RunState
    events: tuple[LoggedEvent, ...]

    @property
    def of_agent(self) -> bool:
        """Whether there were tools."""
        started = (each.event for each in self.events if isinstance(each.event, RunStarted))
        return any(event.options.tools != () for event in started)


async def reply_of(workbench: Workbench, run: Run) -> Reply:
    """Reads the reply that a run is."""
    events = tuple(await events_of(workbench, run))
    state = RunState()
    for logged in events:
        state.take(logged)
    return Reply(workbench, run, state, events)


async def get_message_meta(call: Call) -> tuple[MessageMeta, ...]:
    """Returns the metadata of a reply, of one type or of all; questions have none."""
    query: MetaQuery = call.query
    run = await run_of(call.workbench, call.path["message_id"])
    if run.id != call.path["message_id"]:
        return ()
    types = tuple(_ENTRIES) if query.info_type is None else (query.info_type,)
    return await entries(await reply_of(call.workbench, run), types)


async def get_message_references(call: Call) -> tuple[Reference, ...]:
    """Returns the passages that a reply rests on, best first; questions have none."""
    query: ReferencesQuery = call.query
    run = await run_of(call.workbench, call.path["message_id"])
    if run.id != call.path["message_id"]:
        return ()
    passages = passages_of((await reply_of(call.workbench, run)).state)
    return tuple(map(reference_of, passages if query.limit is None else passages[: query.limit]))


async def entries(reply: Reply, types: tuple[str, ...]) -> tuple[MessageMeta, ...]:
    """Returns the metadata of these types, as far as there is something to say."""
    found = [(each, await _ENTRIES[each](reply)) for each in types if each in _ENTRIES]
    return tuple(MessageMeta(message_type=each, content=content) for each, content in found if content)


async def _usage(reply: Reply) -> str:
    return usage_of(reply.state, reply.events)


async def _prompt(reply: Reply) -> str:
    """Returns what the model was shown in the last step."""
    with suppress(NotFoundError):  # no model was asked
        context = await reply.workbench.runs.context(reply.run.id)
        return "\n\n".join(part.text for part in context.parts)
    return ""


async def _reflection(reply: Reply) -> str:
    return judged(reply.events)


async def _draft(reply: Reply, number: int) -> str:
    return next(iter(drafts_of(reply.state)[number:]), "")


async def _files(reply: Reply) -> str:
    found = files_of(reply.events, reply.run.session_id)
    return file_list(found) if found else ""


async def _files_before(reply: Reply) -> str:
    """Returns the files of the runs before, without those that this one has written anew."""
    runs = await all_items(partial(reply.workbench.runs.list, reply.run.session_id))
    before = sorted(each.first_event_id for each in runs if each.first_event_id < reply.run.first_event_id)
    by_start = {each.first_event_id: each for each in runs}
    events = [one for start in before for one in await events_of(reply.workbench, by_start[start])]
    anew = files_of(reply.events, reply.run.session_id)
    found = {path: id for path, id in files_of(events, reply.run.session_id).items() if path not in anew}
    return file_list(found) if found else ""


async def _history(reply: Reply) -> str:
    return history_of(reply.state) if reply.of_agent else ""


async def _history_md(reply: Reply) -> str:
    return history_md_of(reply.state) if reply.of_agent else ""


async def _analysis(reply: Reply) -> str:
    return analysis_of(reply.state, reply.events) if reply.of_agent else ""


_ENTRIES: dict[str, Callable[[Reply], Awaitable[str]]] = {
    "usage_stats": _usage,
    "prompt_raw": _prompt,
    "self_reflection": _reflection,
    "llm_only": partial(_draft, number=0),
    "hyde1": partial(_draft, number=1),
    "agent_files": _files,
    "agent_files_old": _files_before,
    "agent_chat_history": _history,
    "agent_chat_history_md": _history_md,
    "agent_analysis": _analysis,
}

IN_LISTINGS = tuple(each for each in _ENTRIES if each not in ("prompt_raw", "agent_files_old"))
"""What is told with every reply of a list: all that its own events say."""

_MESSAGE = "/api/v1/messages/{message_id}"

OPERATIONS = (
    Operation(
        "get_message_meta",
        "GET",
        f"{_MESSAGE}/meta",
        get_message_meta,
        result=tuple[MessageMeta, ...],
        query=MetaQuery,
    ),
    Operation(
        "get_message_references",
        "GET",
        f"{_MESSAGE}/references",
        get_message_references,
        result=tuple[Reference, ...],
        query=ReferencesQuery,
    ),
)
