"""What was retrieved in a session, by the numbers it is cited by: a part of the log's projection."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping

from holdfast.core.domain.events import RetrievalCompleted
from holdfast.core.domain.knowledge import Retrieved
from holdfast.core.domain.messages import FOUND_AGAIN, RETRIEVED_HEADER
from holdfast.core.domain.passages import DATA_RULE, shown


class Sources:
    """Numbers count up over the whole session; what is found again keeps its number."""

    def __init__(self) -> None:
        self._items: dict[int, Retrieved] = {}
        self._numbers: dict[Hashable, int] = {}

    @property
    def items(self) -> Mapping[int, Retrieved]:
        """What each number stands for."""
        return self._items

    def take(self, event: RetrievalCompleted) -> None:
        """Takes in what a retrieval gave."""
        for item in event.items:
            if item.number is not None:
                self._items.setdefault(item.number, item)
                self._numbers.setdefault(_key(item), item.number)

    def numbered(self, items: Iterable[Retrieved]) -> tuple[Retrieved, ...]:
        """Returns the items with their numbers; those that are not used have none."""
        given = dict(self._numbers)
        last = max(self._items, default=0)
        found: list[Retrieved] = []
        for item in items:
            number = None
            if item.used:
                number = given.get(_key(item))
                if number is None:
                    last += 1
                    number = given[_key(item)] = last
            found.append(item.model_copy(update={"number": number}))
        return tuple(found)


def _key(item: Retrieved) -> Hashable:
    return item.text if item.passage is None else item.passage.chunk_id


def numbers_of(event: RetrievalCompleted) -> frozenset[int]:
    """Returns the numbers of what a retrieval has shown."""
    return frozenset(item.number for item in event.items if item.number is not None)


def context_text(event: RetrievalCompleted, above: Collection[int] = ()) -> str:
    """Returns what a model is shown of a retrieval before its first step; `above` are the numbers of passages
    that stand in its context already."""
    if event.error is not None:
        return (
            f"{RETRIEVED_HEADER}{event.error.message}\n"
            "Answer with what you have, and say where you could not look something up."
        )
    found = shown(item for item in event.items if item.number not in above)
    again = ", ".join(f"[{item.number}]" for item in event.items if item.number in above)
    texts = (f"{DATA_RULE}\n\n{found}" if found else "", f"\n{FOUND_AGAIN}{again}." if again else "")
    return RETRIEVED_HEADER + ("\n".join(filter(None, texts)) or "Nothing was found that fits.")
