"""What an agent file may still say that is not of the machine's own user.

One is from a folder that the user does not trust. The other is of another user of the engine: his rules are
his own, but the machine's folders and the keys to model providers are not.
"""

from __future__ import annotations

from pathlib import Path

from holdfast.core.config.nodes import Document
from holdfast.core.domain.agents import WORKSPACES, AgentSpec, KnowledgeAssignment
from holdfast.core.domain.approvals import Rules
from holdfast.core.domain.errors import Diagnostic
from holdfast.core.domain.memory import MemorySpec


def narrow(spec: AgentSpec, project: Path) -> AgentSpec:
    """Returns `spec` with everything taken away that could widen what the user allows.

    Its allow rules count as ask, it searches no collections, it has no skills, no MCP servers, no hooks, no
    sub-agents and no memory, and it reaches nothing of the machine but the folder `project`.
    """
    # The user's collections may hold anything that the machine has, his memory anything that he told.
    without = ("knowledge", "skills", "mcp", "subagents", "hooks")
    nothing = {**dict.fromkeys(without, ()), "memory": MemorySpec()}
    narrowed = {"approvals": narrow_rules(spec.approvals), **nothing}
    return without_machine(spec, project).model_copy(update=narrowed)


def narrow_shared(spec: AgentSpec) -> AgentSpec:
    """Returns what another user's agent is for who has it shared: what `narrow` leaves of one from a folder
    that is not trusted, and less.

    It works in a folder of its own, never in a project; it has none of the user's own tools, nor what reads
    or changes his account; it names no database, no plan and no region, which he would pay for; and what is
    kept in `ext` for the clients of other systems, which may be secrets, stays with its owner.
    """
    narrowed = narrow(spec, Path("/nonexistent"))
    return narrowed.model_copy(
        update={
            "tools": tuple(each for each in narrowed.tools if each.tool in _ANYBODYS_TOOLS),
            "workspace": spec.workspace if spec.workspace == "agent" else "session",
            "databases": (),
            "plan": None,
            "region": None,
            "ext": {},
        }
    )


_ANYBODYS_TOOLS = frozenset(
    {"ask_user", "update_plan", "list_files", "read_file", "search_files", "write_file", "edit_file"}
    | {"fetch_url", "http_request", "web_search", "web_scrape", "generate_image", "sql_query", "sql_write"}
    | {"run_command", "run_python", "run_javascript"}
)
"""Tools that reach nothing but the session's folder, or are asked for before each call."""


def without_machine(spec: AgentSpec, project: Path | None) -> AgentSpec:
    """Returns `spec` without what reaches the machine of somebody else: folders, keys of providers.

    A workspace outside the folder `project` becomes the session's own, and a collection is kept in step with
    no folder outside of it. The address of a model server is dropped: the key of the machine's user would be
    sent there. So is an MCP server that is a program: it would have the rights of the machine's user.
    """
    knowledge = tuple(
        each if each.path is None or _inside_folder(each.path, project) else _without_path(each)
        for each in spec.knowledge
    )
    return spec.model_copy(
        update={
            "workspace": spec.workspace if _inside(spec.workspace, project) else "session",
            "model_settings": spec.model_settings.model_copy(update={"api_base": None}),
            "knowledge": knowledge,
            "mcp": tuple(each for each in spec.mcp if not each.command),
        }
    )


def machine_mistakes(document: Document) -> list[Diagnostic]:
    """Returns what an agent file says that only the machine's own user may say."""
    found: list[Diagnostic] = []
    workspace = document.find(("workspace",))
    if workspace is not None and str(workspace.value).startswith(("/", "~")):
        message = "only the user of this machine can name a folder by its whole path"
        found.append(
            document.mistake(("workspace",), message, expected="session, project, agent, or a path in it")
        )
    collections = document.find(("knowledge",))
    for index, item in enumerate(collections.items if collections else []):
        if "path" in item.fields and str(item.fields["path"].value).startswith(("/", "~")):
            message = "only the user of this machine can name a folder by its whole path"
            found.append(
                document.mistake(("knowledge", index, "path"), message, expected="a path in the project")
            )
    servers = document.find(("mcp",))
    for index, item in enumerate(servers.items if servers else []):
        if "command" in item.fields:
            message = "only the user of this machine can start programs"
            hint = "name a server's address as `url`"
            found.append(document.mistake(("mcp", index, "command"), message, hint=hint, of_key=True))
    hooks = document.find(("hooks",))
    for index, item in enumerate(hooks.items if hooks else []):
        if "file" in item.fields:
            message = "only the user of this machine can have functions run"
            found.append(document.mistake(("hooks", index, "file"), message, of_key=True))
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


def _without_path(assignment: KnowledgeAssignment) -> KnowledgeAssignment:
    return assignment.model_copy(update={"path": None})


def _inside(workspace: str, project: Path | None) -> bool:
    return workspace in WORKSPACES or _inside_folder(workspace, project)


def _inside_folder(folder: str, project: Path | None) -> bool:
    if project is None:
        return False
    try:
        real = workspace_folder(folder, project).resolve()
    except (RuntimeError, ValueError, OSError):  # `~nobody`, a NUL, a loop of links
        return False
    return real.is_relative_to(project.resolve())
