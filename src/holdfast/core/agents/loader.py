"""One agent file: text to specification, with the place of every mistake.

`extends` names another agent that is visible from the file's own layer. What the file says is laid over
it key by key:

- a text, a number and the lists `tools`, `knowledge`, `mcp`, `skills`, `tags` and `fallback_models`
  replace what was there
- a `script` replaces what was there, with all that was said about it
- what tells one agent from another stays with it: `id`, `display_name`, `author`, and the ids of its tools
  and collections
- `model_settings`, `memory`, `limits`, `workflows` and `ext` are merged key by key
- the three lists of `approvals` are joined, so that an agent never loses a deny of what it extends; so are
  `hooks`
- `prompts` are joined by name; one of the same name is replaced
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from holdfast.core.agents.meaning import mistakes_of_meaning
from holdfast.core.agents.scripts import both_said, inline_mistakes, read_script, script_file
from holdfast.core.config.nodes import Document, Plain, compose
from holdfast.core.config.yaml import in_order, read_file, validate
from holdfast.core.domain.agents import ID_PATTERN, AgentSpec
from holdfast.core.domain.errors import Diagnostic
from holdfast.core.domain.hooks import hook_file

_OWN = ("id", "display_name", "author")
"""Keys that an agent never has from the one it extends."""


@dataclass(frozen=True, slots=True)
class AgentFile:
    """What one file says by itself, before `extends`."""

    path: Path
    document: Document | None
    """None when the text cannot be read at all."""
    problems: tuple[Diagnostic, ...] = ()
    script: str | None = None
    """What the script's file holds, if there is one."""

    @property
    def values(self) -> dict[str, Plain]:
        """What the file says, as plain data, with the script that is in a file of its own; empty when it is
        no mapping."""
        value = self.document.root.value if self.document else None
        if not isinstance(value, dict) or self.script is None:
            return value if isinstance(value, dict) else {}
        said = value["script"] if isinstance(value["script"], dict) else {"file": value["script"]}
        return {**value, "script": {**said, "code": self.script}}

    @property
    def beside(self) -> tuple[Path, ...]:
        """The files that it was made of, beside its own."""
        name = script_file(self.document) if self.document else None
        return () if name is None else (self.path.parent / name,)

    @property
    def name(self) -> str:
        """The agent's name; the file's when it has none."""
        name = self.values.get("name")
        return name if isinstance(name, str) and name else self.path.stem

    @property
    def id(self) -> str | None:
        """The id that the file gives itself; None when there is none, or none that can be one."""
        id = self.values.get("id")
        return id if isinstance(id, str) and re.fullmatch(ID_PATTERN, id) else None

    @property
    def extends(self) -> str | None:
        base = self.values.get("extends")
        return base if isinstance(base, str) else None


def read_agent(path: Path, known_tools: Collection[str] | None = None) -> AgentFile:
    """Returns what the file at `path` says, with its mistakes. Raises `FileNotFoundError`."""
    text, problems = read_file(path)
    if text is None:
        return AgentFile(path, None, tuple(problems))
    return parse_agent(text, path, known_tools, path.parent)


def parse_agent(
    text: str, path: Path, known_tools: Collection[str] | None = None, folder: Path | None = None
) -> AgentFile:
    """Does as `read_agent` for a text. Names of tools are checked when `known_tools` are given; `folder` is
    where a file beside it is found, None: nowhere."""
    document, problems = compose(text, str(path))
    if document is None:
        return AgentFile(path, None, tuple(problems))
    _, more = validate(AgentSpec, document)
    found = [*problems, *more, *mistakes_of_meaning(document, known_tools)]
    file = AgentFile(path, document)
    if script_file(document) is None:
        found += [*both_said(document), *inline_mistakes(document, text)]
    elif not found:
        script, wrong = read_script(document, folder)
        file, found = replace(file, script=script), [*both_said(document), *wrong]
    return replace(file, problems=tuple(in_order(found)))


def merge(base: dict[str, Plain], over: dict[str, Plain]) -> dict[str, Plain]:
    """Returns the values of an agent that extends another. Both must be valid."""
    inherited = {key: value for key, value in base.items() if key not in _OWN}
    inherited["tools"] = [_without_id(tool) for tool in _list(base.get("tools"))]
    for key in ("knowledge", "mcp", "subagents"):
        inherited[key] = [_without_id(one) for one in _list(base.get(key))]
    merged = {**inherited, **over}
    for key in ("model_settings", "memory", "limits", "workflows", "ext"):
        merged[key] = {**_mapping(base.get(key)), **_mapping(over.get(key))}
    theirs, ours = _mapping(base.get("approvals")), _mapping(over.get("approvals"))
    merged["approvals"] = {
        kind: [*_list(theirs.get(kind)), *_list(ours.get(kind))] for kind in ("allow", "ask", "deny")
    }
    merged["hooks"] = [*map(_without_id, _list(base.get("hooks"))), *_list(over.get("hooks"))]
    prompts = [*_list(base.get("prompts")), *_list(over.get("prompts"))]
    merged["prompts"] = list({str(_mapping(prompt).get("name")): prompt for prompt in prompts}.values())
    return merged


def placed(file: AgentFile) -> dict[str, Plain]:
    """Returns what a file says, with whole paths in the places of those that are of its folder: what extends
    it may stand elsewhere."""
    values = file.values
    if not _list(values.get("hooks")):
        return values
    return {
        **values,
        "hooks": [_placed_hook(_mapping(hook), file.path.parent) for hook in _list(values["hooks"])],
    }


def _placed_hook(hook: dict[str, Plain], folder: Path) -> Plain:
    named = hook.get("file")
    return {**hook, "file": str(hook_file(folder, named))} if isinstance(named, str) else hook


def _without_id(value: Plain) -> Plain:
    return {key: each for key, each in value.items() if key != "id"} if isinstance(value, dict) else value


def _mapping(value: Plain) -> dict[str, Plain]:
    return value if isinstance(value, dict) else {}


def _list(value: Plain) -> list[Plain]:
    return value if isinstance(value, list) else []
