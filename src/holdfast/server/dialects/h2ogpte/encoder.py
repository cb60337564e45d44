"""From the events of a run to what is said of a completion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from holdfast.core.domain.errors import ErrorInfo, ErrorKind
from holdfast.core.domain.events import RUN_ENDS, LoggedEvent, PartDelta, StepCompleted
from holdfast.core.domain.text import sanitize_line
from holdfast.server.dialects.h2ogpte.frames import Delta, Failed, Meta, Said, Whole
from holdfast.server.dialects.h2ogpte.mapping_messages import answer_of, failure_of
from holdfast.server.kit.answers import EventEncoder
from holdfast.server.kit.errors import retry_after_s

MOST_TITLES = 20


class CompletionEncoder(EventEncoder[Said]):
    """The last character that was said is kept back for the end: there are clients who take a last record
    without a text for a failure, and nothing else of the reply waits for it."""

    def __init__(self, *, whole: bool = False) -> None:
        """`whole`: the reply may be said anew while the run goes on, and is told at its end alone."""
        super().__init__()
        self._whole = whole
        self._told: list[str] = []
        self._kept = ""
        self._titles: list[str] = []

    def frames(self, logged: LoggedEvent) -> Iterator[Said]:
        event = logged.event
        match event:
            case PartDelta():
                yield from self._piece(event.text)
            case StepCompleted() if self.state.step.calls:
                yield self._turn()
            case _ if event.type in RUN_ENDS:
                yield self._end()

    def cut(self, error: ErrorInfo) -> Iterable[Said]:
        return [_failed(error)]

    def _piece(self, text: str) -> Iterator[Said]:
        part = self.state.part
        if self._whole or part is None or part.kind != "text":
            return
        said = self._kept + self.state.separator + text
        now, self._kept = said[:-1], said[-1:]
        if now:
            self._told.append(now)
            yield Delta(now)

    def _turn(self) -> Said:
        """Says of the turns of an agent which tools they have called, latest first. Not in the text: all that
        is said there is the reply."""
        names = (sanitize_line(call.name) for call in self.state.step.calls)
        self._titles.insert(0, ", ".join(dict.fromkeys(names)))
        titles = self._titles[:MOST_TITLES]
        return Meta(tuple({"message_type": "turn_title", "content": title} for title in titles))

    def _end(self) -> Said:
        failure = failure_of(self.state)
        if failure is not None:
            return _failed(failure)
        answer = answer_of(self.state)
        # Numbers that cite nothing are taken out of a reply when it is complete: then it does not go on from
        # what was told of it.
        told = "".join(self._told)
        return Whole(answer, answer[len(told) :] if answer.startswith(told) else self._kept)


def _failed(error: ErrorInfo) -> Failed:
    limited = error.kind is ErrorKind.RATE_LIMITED
    return Failed(error.message, retry_after_s(error) if limited else None)
