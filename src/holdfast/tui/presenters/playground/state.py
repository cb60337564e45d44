"""A conversation that a person builds to try an agent with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from holdfast.core.domain.text import sanitize

if TYPE_CHECKING:
    from holdfast.core.domain.models import ToolSchema
    from holdfast.tui.presenters.playground.played import Played

Role = Literal["system", "user", "assistant"]
ROLES: tuple[Role, ...] = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True)
class PlayMessage:
    """One message of the conversation; its text is sanitised."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call that the run leaves to its caller."""

    call_id: str
    name: str
    arguments: dict[str, Any]


@dataclass(slots=True)
class PlaygroundState:
    """What the playground shows."""

    agent: str = ""
    """Its name; empty: none is chosen yet."""
    agent_id: str = ""
    address: str = ""
    """Of the engine on TCP, or where it would be."""
    served: bool = False
    """Whether the engine answers there."""
    messages: list[PlayMessage] = field(default_factory=lambda: [PlayMessage("user", "")])
    tools: tuple[ToolSchema, ...] = ()
    """Tools that the person executes."""
    played: Played | None = None
    error: str = ""
    dialect: int = 0
    language: int = 0
    wanted: str = ""
    """Where the cursor is to go when it is drawn next."""

    @property
    def busy(self) -> bool:
        return self.played is not None and not self.played.ended

    def at(self, key: str) -> int | None:
        """Returns the place of a message by its key; None where there is none."""
        return int(key) if key.isdigit() and int(key) < len(self.messages) else None

    # --- building

    def add(self) -> int:
        """Adds an empty message at the end, of who has not spoken last; returns its place."""
        last = self.messages[-1].role if self.messages else "assistant"
        self.messages.append(PlayMessage("assistant" if last == "user" else "user", ""))
        return self._go(len(self.messages) - 1)

    def write(self, place: int, text: str) -> None:
        """Gives a message another text."""
        self.messages[place] = replace(self.messages[place], text=sanitize(text))

    def turn_role(self, place: int) -> None:
        """Gives a message the next role."""
        one = self.messages[place]
        self.messages[place] = replace(one, role=ROLES[(ROLES.index(one.role) + 1) % len(ROLES)])

    def move(self, place: int, step: int) -> None:
        """Moves a message up or down; at the ends it stays."""
        to = place + step
        if 0 <= to < len(self.messages):
            self.messages[place], self.messages[to] = self.messages[to], self.messages[place]
            self._go(to)

    def remove(self, place: int) -> None:
        del self.messages[place]
        if self.messages:
            self._go(min(place, len(self.messages) - 1))

    def clear(self) -> None:
        """Begins a conversation anew."""
        self.messages, self.played = [PlayMessage("user", "")], None
        self._go(0)

    def keep(self) -> bool:
        """Puts the reply behind the conversation, once; says whether there was one."""
        text = self.played.reply if self.played is not None else ""
        kept = PlayMessage("assistant", text)
        if text:
            if self.messages[-1:] != [kept]:
                self.messages.append(kept)
            self._go(len(self.messages) - 1)
        return bool(text)

    def keep_results(self, results: Sequence[tuple[OpenCall, str]]) -> None:
        """Puts into the conversation what tools were called with, and what came out."""
        for call, text in results:
            given = json.dumps(call.arguments, ensure_ascii=False)
            said = f"Called tool: {call.name} with {given}. Got: {text}"
            self.messages.append(PlayMessage("assistant", sanitize(said)))
        self._go(len(self.messages) - 1)

    def _go(self, place: int) -> int:
        self.wanted = str(place)
        return place

    # --- what is sent

    @property
    def system(self) -> str:
        """What the system messages say."""
        return "\n\n".join(one.text for one in self.messages if one.role == "system" and one.text.strip())

    @property
    def said(self) -> list[PlayMessage]:
        """The messages but those of the system, and but empty ones."""
        return [one for one in self.messages if one.role != "system" and one.text.strip()]
