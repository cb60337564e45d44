"""What an agent file may still say that is not of the machine's own user.

One is from a folder that the user does not trust. The other is of another user of the engine: his rules are
his own, but the machine's folders and the keys to model providers are not.
"""

from __future__ import annotations

from pathlib import Path

from holdfast.core.config.nodes import Document
from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.approvals import Rules
from holdfast.core.domain.errors import Diagnostic


def narrow(spec: AgentSpec, project: Path) -> AgentSpec:
    """Returns `spec` with everything taken away that could widen what the user allows.

    Its allow rules count as ask, and it reaches nothing of the machine but the folder `project`.
    """
    return without_machine(spec, project).model_copy(update={"approvals": narrow_rules(spec.approvals)})


def without_machine(spec: AgentSpec, project: Path | None) -> AgentSpec:
    """Returns `spec` without what reaches the machine of somebody else: folders, keys of providers.

    A workspace outside the folder `project` becomes the session's own. The address of a model server is
    dropped: the key of the machine's user would be sent there.
    """
    return spec.model_copy(
        update={
            "workspace": spec.workspace if _inside(spec.workspace, project) else "session",
            "model_settings": spec.model_settings.model_copy(update={"api_base": None}),
        }
    )


def machine_mistakes(document: Document) -> list[Diagnostic]:
    """Returns what an agent file says that only the machine's own user may say."""
    found: list[Diagnostic] = []
    workspace = document.find(("workspace",))
    if workspace is not None and str(workspace.value).startswith(("/", "~")):
        message = "only the user of this machine can name a folder by its whole path"
        found.append(document.mistake(("workspace",), message, expected="session, project, or a path in it"))
    if document.find(("model_settings", "api_base")) is not None:
        message = "only the user of this machine can name a model server: his key would be sent there"
        path = ("model_settings", "api_base")
        found.append(document.mistake(path, message, hint="remove the line", of_key=True))
    return found


def narrow_rules(rules: Rules) -> Rules:
    """Returns the rules with every allow turned into an ask."""
    return Rules(ask=(*rules.ask, *rules.allow), deny=rules.deny)


def workspace_folder(workspace: str, project: Path) -> Path:
    """Returns the folder that a `workspace` names when it is a path; a relative one is of `project`."""
    return project / Path(workspace).expanduser()


def _inside(workspace: str, project: Path | None) -> bool:
    if workspace in ("session", "project"):
        return True
    if project is None:
        return False
    try:
        real = workspace_folder(workspace, project).resolve()
    except (RuntimeError, ValueError, OSError):  # `~nobody`, a NUL, a loop of links
        return False
    return real.is_relative_to(project.resolve())
