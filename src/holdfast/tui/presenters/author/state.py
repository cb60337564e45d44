"""What is known of the agent file that is being edited."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from holdfast.tui.presenters.author.completion import Known

if TYPE_CHECKING:
    from holdfast.core.domain.errors import Diagnostic

Origin = Literal["new", "user", "project", "shipped"]


@dataclass(slots=True)
class EditorState:
    """One agent file: as it stands, as it is written now, and what is wrong with that."""

    name: str
    """What the agent is called in its file; of a new one, what it was named at first."""
    origin: Origin
    path: str = ""
    """Its file on the engine's machine; empty until there is one."""
    digest: str = ""
    """Of the text that is in the file."""
    saved: str = ""
    """The text that is in the file, or that a new one began with."""
    text: str = ""
    """The text as it is now."""
    cleaned: bool = False
    """Whether control characters were taken out of what is shown."""
    problems: tuple[Diagnostic, ...] | None = None
    """What is wrong with `checked`; None: not known yet."""
    checked: str = ""
    saving: bool = False
    """Whether it is being written."""
    asking: bool = False
    """Whether the person is asked what is to become of it."""
    error: str = ""
    """What went wrong with the last thing that was wanted."""
    note: str = ""
    """What the last thing that was wanted has come to."""
    known: Known = field(default_factory=Known)

    @property
    def unsaved(self) -> bool:
        """Whether there is something to lose."""
        return self.text != self.saved

    @property
    def stale(self) -> bool:
        """Whether the text has changed since it was checked."""
        return self.problems is None or self.checked != self.text

    @property
    def target(self) -> str | None:
        """The agent whose text this replaces; None for a new one."""
        return None if self.origin == "new" else self.name

    def take_problems(self, text: str, problems: Iterable[Diagnostic]) -> None:
        """Takes what is wrong with `text`, in the order of its lines."""
        self.problems = tuple(sorted(problems, key=lambda one: (one.line, one.column)))
        self.checked = text
        self.error = ""

    @property
    def mistakes(self) -> int:
        """How many things keep the text from being an agent; warnings do not."""
        return sum(not one.warning for one in self.problems or ())

    def by_line(self) -> dict[int, list[Diagnostic]]:
        """Returns the mistakes of each line, by lines from 0; the last has those of a line that is gone."""
        found: dict[int, list[Diagnostic]] = {}
        last = self.text.count("\n")
        for one in self.problems or ():
            found.setdefault(min(max(0, one.line - 1), last), []).append(one)
        return found

    def next_problem(self, row: int, column: int) -> tuple[int, int] | None:
        """Returns the place of the first mistake behind a place, both from 0; behind the last, the first."""
        places = [(one.line - 1, one.column - 1) for one in self.problems or ()]
        return next((at for at in places if at > (row, column)), places[0] if places else None)
