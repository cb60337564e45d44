"""Mistakes in an agent file that every value alone hides: names that nothing has, things said twice."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatchcase

from holdfast.core.config.mistakes import did_you_mean
from holdfast.core.config.nodes import Document, Key, Node, Plain
from holdfast.core.config.syntax import shown
from holdfast.core.domain.agents import ALL_COLLECTIONS, ID_PATTERN, WORKSPACES
from holdfast.core.domain.approvals import Rule
from holdfast.core.domain.delegating import DELEGATION_TOOLS
from holdfast.core.domain.errors import Diagnostic, InvalidError
from holdfast.core.domain.mcp import PREFIX
from holdfast.core.domain.references import secret_names


def mistakes_of_meaning(document: Document, known_tools: Collection[str] | None) -> list[Diagnostic]:
    """Returns the mistakes of an agent file that its shape does not show.

    Names of tools are checked when `known_tools` are given.
    """
    return [
        *_name_mistakes(document),
        *_tag_mistakes(document),
        *_tool_mistakes(document, known_tools),
        *_assignment_mistakes(document, "tools", "another tool has this id"),
        *_knowledge_mistakes(document),
        *_assignment_mistakes(document, "knowledge", "another collection has this id"),
        *_mcp_mistakes(document),
        *_assignment_mistakes(document, "mcp", "another server has this id"),
        *_hook_mistakes(document, known_tools),
        *_assignment_mistakes(document, "hooks", "another hook has this id"),
        *_sub_agent_mistakes(document),
        *_assignment_mistakes(document, "subagents", "another sub-agent has this id"),
        *_memory_mistakes(document),
        *_skill_mistakes(document),
        *_database_mistakes(document),
        *_rule_mistakes(document, known_tools),
        *_workspace_mistakes(document),
        *_prompt_mistakes(document),
    ]


def _name_mistakes(document: Document) -> list[Diagnostic]:
    node = document.find(("name",))
    if node is None or not isinstance(node.value, str) or not re.fullmatch(ID_PATTERN, node.value):
        return []
    # An agent is found by its name or by its id: a name that could be an id might be another one's.
    return [document.mistake(("name",), "a name cannot be a UUID", hint="write it as `id`")]


def _tag_mistakes(document: Document) -> list[Diagnostic]:
    return [
        document.mistake(("tags", index), "the tag is listed twice", hint="keep one of them")
        for index in _repeated(_texts(document, ("tags",)))
    ]


def _tool_mistakes(document: Document, known_tools: Collection[str] | None) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    seen: set[str] = set()
    for path, node in _assigned_tools(document):
        name = node.value
        if not isinstance(name, str):
            continue
        if name in seen:
            found.append(document.mistake(path, f"`{shown(name)}` is listed twice", hint="keep one of them"))
        elif known_tools is not None and name not in known_tools:
            found.append(_unknown_tool(document, path, name, known_tools))
        seen.add(name)
    return found


def _assigned_tools(document: Document) -> list[tuple[tuple[Key, ...], Node]]:
    """Returns where the name of each tool stands: an entry of the list, or the `tool` of a mapping."""
    node = document.find(("tools",))
    return [
        (("tools", index, "tool"), item.fields["tool"]) if "tool" in item.fields else (("tools", index), item)
        for index, item in enumerate(node.items if node else [])
    ]


def _knowledge_mistakes(document: Document) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    seen: set[str] = set()
    node = document.find(("knowledge",))
    for index, item in enumerate(node.items if node else []):
        named = item.fields.get("collection", item)
        name, path = named.value, ("knowledge", index)
        if not isinstance(name, str):
            continue
        at = (*path, "collection") if "collection" in item.fields else path
        if name in seen:
            found.append(document.mistake(at, f"`{shown(name)}` is listed twice", hint="keep one of them"))
        elif any(character < " " or character == "\x7f" for character in name):
            found.append(document.mistake(at, "a collection's name has no control characters"))
        seen.add(name)
        if "path" in item.fields:
            found.extend(_folder_mistakes(document, (*path, "path"), name, item.fields["path"].value))
    return found


def _folder_mistakes(
    document: Document, at: tuple[str | int, ...], name: str, folder: Plain
) -> list[Diagnostic]:
    if name == ALL_COLLECTIONS or re.fullmatch(ID_PATTERN, name):
        message = "a folder needs a collection with a name: it is made when there is none"
        return [document.mistake(at, message, hint="write the name as `collection`")]
    if isinstance(folder, str) and "\0" in folder:
        return [document.mistake(at, "this is no path", expected="a path without a NUL character")]
    return []


def _mcp_mistakes(document: Document) -> list[Diagnostic]:
    node = document.find(("mcp",))
    items = node.items if node else []
    names = [item.fields.get("server", item).value for item in items]
    found = [
        document.mistake(("mcp", index), "the server is listed twice", hint="keep one of them")
        for index in _repeated(names)
    ]
    for index, item in enumerate(items):
        if "sampling" in item.fields and not {"command", "url"} & item.fields.keys():
            found.append(
                document.mistake(
                    ("mcp", index, "sampling"),
                    "it is said where the server is described, with `command` or `url`",
                    hint="for one of your own: `holdfast mcp add … --sampling WORD`",
                )
            )
        for key in ("env", "headers"):
            held = item.fields[key].fields if key in item.fields else {}
            found.extend(
                # A secret goes with a server that the user has added, not with whoever names it in a file.
                document.mistake(
                    ("mcp", index, key, name),
                    "a server in an agent's file has no secrets",
                    hint="add the server with `holdfast mcp add`, and name it here",
                )
                for name, value in held.items()
                if isinstance(value.value, str) and secret_names([value.value])
            )
    return found


def _sub_agent_mistakes(document: Document) -> list[Diagnostic]:
    node = document.find(("subagents",))
    names = [item.fields.get("agent", item).value for item in (node.items if node else [])]
    return [
        document.mistake(("subagents", index), "the agent is listed twice", hint="keep one of them")
        for index in _repeated(names)
    ]


def _memory_mistakes(document: Document) -> list[Diagnostic]:
    return [
        document.mistake(("memory", "blocks", index), "the block is listed twice", hint="keep one of them")
        for index in _repeated(_texts(document, ("memory", "blocks")))
    ]


def _database_mistakes(document: Document) -> list[Diagnostic]:
    node = document.find(("databases",))
    items = node.items if node else []
    names = [item.fields["name"].value if "name" in item.fields else None for item in items]
    return [
        document.mistake(("databases", index, "name"), "another database has this name")
        for index in _repeated(names)
    ]


def _skill_mistakes(document: Document) -> list[Diagnostic]:
    return [
        document.mistake(("skills", index), "the skill is listed twice", hint="keep one of them")
        for index in _repeated(_texts(document, ("skills",)))
    ]


def _assignment_mistakes(document: Document, key: str, message: str) -> list[Diagnostic]:
    node = document.find((key,))
    ids = [item.fields["id"].value if "id" in item.fields else None for item in (node.items if node else [])]
    return [
        document.mistake((key, index, "id"), message, hint="remove one of them") for index in _repeated(ids)
    ]


def _repeated(values: Sequence[Plain]) -> Iterator[int]:
    """Yields the index of each text that stood before already."""
    seen: set[str] = set()
    for index, value in enumerate(values):
        if not isinstance(value, str):
            continue
        if value in seen:
            yield index
        seen.add(value)


def _rule_mistakes(document: Document, known_tools: Collection[str] | None) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    for kind in ("allow", "ask", "deny"):
        for index, text in enumerate(_texts(document, ("approvals", kind))):
            if text is None:
                continue
            path = ("approvals", kind, index)
            try:
                tool = Rule.parse(text).tool
            except InvalidError as error:
                found.append(document.mistake(path, error.message, expected="a rule"))
                continue
            # A rule that can never speak is a mistake: a deny with a typo protects nobody.
            if tool.startswith(PREFIX):
                continue  # which tools a server has is known when it runs
            if known_tools is not None and not any(fnmatchcase(name, tool) for name in known_tools):
                found.append(_unknown_tool(document, path, tool, known_tools))
    return found


def _hook_mistakes(document: Document, known_tools: Collection[str] | None) -> list[Diagnostic]:
    node = document.find(("hooks",))
    found: list[Diagnostic] = []
    for index, item in enumerate(node.items if node else []):
        matcher = item.fields["matcher"].value if "matcher" in item.fields else None
        if not isinstance(matcher, str) or known_tools is None:
            continue
        try:
            tool = Rule.parse(matcher).tool
        except InvalidError:
            continue  # its shape says so
        # As with a rule: one that can never speak is a mistake.
        if not tool.startswith(PREFIX) and not any(
            fnmatchcase(name, tool) for name in (*known_tools, *DELEGATION_TOOLS)
        ):
            found.append(_unknown_tool(document, ("hooks", index, "matcher"), tool, known_tools))
    return found


def _unknown_tool(
    document: Document, path: tuple[str | int, ...], name: str, known_tools: Collection[str]
) -> Diagnostic:
    return document.mistake(
        path,
        f"there is no tool `{name}`" if name.isprintable() and len(name) <= 80 else "there is no such tool",
        expected="one of " + ", ".join(sorted(known_tools)),
        hint=did_you_mean(name, known_tools),
    )


def _workspace_mistakes(document: Document) -> list[Diagnostic]:
    node = document.find(("workspace",))
    value = node.value if node else None
    if not isinstance(value, str) or value in WORKSPACES or "/" in value or value in (".", "~"):
        return []
    return [
        document.mistake(
            ("workspace",),
            "this is neither `session` nor `project` nor a path",
            expected="session, project, agent, or a path with a slash such as ./data",
            hint=did_you_mean(value, WORKSPACES),
        )
    ]


def _prompt_mistakes(document: Document) -> list[Diagnostic]:
    node = document.find(("prompts",))
    names = [
        item.fields["name"].value if "name" in item.fields else None for item in (node.items if node else [])
    ]
    return [
        document.mistake(("prompts", index, "name"), "another prompt has this name")
        for index in _repeated(names)
    ]


def _texts(document: Document, path: tuple[str, ...]) -> list[str | None]:
    """Returns the texts of a list; None for what is no text, which the model complains about."""
    node = document.find(path)
    items = node.items if node else []
    return [item.value if isinstance(item.value, str) else None for item in items]
