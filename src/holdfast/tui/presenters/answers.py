"""What the answers of the open session were made from: one turn a run, with its retrievals and citations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.tui.presenters.passages import PassageView, cited_passage
from holdfast.tui.presenters.retrievals import RetrievalView, retrieval_of

if TYPE_CHECKING:
    from holdfast.core.domain.events import AnyEvent, LoggedEvent

QUESTION = 200


@dataclass(slots=True)
class Turn:
    """One run that searched, or whose reply cites something."""

    run_id: str
    question: str = ""
    retrievals: list[RetrievalView] = field(default_factory=list)
    cited: dict[int, PassageView] = field(default_factory=dict)
    """What the numbers in its replies stand for, in the order in which they first stand there."""

    @property
    def passages(self) -> list[PassageView]:
        """All that was found, the same passage once; used ones that were dropped before count as used."""
        best: dict[object, PassageView] = {}
        for passage in (one for retrieval in self.retrievals for one in retrieval.passages):
            key = passage.chunk_id if passage.chunk_id is not None else (passage.number, passage.excerpt)
            known = best.get(key)
            if known is None or (passage.used and not known.used):
                best[key] = passage
        return list(best.values())

    @property
    def sources(self) -> dict[int, PassageView]:
        """What can be opened by its number: what is cited, with the scores that the search gave it."""
        known = {p.number: p for p in self.passages if p.number is not None}
        return {number: known.get(number, passage) for number, passage in self.cited.items()} or known


class Answers:
    """Folds the events of one session; knows its turns, oldest first, and which one is looked at."""

    def __init__(self) -> None:
        self._turns: dict[str, Turn] = {}
        self._questions: dict[str, str] = {}
        self._chosen: str | None = None

    @property
    def turns(self) -> list[Turn]:
        return list(self._turns.values())

    @property
    def current(self) -> Turn | None:
        """The turn that was chosen, else the latest."""
        if self._chosen in self._turns:
            return self._turns[self._chosen]
        return next(reversed(self._turns.values()), None)

    @property
    def position(self) -> int:
        """The number of the current turn, from 1; 0 when there is none."""
        turn = self.current
        return 0 if turn is None else list(self._turns).index(turn.run_id) + 1

    @property
    def collections(self) -> list[str]:
        """Names of the collections that the session has searched."""
        names = (name for turn in self._turns.values() for r in turn.retrievals for name in r.collections)
        return list(dict.fromkeys(names))

    def choose(self, run_id: str | None) -> bool:
        """Looks at a run's turn; says whether that is another one. A run that never searched has none."""
        if run_id not in self._turns or self.current is self._turns[run_id]:
            return False
        self._chosen = run_id
        return True

    def step(self, step: int) -> bool:
        """Looks at the turn before or after; says whether there is one."""
        order = list(self._turns)
        wanted = self.position - 1 + step
        if not order or not 0 <= wanted < len(order):
            return False
        self._chosen = order[wanted] if wanted < len(order) - 1 else None
        return True

    def find(self, number: int) -> PassageView | None:
        """Returns what a number stands for in this session."""
        turns = list(reversed(self._turns.values()))
        found = (p for turn in turns for p in turn.passages if p.number == number)
        cited = (turn.cited[number] for turn in turns if number in turn.cited)
        return next(found, None) or next(cited, None)

    def apply(self, event: AnyEvent) -> bool:
        """Takes an event of the session in; says whether what is shown has changed."""
        if event.type == "message.added" and event.origin == "send":
            said = " ".join(part.text for part in event.parts if part.type == "text")
            self._questions[event.run_id] = shorten(sanitize_line(said).strip(), QUESTION)
        elif event.type == "retrieval.completed":
            self._turn(event.run_id).retrievals.append(retrieval_of(event))
            return True
        elif event.type == "part.completed" and event.citations:
            turn = self._turn(event.run_id)
            turn.cited.update((one.number, cited_passage(one)) for one in event.citations)
            return True
        return False

    def _turn(self, run_id: str) -> Turn:
        turn = self._turns.get(run_id)
        if turn is None:
            turn = self._turns[run_id] = Turn(run_id, self._questions.get(run_id, ""))
        return turn

    def older(self, page: Iterable[LoggedEvent]) -> bool:
        """Takes a page of events before all others in; says whether there were turns in it."""
        before = Answers()
        for logged in page:
            before.apply(logged.event)
        new = {run_id: turn for run_id, turn in before._turns.items() if run_id not in self._turns}
        self._turns = {**new, **self._turns}
        return bool(new)
