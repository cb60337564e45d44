"""What an agent file from a folder that the user does not trust may still say."""

from __future__ import annotations

from pathlib import Path

from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.approvals import Rules


def narrow(spec: AgentSpec, project: Path) -> AgentSpec:
    """Returns `spec` with everything taken away that could widen what the user allows.

    Its allow rules count as ask. A workspace outside the folder `project` becomes the session's own. The
    address of a model server is dropped: the user's key would be sent there.
    """
    return spec.model_copy(
        update={
            "approvals": narrow_rules(spec.approvals),
            "workspace": spec.workspace if _inside(spec.workspace, project) else "session",
            "model_settings": spec.model_settings.model_copy(update={"api_base": None}),
        }
    )


def narrow_rules(rules: Rules) -> Rules:
    """Returns the rules with every allow turned into an ask."""
    return Rules(ask=(*rules.ask, *rules.allow), deny=rules.deny)


def workspace_folder(workspace: str, project: Path) -> Path:
    """Returns the folder that a `workspace` names when it is a path; a relative one is of `project`."""
    return project / Path(workspace).expanduser()


def _inside(workspace: str, project: Path) -> bool:
    if workspace in ("session", "project"):
        return True
    try:
        real = workspace_folder(workspace, project).resolve()
    except (RuntimeError, ValueError, OSError):  # `~nobody`, a NUL, a loop of links
        return False
    return real.is_relative_to(project.resolve())
