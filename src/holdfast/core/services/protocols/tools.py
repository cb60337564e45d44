"""The noun `tools` of a workbench."""

from __future__ import annotations

from typing import Any, Protocol

from holdfast.core.domain.identity import Scope
from holdfast.core.domain.runs import RunOptions, ToolRun
from holdfast.core.domain.tools import ToolInfo
from holdfast.core.domain.values import Wait
from holdfast.core.services.needs import needs


class Tools(Protocol):
    """What agents do things with; a person may have one run directly, under the same policy."""

    @needs(Scope.READ)
    async def list(self, project: str | None = None) -> tuple[ToolInfo, ...]:
        """Returns the tools that agents can be given in the folder `project`."""
        ...

    @needs(Scope.CHAT)
    async def run(
        self,
        session_id: str,
        name: str,
        arguments: dict[str, Any],
        options: RunOptions | None = None,
        wait_s: Wait = 0,
    ) -> ToolRun:
        """Runs one tool in the session's workspace, as a run that asks no model, and returns at once, or when
        it has ended within `wait_s` seconds; it goes on whoever waits.

        The rules of the user and of the session's agent decide as they do for an agent's call, whether or not
        the agent has the tool; of the options `approve`, `approvals` and `timeout_s` count. Raises
        `NotFoundError` with the nearest names, `InvalidError` for arguments that do not fit, `ConflictError`
        while a run of the session is under way.
        """
        ...

    @needs(Scope.READ)
    async def result(self, run_id: str, wait_s: Wait = 0) -> ToolRun:
        """Returns how far a tool that was run directly is; waits for its end for at most `wait_s` seconds."""
        ...
