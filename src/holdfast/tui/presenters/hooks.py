"""Hooks as a list: in which order they act, what each looks at, and what it decided lately."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.tui.keys import foot, shown
from holdfast.tui.presenters.figures import age, duration
from holdfast.tui.presenters.spans import BLANK, Line, fit, line, space
from holdfast.tui.presenters.status import EngineState, engine_note

if TYPE_CHECKING:
    from datetime import datetime

    from holdfast.core.domain.events import HookCompleted
    from holdfast.core.domain.hooks import HookInfo, HookRule

POINTS = {
    "before_run": "before a message begins a run",
    "after_run": "when a run is about to complete",
    "before_model": "before a request goes to the model",
    "after_model": "behind the model's reply, before anybody sees it",
    "before_tool": "before a tool is called",
    "after_tool": "behind a tool's result, before the model sees it",
    "before_delegation": "before another agent is given work",
    "after_delegation": "when another agent's work has come back",
    "before_response": "before anybody sees the reply",
}
TYPES = {
    "rule": "decides by conditions",
    "approval": "asks a person",
    "webhook": "asks a program over HTTP",
    "python": "asks a function in a file",
}
OUTCOMES = {
    "allow": ("✓ allowed", "success"),
    "deny": ("✗ denied", "error"),
    "modify": ("± changed", "accent"),
    "ask": ("? asked", "warning"),
}
KEPT = 50
"""Executions of one hook that are remembered."""


@dataclass(frozen=True, slots=True)
class Execution:
    """One time that a hook decided."""

    event_id: int
    outcome: str
    tool: str
    reason: str
    error: str
    duration_ms: float
    at: datetime


@dataclass(frozen=True, slots=True)
class HookView:
    """One hook, sanitised."""

    id: str
    title: str
    point: str
    type: str
    matcher: str
    order: int
    enabled: bool
    source: Literal["user", "agent"]
    agent: str
    timeout_s: float | None
    says: tuple[str, ...]
    """Its rules, its address, its file or its message."""


@dataclass(slots=True)
class HooksState:
    """What the screen of hooks shows."""

    hooks: list[HookView] | None = None
    """None: not read yet."""
    executions: dict[str, list[Execution]] = field(default_factory=dict)
    """By ids of hooks, latest first."""
    error: str = ""
    wanted: str = ""
    """Where the cursor is to go when it is drawn next."""

    def hook(self, id: str | None) -> HookView | None:
        return next((one for one in self.hooks or [] if one.id == id), None)

    def last(self, id: str) -> Execution | None:
        """Returns what a hook decided last."""
        return next(iter(self.executions.get(id, ())), None)

    def take(self, event: HookCompleted, event_id: int) -> None:
        """Remembers what a hook decided, once."""
        known = self.executions.setdefault(event.hook_id, [])
        if all(one.event_id != event_id for one in known):
            known.append(
                Execution(
                    event_id=event_id,
                    outcome=event.outcome,
                    tool=sanitize_line(event.tool),
                    reason=sanitize_line(event.reason),
                    error=sanitize_line(event.error),
                    duration_ms=event.duration_ms,
                    at=event.at,
                )
            )
            known.sort(key=lambda one: -one.event_id)
            del known[KEPT:]


def hook_views(hooks: Iterable[HookInfo]) -> list[HookView]:
    """Returns hooks as they are shown, in the order in which they act."""
    views = [_view(one) for one in hooks]
    points = list(POINTS)
    return sorted(views, key=lambda one: points.index(one.point))  # of one point as they came


def _view(info: HookInfo) -> HookView:
    hook = info.hook
    says = [_rule(one) for one in hook.rules]
    says += [f"{name}: {value}" for name, value in hook.headers.items()]
    says = [text for text in (hook.message, hook.url or "", hook.file or "") if text] + says
    return HookView(
        id=hook.id or "",
        title=sanitize_line(hook.title),
        point=hook.point.value,
        type=hook.type.value,
        matcher=sanitize_line(hook.matcher),
        order=hook.order,
        enabled=hook.enabled,
        source=info.source,
        agent=sanitize_line(info.agent),
        timeout_s=hook.timeout_s,
        says=tuple(shorten(sanitize_line(text), 500) for text in says),
    )


def _rule(rule: HookRule) -> str:
    condition = f" when {rule.when}" if rule.when else ""
    change = f" {json.dumps(rule.set, ensure_ascii=False)}" if rule.set else ""
    replaced = f" /{rule.replace}/ → {rule.replacement!r}" if rule.replace else ""
    reason = f": {rule.reason}" if rule.reason else ""
    return f"{rule.action}{change}{replaced}{condition}{reason}"


# --- the list


def headline(state: HooksState, waiting: int, engine: EngineState = "ready") -> Line:
    """Returns the first line."""
    return line(
        ("Hooks", "brand"),
        engine_note(engine),
        ("  look at runs, model calls, tool calls and replies; in this order", "muted"),
        (f"  ⚠ {waiting}" if waiting else "", "warning"),
    )


def hook_rows(
    state: HooksState, words: list[str], width: int, now: datetime
) -> list[tuple[str, tuple[Line, ...]]]:
    """Returns the hooks that fit the words, two lines each."""
    found = [
        one
        for one in state.hooks or []
        if all(word in f"{one.title} {one.point} {one.type} {one.matcher}".casefold() for word in words)
    ]
    return [(one.id, _row(one, state.last(one.id), width, now)) for one in found]


def _row(one: HookView, last: Execution | None, width: int, now: datetime) -> tuple[Line, Line]:
    sign = ("● ", "success") if one.enabled else ("⊘ ", "muted")
    room = max(4, width - len(one.point) - 3)
    title = fit(one.title, room)
    of = "" if one.matcher == "*" else f" {one.matcher}"
    said, role = OUTCOMES[last.outcome] if last is not None else ("", "muted")
    about = f"{one.type}{of}{'' if one.enabled else ' · disabled'}"
    ago = f"  {said} {age(last.at, now)}" if last is not None else ""
    return (
        line(
            sign, (title, "strong" if one.enabled else "muted"), (f"{space(title, room)}{one.point}", "muted")
        ),
        line("  ", (fit(about, max(4, width - 2 - len(ago))), "muted"), (ago, role)),
    )


def note_lines(state: HooksState, *, some: bool) -> list[Line]:
    """Returns what stands below the list: loading, nothing there, what went wrong."""
    if state.error:
        return [line((state.error, "error"))]
    if state.hooks is None:
        return [line(("Reading the hooks …", "muted"))]
    if some:
        return []
    if state.hooks:
        return [line(("No hook fits.", "muted"))]
    return [
        line("No hook yet."),
        BLANK,
        line(
            (shown("hooks.new"), "key"),
            (" adds one for all your runs: a rule that denies, a question, a webhook, a function.", "muted"),
        ),
    ]


def hook_detail(state: HooksState, hook_id: str | None, now: datetime) -> list[Line]:
    """Returns all that is known of a hook."""
    one = state.hook(hook_id)
    if one is None:
        return []
    whose = "of all your runs" if one.source == "user" else f"of the agent {one.agent}, in its file"
    lines = [line((one.title, "heading"), (f"  {whose}", "muted"))]
    if not one.enabled:
        how = shown("hooks.enable") if one.source == "user" else "enabled: true in its file"
        lines.append(line(("⊘ disabled  ", "warning"), (how, "key"), (" lets it act again", "muted")))
    lines.append(line((f"{one.point}  ", "strong"), (POINTS[one.point], "muted")))
    lines.append(line((f"{one.type}  ", "strong"), (TYPES[one.type], "muted")))
    if one.matcher != "*":
        lines.append(line(("of calls  ", "muted"), (one.matcher, "code")))
    if one.order:
        lines.append(line((f"order {one.order}", "muted")))
    if one.timeout_s is not None:
        lines.append(line((f"at most {one.timeout_s:g} s", "muted")))
    lines += [BLANK, *(line((text, "code")) for text in one.says)]
    return [*lines, BLANK, *_executions(state.executions.get(one.id) or [], now)]


def _executions(known: list[Execution], now: datetime) -> list[Line]:
    if not known:
        return [line(("It decided nothing since this app was started, nor in the open session.", "muted"))]
    lines = [line(("What it decided", "heading"))]
    for one in known:
        said, role = OUTCOMES[one.outcome]
        took = f"  {duration(one.duration_ms)}" if one.duration_ms else ""
        lines.append(line((said, role), (f" {one.tool}", ""), (f"  {age(one.at, now)}{took}", "muted")))
        if one.reason:
            lines.append(line(("  ", "indent"), (one.reason, "muted")))
        if one.error:
            lines.append(line(("  ", "indent"), (f"it failed: {one.error}", "error")))
    return lines


def footer(one: HookView | None, *, typing: bool = False) -> list[tuple[str, str, str]]:
    """Returns the keys for what is under the cursor."""
    back, last = foot("hooks.back"), foot("hooks.help")
    if typing:
        return [back, (shown("words.to_list"), "to the list", ""), last]
    if one is None:
        return [back, foot("hooks.new"), last]
    turn = foot("hooks.enable", "disable" if one.enabled else "enable")
    own = [turn, foot("hooks.remove")] if one.source == "user" else []
    return [back, *own, foot("hooks.new"), foot("hooks.words"), last]
