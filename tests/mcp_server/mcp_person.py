"""The person before an MCP client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from mcp_types import ElicitResult


@dataclass
class Person:
    """Who sits before a client and fills in its forms, by `answers` one after the other; then looks at them
    for ever."""

    answers: list[ElicitResult | Callable[[], Awaitable[ElicitResult]]] = field(default_factory=list)
    forms: list[Any] = field(default_factory=list)
    """What was asked."""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    taken_back: asyncio.Event = field(default_factory=asyncio.Event)

    async def fill(self, context: Any, params: Any) -> ElicitResult:
        self.forms.append(params)
        self.asked.set()
        if self.answers:
            answer = self.answers.pop(0)
            return answer if isinstance(answer, ElicitResult) else await answer()
        try:
            await asyncio.Event().wait()
        finally:
            self.taken_back.set()
        raise AssertionError


def approve() -> ElicitResult:
    """Approves what is shown."""
    return ElicitResult(action="accept", content={"decision": "approve"})
