"""The noun `hooks` of a workbench."""

from __future__ import annotations

from typing import Any, Protocol

from holdfast.core.domain.hooks import HookInfo, HookSecret, HookSpec, HookTest
from holdfast.core.domain.identity import Scope
from holdfast.core.services.needs import needs


class Hooks(Protocol):
    """What looks at runs, model calls, tool calls, delegations and replies before and after them: in an
    agent's file, and the user's own for all runs."""

    @needs(Scope.READ)
    async def list(self, project: str | None = None, agent: str | None = None) -> tuple[HookInfo, ...]:
        """Returns the user's hooks and, with `agent`, a name or an id, those of the agent too, in the order
        in which they act. Raises `NotFoundError` for an unknown agent, `InvalidError` for a file with a
        mistake."""
        ...

    @needs(Scope.ADMIN)
    async def add(self, hook: HookSpec) -> HookInfo:
        """Adds a hook of all the user's runs; it holds from the next run on. Raises `InvalidError` for an
        address that is none and a file without a function, `ForbiddenError` where only an administrator may,
        `ConflictError` when its id is taken."""
        ...

    @needs(Scope.ADMIN)
    async def enable(self, id: str, enabled: bool = True) -> HookInfo:
        """Lets a hook of the user's own act, or not, from the next run on. Raises `NotFoundError`."""
        ...

    @needs(Scope.ADMIN)
    async def remove(self, id: str) -> None:
        """Removes a hook of the user's own. Raises `NotFoundError`."""
        ...

    @needs(Scope.ADMIN)
    async def test(
        self,
        id: str,
        given: dict[str, Any] | None = None,
        output: str | None = None,
        tool: str = "",
        project: str | None = None,
        agent: str | None = None,
    ) -> HookTest:
        """Asks a hook once, about an example, and returns what it says. It may be one of `agent`.

        `given` (arguments, a message …), `output` and `tool` are what it is told; its matcher does not count.
        Raises `NotFoundError`, `InvalidError` for messages that are none.
        """
        ...

    @needs(Scope.ADMIN)
    async def secret(self, renew: bool = False) -> HookSecret:
        """Returns what signs the requests of the user's hooks; with `renew` it is another from now on."""
        ...
