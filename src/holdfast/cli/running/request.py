"""What was asked for on the command line, and how it becomes a message in a session."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdfast.cli import selecting
from holdfast.cli.places import is_elsewhere, project_folder
from holdfast.cli.prompting import PromptUse, resolved
from holdfast.core.domain.agents import AgentInfo, Layer
from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.errors import AgentFileError, InvalidError
from holdfast.core.domain.messages import TextPart, UserPart
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.domain.paths import path_of
from holdfast.core.domain.runs import RunOptions, Session
from holdfast.core.services.workbench import Workbench


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The command line of `holdfast run`, read and checked."""

    agent: str
    message: str
    session: str | None
    project: str
    """On the engine's machine; empty: the user's own one there."""
    files: tuple[str, ...]
    options: RunOptions
    mode: ApproveMode | None = None
    """The session's, from now on; None: as it is."""
    prompt: PromptUse | None = None
    """A prompt that is sent in the place of the message."""


def read_message(argument: str) -> str:
    """Returns the message: the argument, or stdin for `-`. Raises `InvalidError` when it is empty."""
    text = sys.stdin.buffer.read().decode("utf-8", errors="replace") if argument == "-" else argument
    if not text.strip():
        raise InvalidError("the message is empty")
    return text


def read_project(cwd: str | None) -> str:
    """Returns the project folder for the engine. Raises `InvalidError` when it is none of this machine's."""
    folder = project_folder(cwd)
    if not is_elsewhere() and not Path(folder).is_dir():
        raise InvalidError(f"--cwd: {folder} is not a folder")
    return folder


def read_schema(path: Path | None) -> dict[str, Any] | None:
    """Returns the JSON Schema in the file. Raises `InvalidError` when it is none."""
    if path is None:
        return None
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except OSError as unreadable:
        raise InvalidError(f"--schema: {path}: {unreadable.strerror}") from unreadable
    except ValueError as wrong:
        raise InvalidError(f"--schema: {path} is not JSON: {wrong}") from wrong
    if not isinstance(schema, dict):
        raise InvalidError(f"--schema: {path} must hold a JSON object")
    return schema


def options_of(
    *,
    approve: ApproveMode | None,
    model: str | None = None,
    schema: dict[str, Any] | None = None,
    instructions: str = "",
    tools: Sequence[str] | None = None,
    knowledge: Sequence[str] | None = None,
    timeout_s: float | None = None,
    max_steps: int | None = None,
    max_cost_usd: float | None = None,
    suggestions: bool | None = None,
    analysis: bool | None = None,
    summary: bool = False,
    way: str | None = None,
    workflow: str | None = None,
) -> RunOptions:
    """Returns the run options. Raises `InvalidError` for a limit that is none."""
    limits = {"--timeout": timeout_s, "--max-steps": max_steps, "--max-cost": max_cost_usd}
    for flag, limit in limits.items():
        if limit is not None and not 0 < limit < math.inf:
            raise InvalidError(f"{flag} must be more than 0")
    return RunOptions(
        model=model,
        approve=approve,
        response_format=schema,
        instructions_prefix=instructions,
        tools=tuple(tools) if tools else None,
        knowledge=tuple(KnowledgeUse(collection=name) for name in knowledge) if knowledge else None,
        timeout_s=timeout_s,
        max_steps=max_steps,
        max_cost_usd=max_cost_usd,
        suggestions=suggestions,
        analysis=analysis,
        force_summary=summary,
        mode=way,
        workflow=workflow,
    )


async def find_agent(workbench: Workbench, request: RunRequest) -> AgentInfo:
    """Returns the agent. Raises `NotFoundError`, or `AgentFileError` when its file is invalid."""
    info = await workbench.agents.get(request.agent, request.project or None)
    if info.spec is None:
        raise AgentFileError(list(info.problems))
    return info


def needs_trust(info: AgentInfo) -> bool:
    """Says whether the agent is somebody else's: from a project that the person has not trusted."""
    return info.layer is Layer.PROJECT and not info.trusted


async def open_session(workbench: Workbench, request: RunRequest, agent: str) -> tuple[Session, int]:
    """Returns the session and the event id after which this run's events are.

    Raises `NotFoundError`, or `InvalidError` when the session is another agent's.
    """
    if request.session is None:
        for name in request.files:
            _check_exists(name, request.project)
        return await workbench.sessions.create(agent, request.project), 0
    session = await selecting.session(workbench, request.session, agent)
    if session.agent != agent:
        raise InvalidError(
            f"session {session.id} is with agent {session.agent!r}; run that agent, or start a new session"
        )
    return session, session.last_event_id


async def message_parts(
    workbench: Workbench, session_id: str, message: str, files: Sequence[str]
) -> tuple[UserPart, ...]:
    """Returns the parts of the message: its text and the attached files."""
    attached = [await attach(workbench, session_id, name) for name in files]
    return (TextPart(text=message), *attached)


async def prompt_parts(workbench: Workbench, session_id: str, use: PromptUse) -> tuple[UserPart, ...]:
    """Returns the parts of a message that a prompt is, as seen from the session."""
    return (await resolved(workbench, use, session_id=session_id)).parts


async def attach(workbench: Workbench, session_id: str, name: str) -> UserPart:
    """Returns a file of this machine or of the session's workspace as a part of a message.

    Raises `NotFoundError`, or `InvalidError` when it is no file that can go along.
    """
    if not is_elsewhere():
        return await workbench.files.attach(session_id, _place(name))
    path = path_of(name)
    if not path.is_file():
        return await workbench.files.attach(session_id, name)
    with path.open("rb") as data:
        return await workbench.files.attach_data(session_id, path.name, data)


def _place(name: str) -> str:
    """A path that exists from here is meant from here; any other is left to the session's workspace."""
    path = path_of(name)
    return str(path.absolute()) if path.exists() else name


def _check_exists(name: str, project: str) -> None:
    if is_elsewhere():
        return  # the engine knows
    if not path_of(name).exists() and not Path(project, name).exists():
        raise InvalidError(f"--file: there is no {name}")
