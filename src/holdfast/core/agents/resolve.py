"""From agent files to specifications: names that clash, and what an agent extends."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from holdfast.core.agents.loader import AgentFile, merge
from holdfast.core.config.mistakes import did_you_mean
from holdfast.core.config.nodes import Plain
from holdfast.core.domain.agents import AgentSpec, Layer
from holdfast.core.domain.errors import Diagnostic

_ORDER = (Layer.PROJECT, Layer.USER, Layer.SHIPPED)


@dataclass(frozen=True, slots=True)
class Found:
    """One agent file in its layer."""

    layer: Layer
    file: AgentFile
    twin: Path | None = None
    """The file of the same folder and name that counts instead of this one."""


def resolve(found: Found, visible: tuple[Found, ...]) -> tuple[AgentSpec | None, tuple[Diagnostic, ...]]:
    """Returns the specification of an agent, or None and every mistake.

    `visible` are all agents in the order in which they are looked for, `found` among them.
    """
    problems = list(found.file.problems)
    if found.twin is not None and found.file.document is not None:
        message = f"the agent `{found.file.name}` is defined already in {found.twin.name}"
        problems.append(found.file.document.mistake(("name",), message, hint="give it another name"))
    if problems:
        return None, tuple(problems)
    values, problem = _extended(found, visible, (found,))
    if problem is not None:
        return None, (problem,)
    return AgentSpec.model_validate(values), ()


def _extended(
    found: Found, visible: tuple[Found, ...], chain: tuple[Found, ...]
) -> tuple[dict[str, Plain], Diagnostic | None]:
    wanted, document = found.file.extends, found.file.document
    if wanted is None or document is None:
        return found.file.values, None
    possible = _possible_bases(found, visible)
    base = next((one for one in possible if one.file.name == wanted), None)
    if base is None:
        hint = did_you_mean(wanted, {one.file.name for one in possible})
        return {}, document.mistake(("extends",), f"there is no agent `{wanted}` to extend", hint=hint)
    if base in chain:
        circle = " → ".join(f"`{one.file.name}`" for one in (*chain[chain.index(base) :], base))
        return {}, document.mistake(("extends",), f"agents extend each other in a circle: {circle}")
    if base.file.problems:
        hint = f"correct {base.file.path} first"
        return {}, document.mistake(("extends",), f"`{wanted}` has mistakes of its own", hint=hint)
    inherited, problem = _extended(base, visible, (*chain, base))
    if problem is None:
        return merge(inherited, found.file.values), None
    return {}, document.mistake(("extends",), f"`{wanted}` cannot be extended: {problem.message}")


def _possible_bases(found: Found, visible: tuple[Found, ...]) -> list[Found]:
    """Returns what `found` may extend: agents of its own layer or a lower one, never itself.

    So a project cannot put itself under a user's agent, and `extends: coder` in the user's `coder` means
    the shipped one.
    """
    at = visible.index(found)
    return [
        one
        for index, one in enumerate(visible)
        if one.twin is None
        and _ORDER.index(one.layer) >= _ORDER.index(found.layer)
        and (one.file.name != found.file.name or index > at)
    ]
