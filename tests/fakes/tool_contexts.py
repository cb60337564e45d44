"""What a call of a tool gets, in tests that have no run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from holdfast.core.domain.tools import ToolContext
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.files.jail import WorkspaceJail


def tool_context(folder: Path, **more: Any) -> ToolContext:
    """Returns the context of a call whose workspace is `folder/workspace`, which is made."""
    workspace = folder / "workspace"
    workspace.mkdir(exist_ok=True)
    given: dict[str, Any] = {
        "session_id": "s",
        "run_id": "r",
        "call_id": "c",
        "workspace": WorkspaceJail(workspace),
        "blobs": FileBlobs(folder / "blobs"),
        "progress": lambda text: None,
        "environment": {"PATH": "/usr/bin:/bin"},
        **more,
    }
    return ToolContext(**given)
