"""History and live are the same, wherever a reader joins."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.messages import TextPart, ToolResultPart
from holdfast.tui.presenters.entries import fold
from holdfast.tui.presenters.transcript import TranscriptPresenter

texts = st.text("ab *`\n\r\t\x1b日", max_size=12)
deltas = st.lists(texts, max_size=4)
steps = st.one_of(
    st.tuples(st.just("text"), deltas),
    st.tuples(st.just("reasoning"), deltas),
    st.tuples(st.just("call"), deltas, st.sampled_from(["ok", "error", "denied", "cancelled", "timeout"])),
    st.tuples(st.just("handed"), texts),
    st.tuples(st.just("asked"), st.sampled_from(["approved", "denied", "stale"]), texts),
    st.tuples(st.just("question"), st.none() | texts),
    st.tuples(st.just("hook"), st.sampled_from(["allow", "deny", "modify", "ask"]), texts),
    st.tuples(st.just("retrieval"), st.booleans(), st.booleans()),
    st.tuples(st.just("cited"), st.lists(st.sampled_from(["see [1]", " and [99]", "`[2]`", " [2]"]))),
    st.tuples(st.sampled_from(["pause", "queue", "dequeue", "undo", "configure", "steer"])),
)
ends = st.sampled_from(["completed", "failed", "cancelled", "open"])
sessions = st.lists(st.tuples(st.lists(steps, max_size=5), ends), min_size=1, max_size=3)


def write(log: Any, session: list[Any]) -> None:
    """Writes what `session` describes, in an order that the domain allows."""
    number = 0
    for run_steps, end in session:
        log.start()
        for step in run_steps:
            number += 1
            _write_step(log, step, f"x{number}")
        if end == "failed":
            log.fail("no")
        elif end != "open":
            log.add("RunCompleted" if end == "completed" else "RunCancelled")
        if end == "open":
            log.part("last", "not", " done", end=False)
            return


def _write_step(log: Any, step: tuple[Any, ...], id: str) -> None:
    match step:
        case ("text" | "reasoning" as kind, pieces):
            log.part(id, *pieces, kind=kind)
        case ("call", pieces, outcome):
            log.request(id, path="p")
            if outcome not in ("denied", "cancelled"):
                log.add("ToolCallStarted", call_id=id, arguments={})
                for piece in pieces:
                    log.add("ToolCallProgressed", call_id=id, text=piece)
            log.complete(id, outcome=outcome, duration_ms=3.0)
        case ("handed", text):
            # A call that is left to the caller ends its run; the next message brings the result.
            log.request(id, path="p")
            log.add("ToolCallCompleted", call_id=id, name="n", outcome="client", content=())
            log.add("RunCompleted", reason="client_tools")
            log.add("RunStarted", agent="a", model="offline")
            result = ToolResultPart(call_id=id, name="n", content=(TextPart(text=text),))
            log.add("MessageAdded", message_id=f"answer-{id}", parts=(result,))
        case ("asked", status, reason):
            log.request(id, path="p")
            log.ask(id)
            outcome = "approve" if status == "approved" else "deny"
            log.resolve(id, status, Decision(outcome=outcome, reason=reason))
            if status == "stale":
                log.ask(id)
                log.resolve(id, "cancelled")
            log.complete(id, outcome="ok" if status == "approved" else "denied")
        case ("question", answer):
            log.request(id, name="ask_user")
            log.question(f"q{id}", id, "Well?", ["yes"])
            log.add("QuestionAnswered", question_id=f"q{id}", call_id=id, answer=answer)
            log.complete(id)
        case ("retrieval" | "cited" | "hook", *_):
            _write_between(log, step, id)
        case ("pause",):
            log.add("RunPaused")
            log.add("RunResumed")
        case ("queue",):
            log.queue(id, "later")
        case ("dequeue",):
            waiting = [e.event.message_id for e in log.events if e.event.type == "message.queued"]
            log.add("MessageDequeued", message_id=(waiting or ["gone"])[-1], reason="sent")
        case ("undo",):
            log.add("FileChanged", path=f"{id}.md", change="modified", origin="undo")
        case ("configure",):
            log.add("SessionConfigured", agent="b", model=None)
        case ("steer",):
            log.add("MessageAdded", message_id=id, parts=(), origin="steer")


def _write_between(log: Any, step: tuple[Any, ...], id: str) -> None:
    match step:
        case ("retrieval", True, fails):
            log.request(id, name="search_knowledge", query="how")
            log.retrieve(id, error="gone" if fails else "")
            log.complete(id)
        case ("retrieval", False, fails):
            log.retrieve(error="gone" if fails else "")
        case ("hook", outcome, reason):
            given = {"point": "before_model", "hook_id": id, "hook_type": "rule"}
            log.add("HookCompleted", **given, outcome=outcome, reason=reason)
        case ("cited", pieces):
            log.part(id, *pieces, cites=[n for n in (1, 2) if f"[{n}]" in "".join(pieces)])


@settings(max_examples=60, deadline=None)
@given(session=sessions)
def test_a_page_of_history_equals_what_was_seen_live_at_every_cut(folding: Any, session: Any) -> None:
    log = folding.Log()
    write(log, session)
    for cut in range(len(log.events) + 1):
        seen = log.events[:cut]
        page = folding.without_deltas(seen)
        assert TranscriptPresenter().present(page) == folding.live(seen)


@settings(max_examples=60, deadline=None)
@given(session=sessions, data=st.data())
def test_joining_in_the_middle_ends_where_everybody_ends(folding: Any, session: Any, data: Any) -> None:
    log = folding.Log()
    write(log, session)
    cut = data.draw(st.integers(0, len(log.events)))
    presenter = TranscriptPresenter()
    entries = presenter.present(folding.without_deltas(log.events[:cut]))
    for event in log.events[cut:]:
        fold(entries, presenter.apply(event))
    assert entries == folding.live(log.events)
