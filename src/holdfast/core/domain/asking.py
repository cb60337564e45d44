"""What a call may ask in the middle of its work: a person for fields, and the run's model for words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from holdfast.core.domain.forms import FormAnswer
from holdfast.core.domain.values import Value


@dataclass(frozen=True, slots=True)
class FormRequest:
    """What is asked, in words that are not ours."""

    server: str
    """The MCP server that asks."""
    text: str
    form: dict[str, Any] | None = None
    """JSON Schema of a flat object. None with a `url`."""
    url: str | None = None
    """An address that the person is to visit, instead of fields."""


class SampleMessage(Value):
    """A message that a server wants put before a model."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """A completion that an MCP server asks for, in words that are not ours."""

    server: str
    messages: tuple[SampleMessage, ...]
    system: str
    max_tokens: int
    temperature: float | None = None
    allowed: bool = False
    """Whether what is said of the server spares the person's approval."""


@dataclass(frozen=True, slots=True)
class SampleReply:
    """What the model said."""

    text: str
    model: str
    cut: bool = False
    """Whether it ended at the most tokens."""


class CallDesk(Protocol):
    """What one call of a run may ask. Nothing of it can be asked when the call has ended."""

    async def ask(self, request: FormRequest) -> FormAnswer:
        """Asks the person and waits, for as long as it takes; declines at once where nobody is to be
        waited for. One question after the other. When the caller is cancelled the question is taken back."""
        ...

    async def sample(self, request: SampleRequest) -> SampleReply:
        """Has the run's model complete messages, on the run's account; policy and a person stand before it.

        Raises `ForbiddenError` when it was denied, `ModelError`, and what a limit or a budget refuses.
        """
        ...
