"""What the engine says of itself."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from holdfast.core.domain.values import Value


class EngineStatus(Value):
    version: str
    pid: int
    started_at: AwareDatetime
    home: str
    address: str
    """Path of the unix socket, or empty when in process."""
    log: str
    """Path of the log file."""
    sessions: int
    active_runs: int
    waiting: int
    """Approvals and questions that wait."""
    last_event_id: int


class CheckResult(Value):
    """One line of `holdfast doctor`."""

    name: str
    state: Literal["ok", "warning", "error", "repaired"]
    message: str
    hint: str = ""
