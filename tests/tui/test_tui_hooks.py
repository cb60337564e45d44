"""Hooks as a person sees them: their order, what each looks at and decided, and what is done with them."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from fake_knowledge import THEN

from holdfast.core.domain.errors import ForbiddenError, NotFoundError
from holdfast.core.domain.events import HookCompleted, LoggedEvent
from holdfast.core.domain.hooks import HookInfo, HookOutcome, HookPoint, HookSpec, HookType
from holdfast.tui.control.hooks import HooksControl
from holdfast.tui.presenters.hook_form import KINDS, hook_form, hook_spec
from holdfast.tui.presenters.hooks import (
    KEPT,
    OUTCOMES,
    POINTS,
    TYPES,
    HooksState,
    footer,
    hook_detail,
    hook_rows,
    hook_views,
    note_lines,
)
from holdfast.tui.presenters.spans import plain

EVIL = "x\x1b]0;pwn\x07y"
NOW = THEN + timedelta(hours=3)
RULE: Any = {"point": "before_tool", "type": "rule", "rules": [{"when": "command CONTAINS sudo"}]}


def hook(id: str = "1", source: str = "user", **more: Any) -> HookInfo:
    whole = f"{id * 8}-{id * 4}-{id * 4}-{id * 4}-{id * 12}"
    spec = HookSpec.model_validate({**RULE, "id": whole, **more})
    return HookInfo(hook=spec, source=source, agent="clerk" if source == "agent" else "")


def decided(info: HookInfo, number: int = 1, **more: Any) -> LoggedEvent:
    known = {"outcome": "deny", "reason": "no sudo", "tool": "run_command", "duration_ms": 2, **more}
    event = HookCompleted(
        session_id="s1", run_id="r1", at=THEN, point=info.hook.point, hook_id=info.hook.id or "",
        hook_type=info.hook.type, **known,
    )  # fmt: skip
    return LoggedEvent(id=number, event=event)


def state(*hooks: HookInfo) -> HooksState:
    return HooksState(hooks=hook_views(hooks))


def test_hooks_stand_in_the_order_of_their_points_and_say_what_they_decided_last() -> None:
    late, early = hook("1", point="before_tool", name="guard"), hook("2", point="before_run")
    known = state(late, early)
    known.take(decided(late).event, 1)  # type: ignore[arg-type]
    rows = hook_rows(known, [], 50, NOW)
    assert [key for key, _ in rows] == [early.hook.id, late.hook.id]
    text = plain(rows[1][1])
    assert text.startswith("● guard") and "before_tool\n  rule  ✗ denied 3h" in text
    assert [key for key, _ in hook_rows(known, ["guard"], 50, NOW)] == [late.hook.id]


def test_the_whole_of_a_hook_says_what_it_does_and_what_it_decided() -> None:
    one = hook(name="guard", matcher="run_command", order=3, enabled=False, timeout_s=2)
    known = state(one)
    known.take(decided(one, error="it hung").event, 1)  # type: ignore[arg-type]
    text = plain(hook_detail(known, one.hook.id, NOW))
    assert "guard  of all your runs\n⊘ disabled  space lets it act again" in text
    assert "of calls  run_command\norder 3\nat most 2 s" in text
    assert "deny when command CONTAINS sudo" in text
    assert "✗ denied run_command  3h  2 ms\n  no sudo\n  it failed: it hung" in text
    theirs = hook("2", "agent")
    assert "of the agent clerk, in its file" in plain(hook_detail(state(theirs), theirs.hook.id, NOW))
    assert "decided nothing" in plain(hook_detail(state(theirs), theirs.hook.id, NOW))


def test_what_a_hook_says_is_sanitised() -> None:
    one = hook(name=EVIL, rules=[{"when": "", "reason": EVIL}])
    known = state(one)
    known.take(decided(one, reason=EVIL, error=EVIL, tool=EVIL).event, 1)  # type: ignore[arg-type]
    text = plain([*hook_detail(known, one.hook.id, NOW), *hook_rows(known, [], 60, NOW)[0][1]])
    assert "\x1b" not in text and "\x07" not in text and text.count("x]0;pwny") >= 5


def test_what_was_decided_is_remembered_once_latest_first_and_not_for_ever() -> None:
    one, known = hook(), HooksState()
    for number in [3, 1, 2, 3, *range(10, 10 + KEPT)]:
        known.take(decided(one, number).event, number)  # type: ignore[arg-type]
    numbers = [each.event_id for each in known.executions[one.hook.id or ""]]
    assert numbers == list(range(9 + KEPT, 9, -1))


def test_an_empty_list_says_what_to_do_and_keys_are_those_that_work() -> None:
    assert plain(note_lines(HooksState(), some=False)) == "Reading the hooks …"
    assert "n adds one" in plain(note_lines(HooksState(hooks=[]), some=False))
    own, theirs = hook_views([hook(), hook("2", "agent")])
    assert "remove" in [label for _, label, _ in footer(own)]
    assert "remove" not in [label for _, label, _ in footer(theirs)]


@pytest.mark.parametrize("kind", [kind for kind, _, _ in KINDS])
def test_each_type_has_a_form_that_begins_right(kind: HookType) -> None:
    names = [one.name for one in hook_form(kind).fields]
    assert names[0] == "point" and {"name", "matcher", "order"} <= set(names)


@pytest.mark.parametrize(
    ("kind", "filled", "field"),
    [
        ("rule", {"when": "command HAS x", "action": "deny"}, "when"),
        ("rule", {"action": "deny", "matcher": "("}, "matcher"),
        ("webhook", {"url": "https://x.test", "headers": "no colon"}, "headers"),
        ("python", {"file": "a.py", "timeout_s": 0}, "timeout_s"),
    ],
)
def test_a_mistake_is_told_at_its_field(kind: str, filled: dict[str, Any], field: str) -> None:
    spec, wrong = hook_spec(HookType(kind), {"point": "before_tool", **filled})
    assert spec is None and isinstance(wrong, dict) and list(wrong) == [field]


def test_what_is_filled_in_becomes_a_hook() -> None:
    spec, wrong = hook_spec(
        HookType.RULE, {"point": "before_run", "matcher": "*", "action": "deny", "when": "message CONTAINS x"}
    )
    assert wrong == "" and spec is not None and spec.rules[0].when == "message CONTAINS x"
    spec, wrong = hook_spec(HookType.RULE, {"point": "after_run", "action": "deny"})
    assert spec is None and "after_run" in str(wrong)


class Desk:
    """A controller without an app on hooks in memory; dialogs give the answers in their order."""

    def __init__(self, *hooks: HookInfo, answers: Any = (), agent: str = "clerk") -> None:
        self.known = list(hooks)
        self.answers = list(answers)
        self.said: list[str] = []
        self.marks: list[str] = []
        model = SimpleNamespace(hooks=HooksState(), agent=agent, session_id="s1")
        start = SimpleNamespace(project="/p")
        app = SimpleNamespace(dialogs=self, start=start, screen_stack=[], push_screen=lambda screen: None)
        view = SimpleNamespace(mark=self.marks.append, say=self.said.append)
        events = SimpleNamespace(page_before=self._page)
        workbench = SimpleNamespace(hooks=self, events=events)
        context: Any = SimpleNamespace(app=app, model=model, view=view, workbench=workbench)
        self.state = model.hooks
        self.control = HooksControl(context)

    async def _page(self, session_id: str, limit: int) -> Any:
        return SimpleNamespace(items=[decided(one) for one in self.known])

    async def list(self, project: str | None = None, agent: str | None = None) -> tuple[HookInfo, ...]:
        if agent == "gone":
            raise NotFoundError("There is none.", code="agent_not_found")
        return tuple(self.known)

    async def add(self, spec: HookSpec) -> HookInfo:
        self.known.append(HookInfo(hook=spec.model_copy(update={"id": "new"}), source="user"))
        return self.known[-1]

    async def enable(self, id: str, enabled: bool = True) -> None:
        self.known = [
            one.model_copy(update={"hook": one.hook.model_copy(update={"enabled": enabled})})
            if one.hook.id == id
            else one
            for one in self.known
        ]

    async def remove(self, id: str) -> None:
        self.known = [one for one in self.known if one.hook.id != id]

    async def choose(self, *_: Any) -> Any:
        return self.answers.pop(0)

    confirm = choose

    async def form(self, title: str, form: Any, verb: str, take: Any) -> Any:
        filled = self.answers.pop(0)
        return None if await take(filled) else filled


async def test_a_hook_is_added_by_its_form() -> None:
    desk = Desk(answers=["approval", {"point": "before_tool", "matcher": "run_command", "message": "Why?"}])
    await desk.control.new()
    assert desk.state.wanted == "new"
    assert [one.says for one in desk.state.hooks or []] == [("Why?",)]


async def test_a_hook_is_switched_and_removed_after_a_question_and_an_agents_is_not() -> None:
    own, theirs = hook(), hook("2", "agent")
    desk = Desk(own, theirs, answers=[False, True])
    await desk.control.reload()
    await desk.control.enable(own.hook.id or "")
    assert [one.enabled for one in desk.state.hooks or []] == [False, True]
    for action in (desk.control.enable, desk.control.remove):
        with pytest.raises(ForbiddenError, match="in the file of clerk"):
            await action(theirs.hook.id or "")
    await desk.control.remove(own.hook.id or "")
    assert len(desk.known) == 2
    await desk.control.remove(own.hook.id or "")
    assert desk.known == [theirs]


async def test_what_hooks_decide_is_shown_as_it_happens_and_read_from_the_open_session() -> None:
    one = hook()
    desk = Desk(one, agent="gone")
    await desk.control.show()
    desk.marks.clear()
    desk.control.take(decided(one, 7))
    assert desk.marks == ["hooks"]
    assert [each.event_id for each in desk.state.executions[one.hook.id or ""]] == [7, 1]


def test_every_point_type_and_outcome_has_its_words() -> None:
    assert set(POINTS) == {one.value for one in HookPoint}
    assert set(TYPES) == {one.value for one in HookType}
    assert set(OUTCOMES) == set(get_args(HookOutcome))
