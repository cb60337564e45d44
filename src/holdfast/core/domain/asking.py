"""What a call may ask in the middle of its work: a person for fields, and the run's model for words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from holdfast.core.domain.forms import FormAnswer


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


class CallDesk(Protocol):
    """What one call of a run may ask. Nothing of it can be asked when the call has ended."""

    async def ask(self, request: FormRequest) -> FormAnswer:
        """Asks the person and waits, for as long as it takes; declines at once where nobody is to be
        waited for. One question after the other. When the caller is cancelled the question is taken back."""
        ...
