"""One agent file: text to specification, with the place of every mistake.

`extends` names another agent that is visible from the file's own layer. What the file says is laid over
it key by key:

- a text, a number and the lists `tools` and `fallback_models` replace what was there
- `model_settings` and `limits` are merged key by key
- the three lists of `approvals` are joined, so that an agent never loses a deny of what it extends
- `prompts` are joined by name; one of the same name is replaced
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from holdfast.core.config.mistakes import did_you_mean
from holdfast.core.config.nodes import Document, Plain, compose
from holdfast.core.config.yaml import in_order, read_file, validate
from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.approvals import Rule
from holdfast.core.domain.errors import Diagnostic, InvalidError


@dataclass(frozen=True, slots=True)
class AgentFile:
    """What one file says by itself, before `extends`."""

    path: Path
    document: Document | None
    """None when the text cannot be read at all."""
    problems: tuple[Diagnostic, ...] = ()

    @property
    def values(self) -> dict[str, Plain]:
        """What the file says, as plain data; empty when it is no mapping."""
        value = self.document.root.value if self.document else None
        return value if isinstance(value, dict) else {}

    @property
    def name(self) -> str:
        """The agent's name; the file's when it has none."""
        name = self.values.get("name")
        return name if isinstance(name, str) and name else self.path.stem

    @property
    def extends(self) -> str | None:
        base = self.values.get("extends")
        return base if isinstance(base, str) else None


def read_agent(path: Path, known_tools: Collection[str] | None = None) -> AgentFile:
    """Returns what the file at `path` says, with its mistakes. Raises `FileNotFoundError`."""
    text, problems = read_file(path)
    if text is None:
        return AgentFile(path, None, tuple(problems))
    return parse_agent(text, path, known_tools)


def parse_agent(text: str, path: Path, known_tools: Collection[str] | None = None) -> AgentFile:
    """Does as `read_agent` for a text. Names of tools are checked when `known_tools` are given."""
    document, problems = compose(text, str(path))
    if document is None:
        return AgentFile(path, None, tuple(problems))
    _, more = validate(AgentSpec, document)
    found = [*problems, *more, *_mistakes_of_meaning(document, known_tools)]
    return AgentFile(path, document, tuple(in_order(found)))


def merge(base: dict[str, Plain], over: dict[str, Plain]) -> dict[str, Plain]:
    """Returns the values of an agent that extends another. Both must be valid."""
    merged = {**base, **over}
    for key in ("model_settings", "limits"):
        merged[key] = {**_mapping(base.get(key)), **_mapping(over.get(key))}
    theirs, ours = _mapping(base.get("approvals")), _mapping(over.get("approvals"))
    merged["approvals"] = {
        kind: [*_list(theirs.get(kind)), *_list(ours.get(kind))] for kind in ("allow", "ask", "deny")
    }
    prompts = [*_list(base.get("prompts")), *_list(over.get("prompts"))]
    merged["prompts"] = list({str(_mapping(prompt).get("name")): prompt for prompt in prompts}.values())
    return merged


def _mistakes_of_meaning(document: Document, known_tools: Collection[str] | None) -> list[Diagnostic]:
    return [
        *_tool_mistakes(document, known_tools),
        *_rule_mistakes(document, known_tools),
        *_workspace_mistakes(document),
        *_prompt_mistakes(document),
    ]


def _tool_mistakes(document: Document, known_tools: Collection[str] | None) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    seen: set[str] = set()
    for index, name in enumerate(_texts(document, ("tools",))):
        if name is None:
            continue
        path = ("tools", index)
        if name in seen:
            found.append(document.mistake(path, f"`{name}` is listed twice", hint="keep one of them"))
        elif known_tools is not None and name not in known_tools:
            found.append(_unknown_tool(document, path, name, known_tools))
        seen.add(name)
    return found


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
            if known_tools is not None and not any(fnmatchcase(name, tool) for name in known_tools):
                found.append(_unknown_tool(document, path, tool, known_tools))
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
    if not isinstance(value, str) or value in ("session", "project") or "/" in value or value in (".", "~"):
        return []
    return [
        document.mistake(
            ("workspace",),
            "this is neither `session` nor `project` nor a path",
            expected="session, project, or a path with a slash such as ./data",
            hint=did_you_mean(value, ("session", "project")),
        )
    ]


def _prompt_mistakes(document: Document) -> list[Diagnostic]:
    node = document.find(("prompts",))
    found: list[Diagnostic] = []
    seen: set[str] = set()
    for index, item in enumerate(node.items if node else []):
        name = item.fields["name"].value if "name" in item.fields else None
        if isinstance(name, str) and name in seen:
            found.append(document.mistake(("prompts", index, "name"), "another prompt has this name"))
        if isinstance(name, str):
            seen.add(name)
    return found


def _texts(document: Document, path: tuple[str, ...]) -> list[str | None]:
    """Returns the texts of a list; None for what is no text, which the model complains about."""
    node = document.find(path)
    items = node.items if node else []
    return [item.value if isinstance(item.value, str) else None for item in items]


def _mapping(value: Plain) -> dict[str, Plain]:
    return value if isinstance(value, dict) else {}


def _list(value: Plain) -> list[Plain]:
    return value if isinstance(value, list) else []
