"""What tests of runs do with logs, and models that answer many conversations at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from holdfast.core.config.paths import Paths
from holdfast.core.domain.events import Event, EventFilter, LoggedEvent
from holdfast.core.domain.messages import text_of
from holdfast.core.domain.models import ModelRequest
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.store.log import EventLog


def of(events: Iterable[LoggedEvent], type: str) -> list[Any]:
    """Returns the events of a type, in their order."""
    return [logged.event for logged in events if logged.event.type == type]


async def whole_log(bench: Any, after: int = 0) -> list[LoggedEvent]:
    """Returns the log of all sessions."""
    return list((await bench.workbench.events.read(EventFilter(), after, 1000)).items)


async def rewrite_log(paths: Paths, events: Iterable[Event]) -> None:
    """Puts a log in the place of the one that an engine has left, as if it had died then."""
    for file in paths.database.parent.glob(f"{paths.database.name}*"):
        file.unlink()
    store = await EventLog.open(paths.database, FileBlobs(paths.blobs))
    for each in events:
        await store.append(each)
    await store.close()


def by_task(answers: Mapping[str, Sequence[Any]], otherwise: Any = None) -> Callable[[ModelRequest], Any]:
    """Returns a step that answers each conversation by the first word of its first message: `answers` has the
    steps of each. When they are used up, `otherwise` is said; None: the test is wrong."""

    def step(request: ModelRequest) -> Any:
        said = next(text_of(message.parts) for message in request.messages if message.role == "user")
        steps = answers[said.split()[0]]
        asked = sum(message.role == "assistant" for message in request.messages)
        if asked >= len(steps) and otherwise is not None:
            return otherwise
        answer = steps[asked]
        return answer(request) if callable(answer) else answer

    return step
