"""How the engine's processes and the providers of models do."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from holdfast.core.domain.values import Value

ProcessName = Literal["engine", "models", "knowledge", "local"]
"""`local`: the worker of models in files, which is listed only while it runs."""


class ProcessHealth(Value):
    """One of the engine's processes."""

    name: ProcessName
    pid: int | None = None
    """None while it does not run: the workers start when they are needed."""
    memory_bytes: int | None = None
    """What it has in memory now; None where that is not known."""


class ModelFailure(Value):
    """The last run of one's own that failed with a model of a provider."""

    provider: str
    model: str
    at: AwareDatetime
    message: str


class EngineHealth(Value):
    """What the engine says of its processes, its files and the calls that went wrong."""

    started_at: AwareDatetime
    processes: tuple[ProcessHealth, ...]
    database_bytes: int
    knowledge_bytes: int
    """The index of documents, with its vectors."""
    blobs_bytes: int
    free_bytes: int | None = None
    """What is free on the disk; None where that is not known."""
    failures: tuple[ModelFailure, ...] = ()
    """Of each provider the last, the newest first."""
