"""From agent files to specifications: names and ids that clash, and what an agent extends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from holdfast.core.agents.identity import identified, made_id
from holdfast.core.agents.loader import AgentFile, merge, placed
from holdfast.core.config.mistakes import did_you_mean
from holdfast.core.config.nodes import Plain
from holdfast.core.domain.agents import AgentSpec, Layer
from holdfast.core.domain.errors import Diagnostic, InvalidError

_ORDER = (Layer.PROJECT, Layer.USER, Layer.SHIPPED)


@dataclass(frozen=True, slots=True)
class Found:
    """One agent file in its layer."""

    layer: Layer
    file: AgentFile
    scope: str = ""
    """Whose names these are: the owner's, the project folder's; empty for the shipped agents."""
    twin: Path | None = None
    """The file of the same folder and name that counts instead of this one."""
    same_id: Path | None = None
    """The file of the same folder whose id this one repeats."""

    @property
    def name(self) -> str:
        """The name that it is listed by."""
        return self.file.name if self.twin is None else self.file.path.stem

    @property
    def id(self) -> str:
        """The file's own id, or one that is made of where and how the agent is called."""
        if self.twin is not None:
            return made_id(self.scope, self.layer, "file", self.file.path.name)
        own = self.file.id if self.same_id is None else None
        return own or made_id(self.scope, self.layer, self.file.name)


def in_folder(files: list[AgentFile], layer: Layer, scope: str) -> tuple[Found, ...]:
    """Returns the agents of one folder; of two that clash, one counts and the other is told so."""
    # A file that is called like its agent counts before a copy of it, which most often has a longer name.
    files = sorted(files, key=lambda file: (file.path.stem != file.name, len(file.path.name), file.path.name))
    names: dict[str, Path] = {}
    for file in files:
        names.setdefault(file.name, file.path)
    counting = [file for file in files if names[file.name] == file.path]
    ids = {Found(layer, file, scope).id: file.path for file in counting if file.id is None}
    for file in counting:
        if file.id is not None:
            ids.setdefault(file.id, file.path)
    return tuple(
        Found(
            layer,
            file,
            scope,
            twin=_other(names[file.name], file),
            same_id=_other(ids.get(file.id, file.path), file) if file.id else None,
        )
        for file in files
    )


def _other(path: Path, file: AgentFile) -> Path | None:
    return None if path == file.path else path


def resolve(found: Found, visible: tuple[Found, ...]) -> tuple[AgentSpec | None, tuple[Diagnostic, ...]]:
    """Returns the specification of an agent with all its ids, or None and every mistake.

    `visible` are all agents in the order in which they are looked for, `found` among them.
    """
    problems = [*found.file.problems, *_clashes(found)]
    if problems:
        return None, tuple(problems)
    try:
        values, problem = _extended(found, visible, (found,))
        if problem is not None:
            return None, (problem,)
        return identified(AgentSpec.model_validate(values), found.id), ()
    except InvalidError as error:
        return None, (_together(found, error.message),)
    except ValidationError as error:
        first = error.errors()[0]
        return None, (_together(found, f"{'.'.join(map(str, first['loc']))}: {first['msg']}"),)


def _together(found: Found, why: str) -> Diagnostic:
    """Returns the mistake of values that are right by themselves only: too many with those of the agent that
    is extended, a path that is too long as a whole."""
    assert found.file.document is not None
    at = ("extends",) if found.file.extends else ()
    return found.file.document.mistake(at, f"this cannot be taken as a whole: {why}")


def _clashes(found: Found) -> list[Diagnostic]:
    document = found.file.document
    if document is None:
        return []
    if found.twin is not None:
        message = f"the agent `{found.file.name}` is defined already in {found.twin.name}"
        return [document.mistake(("name",), message, hint="give it another name")]
    if found.same_id is not None:
        message = f"the agent in {found.same_id.name} has this id"
        return [document.mistake(("id",), message, hint="remove the line, and it gets one of its own")]
    return []


def _extended(
    found: Found, visible: tuple[Found, ...], chain: tuple[Found, ...]
) -> tuple[dict[str, Plain], Diagnostic | None]:
    wanted, document = found.file.extends, found.file.document
    if wanted is None or document is None:
        return placed(found.file), None
    base = next((one for one in _possible_bases(found, visible) if one.file.name == wanted), None)
    if base is None:
        hint = did_you_mean(wanted, {one.file.name for one in _possible_bases(found, visible)})
        return {}, document.mistake(("extends",), f"there is no agent `{wanted}` to extend", hint=hint)
    if base in chain:
        circle = " → ".join(f"`{one.file.name}`" for one in (*chain[chain.index(base) :], base))
        return {}, document.mistake(("extends",), f"agents extend each other in a circle: {circle}")
    if base.file.problems:
        hint = f"correct {base.file.path} first"
        return {}, document.mistake(("extends",), f"`{wanted}` has mistakes of its own", hint=hint)
    inherited, problem = _extended(base, visible, (*chain, base))
    if problem is None:
        return merge(inherited, placed(found.file)), None
    return {}, document.mistake(("extends",), f"`{wanted}` cannot be extended: {problem.message}")


def _possible_bases(found: Found, visible: tuple[Found, ...]) -> Iterator[Found]:
    """Yields what `found` may extend: agents of its own layer or a lower one, never itself.

    So a project cannot put itself under a user's agent, and `extends: coder` in the user's `coder` means
    the shipped one.
    """
    passed = False
    for one in visible:
        if one is found:
            passed = True
        elif (
            one.twin is None
            and _ORDER.index(one.layer) >= _ORDER.index(found.layer)
            and (passed or one.file.name != found.file.name)
        ):
            yield one
