"""The noun `tools` of a workbench."""

from __future__ import annotations

from typing import Any, Protocol

from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.custom_tools import CustomTool, ToolSpec, ToolVersion
from holdfast.core.domain.given_tools import GivenTools
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.runs import RunOptions, ToolRun
from holdfast.core.domain.tools import ToolInfo
from holdfast.core.domain.values import Wait
from holdfast.core.services.needs import needs


class Tools(Protocol):
    """What agents do things with, the user's own tools among it; a person may have one run directly, under
    the same policy."""

    @needs(Scope.READ)
    async def list(self, project: str | None = None, servers: bool = False) -> tuple[ToolInfo, ...]:
        """Returns the tools that agents can be given in the folder `project`; with `servers` also those of
        the user's MCP servers, of which one whose tools are not known yet is started. What does not answer
        within ten seconds is left out."""
        ...

    @needs(Scope.CHAT)
    async def given(
        self,
        agent: str,
        project: str | None = None,
        session_id: str | None = None,
        mode: ApproveMode = ApproveMode.ASK,
    ) -> GivenTools:
        """Returns the tools that a run of `agent`, seen from the folder `project`, would have now, and what
        the rules say of each in the mode `mode`; with `session_id` in that session, whose grants count too,
        and in its folder. An MCP server whose tools are not known yet is started.

        Raises `NotFoundError`, `AgentFileError`.
        """
        ...

    @needs(Scope.READ)
    async def get(self, name: str) -> CustomTool:
        """Returns one of the user's own tools, named by name or id. Raises `NotFoundError`."""
        ...

    @needs(Scope.ADMIN)
    async def create(self, spec: ToolSpec) -> CustomTool:
        """Makes a tool of the user's own, which his agents can list at once.

        Raises `InvalidError` for what could never be called, `ConflictError` for a name that is taken or
        when there are too many.
        """
        ...

    @needs(Scope.ADMIN)
    async def update(self, name: str, spec: ToolSpec, expected: int | None = None) -> CustomTool:
        """Replaces what one of the user's own tools is; its id and its number stay. Secrets for another host
        than its address has now are removed.

        `expected` is the version that is meant to be replaced. Raises what `create` raises, `ConflictError`
        also for another version, and `NotFoundError`.
        """
        ...

    @needs(Scope.ADMIN)
    async def delete(self, name: str) -> None:
        """Puts one of the user's own tools into the trash, with its versions; its secrets are kept until it
        is gone from there too. Raises `NotFoundError`."""
        ...

    @needs(Scope.READ)
    async def versions(self, name: str) -> tuple[ToolVersion, ...]:
        """Returns what one of the user's own tools has been, the latest first. Raises `NotFoundError`."""
        ...

    @needs(Scope.ADMIN)
    async def set_secret(self, name: str, secret: str, value: str | None = None) -> CustomTool:
        """Keeps a secret that the headers of one of the user's own tools refer to, where keys are kept; it is
        sent to the host of the tool's address only, and nothing gives it back. Without a value it is removed.

        Raises `InvalidError` for a secret that no header refers to or that cannot be sent, `NotFoundError`.
        """
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

    @needs(Scope.CHAT)
    async def run_alone(
        self, name: str, arguments: dict[str, Any], agent: str = "", options: RunOptions | None = None
    ) -> ToolRun:
        """Runs one tool as `run` does, in a session of its own which is gone afterwards, and returns when it
        has ended. The session's agent is `agent`, else that of the settings.

        Nobody is waited for: what needs an approval or an answer is denied. It ends after two minutes, or
        after the `timeout_s` of its options, which is at most ten minutes. Raises what `run` raises.
        """
        ...

    @needs(Scope.READ)
    async def result(self, run_id: str, wait_s: Wait = 0) -> ToolRun:
        """Returns how far a tool that was run directly is; waits for its end for at most `wait_s` seconds."""
        ...
