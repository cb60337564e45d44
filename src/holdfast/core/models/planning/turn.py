"""One turn: from the messages of a request to the next call, or to the answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from holdfast.core.domain.delegating import DELEGATE
from holdfast.core.domain.memory import PREFACE
from holdfast.core.domain.messages import (
    DIRECT_CALL_HEADER,
    RETRIEVED_HEADER,
    FilePart,
    Message,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from holdfast.core.domain.models import ModelRequest
from holdfast.core.domain.skills import LOAD_TOOL
from holdfast.core.models.planning.answers import code_block, failed, letter, missing, refused
from holdfast.core.models.planning.documents import SEARCH, Found, numbers_again, passages_in
from holdfast.core.models.planning.intents import understand
from holdfast.core.models.planning.named import named_call
from holdfast.core.models.planning.reports import Source
from holdfast.core.models.planning.scripts import script_for
from holdfast.core.models.planning.steps import Call, Outcome, Surroundings
from holdfast.core.models.prompts import text_of_file

_DENIED = re.compile(
    r"\A\W*denied\b|\b(?:person|user|policy) denied\b|\b(?:so it|call) was denied\b|\bnobody approved\b", re.I
)
_CONTINUE = re.compile(
    r"\W*(?:please\s+)?(?:continue|go on|carry on|resume)(?:\s+where you stopped)?\W*\Z", re.I
)
_OWN = frozenset(
    (
        *("ask_user", "edit_file", "fetch_url", "list_files", "read_document", "read_file", "remember"),
        *("run_command", "run_python", "search_files", "search_knowledge", "search_memory", "update_plan"),
        *("write_file", DELEGATE, LOAD_TOOL),
    )
)
"""The tools whose results the planner's own answers tell."""
_REASON = re.compile(r"(?:reason|policy):\s*(.+)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer that ends the turn."""

    text: str


@dataclass(frozen=True, slots=True)
class _Done:
    """A call of this turn with its result."""

    tool: str
    text: str
    error: bool


@dataclass(frozen=True, slots=True)
class _Turn:
    """What is worked on."""

    message: int
    """Where it stands among the messages."""
    done: list[_Done]
    """The calls that were made for it."""


def decide(request: ModelRequest, read_blob: Callable[[str], bytes]) -> Call | Reply:
    """Returns what comes next in the turn that the last user message began or goes on with."""
    turn = _turn(request.messages)
    if turn is None:
        return Reply("There is no message to answer.")
    step = _planned(request, turn, read_blob)
    if isinstance(step, Call):
        return step
    if request.tools:
        before = request.messages[: turn.message + 1]
        said = [_said(m) for m in before if m.role == "user" and not _is_retrieved(m)]
        return named_call(request, said, _OWN | {each.tool for each in turn.done}) or step
    given = [f"`{each.tool}` gave:\n\n{code_block(each.text)}" for each in turn.done if each.tool not in _OWN]
    return Reply("\n\n".join(given)) if given else step


def _planned(request: ModelRequest, turn: _Turn, read_blob: Callable[[str], bytes]) -> Call | Reply:
    message = request.messages[turn.message]
    tools = frozenset(t.name for t in request.tools)
    label = letter if _has_passages(tools, request.messages) else str
    looked_up = _looked_up(request.messages, turn)
    passages = _passages(looked_up, request.messages[: turn.message])
    around = Surroundings(tools, _attached(message, read_blob), passages, bool(looked_up), label)
    script = script_for(understand(_said(message)), around)
    done = iter(turn.done)
    try:
        call = next(script)
        while True:
            past = next(done, None)
            if past is None:
                concluding = not request.tools and bool(turn.done)
                return call if call.tool in around.tools else Reply(missing(call.tool, concluding))
            stopped = _stopped(call, past)
            if stopped is not None:
                return stopped
            call = script.send(Outcome(past.text, past.error))
    except StopIteration as end:
        return Reply(end.value)


def _turn(messages: tuple[Message, ...]) -> _Turn | None:
    """Returns the message to work on and the calls that were made for it.

    A message that only says "continue" goes on with the one before; what failed last is then tried again.
    """
    users = [i for i, m in enumerate(messages) if m.role == "user" and not _is_retrieved(m)]
    if not users:
        return None
    last = users[-1]
    asked = [i for i in users if not _asks_nothing(_said(messages[i]))]
    if not asked or asked[-1] == last:
        return _Turn(last, _done(messages[last + 1 :]))
    before = _done(messages[asked[-1] + 1 : last])
    while before and before[-1].error and not _DENIED.search(before[-1].text[:300]):
        before.pop()
    return _Turn(asked[-1], before + _done(messages[last + 1 :]))


def _asks_nothing(text: str) -> bool:
    """Says whether a message goes on with the one before, or only tells what a person did."""
    return bool(_CONTINUE.match(text)) or text.startswith(DIRECT_CALL_HEADER)


def _said(message: Message) -> str:
    """Returns what the person has said: the text without the memory that is put before it."""
    texts = [part.text for part in message.parts if isinstance(part, TextPart)]
    return "\n".join(text for text in texts if not text.startswith(PREFACE))


def _is_retrieved(message: Message) -> bool:
    return message.role == "user" and message.text.startswith(RETRIEVED_HEADER)


def _looked_up(messages: tuple[Message, ...], turn: _Turn) -> list[Message]:
    """Returns what was looked up for the turn's message: it stands right before it, or after it when a run
    goes on with it."""
    first = turn.message
    while first and _is_retrieved(messages[first - 1]):
        first -= 1
    return [m for m in messages[first:] if _is_retrieved(m)]


def _passages(looked_up: list[Message], before: tuple[Message, ...]) -> tuple[Found, ...]:
    """Returns the passages that were looked up; those that were shown before are taken from there."""
    again = [number for shown in looked_up for number in numbers_again(shown.text)]
    above = {found.number: found for m in before if _is_retrieved(m) for found in passages_in(m.text)}
    new = {found.number: found for shown in looked_up for found in passages_in(shown.text)}
    return (*new.values(), *(above[number] for number in again if number in above and number not in new))


def _has_passages(tools: frozenset[str], messages: tuple[Message, ...]) -> bool:
    """Says whether numbers stand for passages of documents here."""
    results = (part for m in messages for part in m.parts if isinstance(part, ToolResultPart))
    return (
        SEARCH in tools or any(_is_retrieved(m) for m in messages) or any(r.name == SEARCH for r in results)
    )


def _stopped(call: Call, past: _Done) -> Reply | None:
    """Returns the reply that ends the turn because of a call's result, if it does."""
    if past.error and _DENIED.search(past.text[:300]):
        reason = _REASON.search(past.text)
        return Reply(refused(past.tool, reason[1] if reason else ""))
    if past.tool != call.tool:  # another model began this turn
        return Reply(
            "The calls before were another model's; tell me anew what to do, and I start from there."
        )
    if past.error and not call.tolerate:
        return Reply(failed(past.tool, past.text))
    return None


def _attached(message: Message, read_blob: Callable[[str], bytes]) -> tuple[Source, ...]:
    found: list[Source] = []
    for part in (p for p in message.parts if isinstance(p, FilePart)):
        text = text_of_file(part, read_blob)
        if text is not None:
            found.append(Source(part.name, text))
    return tuple(found)


def _done(messages: tuple[Message, ...]) -> list[_Done]:
    calls = [p for m in messages for p in m.parts if isinstance(p, ToolCallPart)]
    results = {p.call_id: p for m in messages for p in m.parts if isinstance(p, ToolResultPart)}
    return [
        _Done(call.name, _text(result), result.is_error)
        for call in calls
        if (result := results.get(call.call_id)) is not None
    ]


def _text(result: ToolResultPart) -> str:
    return "\n".join(p.text if isinstance(p, TextPart) else f"[image {p.name}]" for p in result.content)
