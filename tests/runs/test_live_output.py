"""What is told of a call's output while it executes."""

import asyncio
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.events import AnyEvent, LoggedEvent, RunCancelled
from holdfast.core.identity.redaction import MASK, Redactor, StreamRedactor
from holdfast.core.runs.emitter import Emitter, LiveOutput
from holdfast.core.runs.ending import write_end
from holdfast.core.runs.progress import TAIL_CHARS, WHOLE_CHARS
from holdfast.core.runs.projections.context import ContextProjection
from holdfast.core.runs.projections.state import RunState

LINE = "x" * 49 + "\n"
Sent = list[tuple[str, int]]


def told(pieces: list[str], secrets: tuple[str, ...] = ()) -> Sent:
    """Returns what goes out of these pieces, text and what is left out before it."""
    sent: Sent = []

    async def run() -> None:
        output = LiveOutput(
            lambda text, skipped: sent.append((text, skipped)), StreamRedactor(Redactor(lambda: secrets))
        )
        for piece in pieces:
            output.add(piece)
        output.flush()

    asyncio.run(run())
    return sent


def test_output_within_the_budget_is_told_whole() -> None:
    sent = told(["one\n", "two\n", "three"])
    assert "".join(text for text, _ in sent) == "one\ntwo\nthree"
    assert {skipped for _, skipped in sent} == {0}


def test_of_more_only_the_last_lines_are_told_and_how_much_is_left_out() -> None:
    written = WHOLE_CHARS // len(LINE) + 100_000
    lines = [f"{number:09} {LINE[10:]}" for number in range(written)]
    sent = told(["".join(lines[at : at + 1_000]) for at in range(0, written, 1_000)])
    text, skipped = sent[-1]
    assert len(text) <= TAIL_CHARS
    assert text == "".join(lines[-len(text) // len(LINE) :])
    assert skipped == 100_000 * len(LINE) - len(text)
    assert "".join(text for text, skipped in sent[:-1]) == "".join(lines)[:WHOLE_CHARS]


@given(st.lists(st.integers(min_value=1, max_value=9_000), max_size=40), st.integers(1, 200))
def test_every_character_is_told_or_counted(sizes: list[int], width: int) -> None:
    whole = "".join((str(at % 10) * width)[: width - 1] + "\n" for at in range(1 + sum(sizes) // width))
    pieces, at = ["y" * WHOLE_CHARS], 0
    for size in sizes:
        pieces.append(whole[at : at + size])
        at += size
    sent = told(pieces)
    total = "".join(pieces)
    assert sum(len(text) + skipped for text, skipped in sent) == len(total)
    assert all(len(text) <= TAIL_CHARS for text, skipped in sent if skipped)
    assert total.endswith(sent[-1][0])


def test_a_secret_at_the_edge_of_a_tail_is_not_told_in_part() -> None:
    secret = "hunter2-hunter2-hunter2"
    pad = "z" * (TAIL_CHARS - 5)
    for cut in range(1, len(secret)):
        sent = told(["y" * WHOLE_CHARS, pad, secret[:cut], secret[cut:] + pad], (secret,))
        said = "".join(text for text, _ in sent)
        assert "unter" not in said.replace(MASK, "")


def test_one_endless_line_shows_its_end() -> None:
    sent = told(["y" * WHOLE_CHARS, "a" * 50_000 + "\n"])
    assert sent[-1] == ("a" * (TAIL_CHARS - 1) + "\n", 50_001 - TAIL_CHARS)


async def test_what_comes_when_the_call_is_over_is_not_told() -> None:
    sent: Sent = []
    output = LiveOutput(lambda text, skipped: sent.append((text, skipped)), StreamRedactor(Redactor(tuple)))
    output.add("one\n")
    output.add("two\n")
    output.close()
    output.add("three\n")
    output.flush()
    assert sent == [("one\n", 0), ("two\n", 0)]


async def test_output_that_waits_does_not_come_behind_the_end_of_the_run() -> None:
    appended: list[AnyEvent] = []

    class Log:
        def append(self, *events: AnyEvent, durable: bool = False) -> asyncio.Future[list[LoggedEvent]]:
            appended.extend(events)
            done: asyncio.Future[list[LoggedEvent]] = asyncio.get_running_loop().create_future()
            done.set_result([])
            return done

    log: Any = Log()
    emitter = Emitter(log, RunState("s", "r"), ContextProjection(), lambda: StreamRedactor(Redactor(tuple)))
    output = emitter.progress("c")
    output.add("at once\n")
    output.add("later\n")  # its timer is set
    run: Any = SimpleNamespace(emitter=emitter, state=emitter.state, session_id="s", run_id="r")
    await write_end(log, run, RunCancelled(session_id="s", run_id="r"), lambda: False)
    output.flush()
    assert [each.type for each in appended] == ["tool_call.progressed", "run.cancelled"]
