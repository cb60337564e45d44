"""From the command line to a plain chat."""

from __future__ import annotations

from holdfast.cli.chatting.chat import ChatRequest, chat
from holdfast.cli.running.request import read_project
from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.runs import RunOptions


def start(
    session: str | None = None,
    agent: str | None = None,
    model: str | None = None,
    cwd: str | None = None,
    approve: str | None = None,
) -> int:
    """Holds a plain chat and returns the exit status. Raises `InvalidError` for what cannot be."""
    mode = None if approve is None else ApproveMode(approve)
    options = RunOptions(model=model, approve=mode)
    return chat(ChatRequest(session=session, agent=agent, project=read_project(cwd), options=options))
