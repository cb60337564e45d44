"""Pictures of the main states: dark and light, 80×24 and 120×40, and the smallest screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from fake_knowledge import citation, retrieved
from fake_knowledge import job as a_job
from fake_workbench import FakeRun, FakeWorkbench, spec
from stage import Stage
from textual.pilot import Pilot

from holdfast.core.config.paths import shipped
from holdfast.core.domain.agents import Layer
from holdfast.core.domain.events import RetrievalCompleted
from holdfast.core.domain.identity import Principal, Role, Scope
from holdfast.tui.start import Remote

SIZES = [(80, 24), (120, 40)]
SHIPPED = {path.stem for path in shipped("themes").glob("*.yaml")}
THEMES = ["holdfast-dark", "holdfast-light"]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
def test_an_approval_waits(snap_compare: Any, stage: Any, size: tuple[int, int], theme: str) -> None:
    scene = stage(theme)
    assert snap_compare(scene.app, terminal_size=size, run_before=scene.approval)


@pytest.mark.parametrize("theme", sorted(SHIPPED - set(THEMES)))
def test_every_other_theme(snap_compare: Any, stage: Any, theme: str) -> None:
    scene = stage(theme)
    assert snap_compare(scene.app, terminal_size=(120, 40), run_before=scene.approval)


@pytest.mark.parametrize("size", [(40, 10), *SIZES], ids=["40x10", "80x24", "120x40"])
def test_the_welcome(snap_compare: Any, stage: Any, size: tuple[int, int]) -> None:
    scene = stage()
    scene.bench.agent_infos.append(spec("local", layer=Layer.PROJECT, trusted=False))

    async def act(pilot: Pilot[Any]) -> None:
        await scene.ready(pilot)
        await scene.until(pilot, lambda: "i" in scene.app.main.box.area.deciding_keys)
        await pilot.press("i")
        await scene.until(pilot, lambda: not scene.app.model.untrusted)
        scene.app.clear_notifications()
        await scene.rest(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=act)


def test_the_engine_is_starting(snap_compare: Any, make_app: Any, until: Any) -> None:
    async def never() -> FakeWorkbench:
        await asyncio.Event().wait()
        raise AssertionError

    app = make_app(FakeWorkbench(), connect=never)

    async def act(pilot: Pilot[Any]) -> None:
        for character in "hello":
            await pilot.press(character)
        await pilot.press("enter")
        await until(pilot, lambda: app.model.outbox and app.main.panes and app.main.panes.at_rest)
        await pilot.pause(0.2)

    assert snap_compare(app, terminal_size=(80, 24), run_before=act)


def keys(*names: str) -> Callable[[Stage], Callable[[Pilot[Any]], Awaitable[None]]]:
    """Returns what leads to the approval and presses keys there."""

    def of(scene: Stage) -> Callable[[Pilot[Any]], Awaitable[None]]:
        async def act(pilot: Pilot[Any]) -> None:
            await scene.approval(pilot)
            for name in names:
                await pilot.press(name)
                await scene.rest(pilot)

        return act

    return of


NARROW, WIDE = SIZES
SCENES = {
    "the-inbox": (NARROW, ("f2",)),
    "the-whole-approval": (NARROW, ("f2", "enter")),
    "always-asks-again": (WIDE, ("f2", "a")),
    "edit-the-arguments": (WIDE, ("f2", "e")),
    "no-files-yet": (NARROW, ("f3",)),
    "the-run": (WIDE, ("f4",)),
    "the-sessions": (NARROW, ("ctrl+o",)),
    "the-commands": (WIDE, ("slash",)),
    "choose-an-agent": (WIDE, ("ctrl+n",)),
    "the-help": (NARROW, ("f1",)),
}


@pytest.mark.parametrize("name", SCENES)
def test_a_place(snap_compare: Any, stage: Any, name: str) -> None:
    scene = stage()
    size, names = SCENES[name]
    assert snap_compare(scene.app, terminal_size=size, run_before=keys(*names)(scene))


def test_a_file_was_made(snap_compare: Any, stage: Any) -> None:
    scene = stage("holdfast-light")

    async def act(pilot: Pilot[Any]) -> None:
        await scene.approval(pilot)
        await pilot.press("f2", "y")
        await scene.until(pilot, lambda: scene.app.model.files and not scene.app.model.run.busy)
        await pilot.press("f3")
        await scene.rest(pilot)

    assert snap_compare(scene.app, terminal_size=(120, 40), run_before=act)


def test_the_terminal_is_too_small(snap_compare: Any, stage: Any) -> None:
    scene = stage()
    assert snap_compare(scene.app, terminal_size=(38, 9), run_before=scene.ready)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
def test_an_older_engine_is_offered_to_be_restarted(
    snap_compare: Any, stage: Any, size: tuple[int, int]
) -> None:
    scene = stage()
    scene.bench.version = "0.0.9"

    async def act(pilot: Pilot[Any]) -> None:
        await scene.ready(pilot)
        await scene.until(pilot, lambda: "u" in scene.app.main.box.area.deciding_keys)
        await scene.rest(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=act)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
def test_an_engine_elsewhere_with_a_key_that_may_look(
    snap_compare: Any, stage: Any, size: tuple[int, int]
) -> None:
    place = "bench.research.example.org:8700"
    engine = SimpleNamespace(url=f"http://{place}", place=place, is_open=True)
    scene = stage(remote=Remote(engine))
    scene.bench.version = "0.0.9"
    scene.bench.principal = Principal(user_id="u", name="ann", role=Role.USER, scope=Scope.READ)

    async def act(pilot: Pilot[Any]) -> None:
        await scene.ready(pilot)
        await scene.rest(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=act)


async def cite(job: FakeRun) -> None:
    items = (retrieved(3, 1), retrieved(20, 2), retrieved(5, None))
    job.emit(
        RetrievalCompleted,
        query="how it is set up",
        method="hybrid",
        collections=("docs",),
        items=items,
        tokens=900,
        max_tokens=1000,
        duration_ms=12.0,
    )
    cited = (citation(1, 3), citation(2, 20))
    await job.say("Part three **says so** [1], and part twenty, too [2].", citations=cited)


async def with_knowledge(scene: Stage, pilot: Pilot[Any], *names: str) -> None:
    """Asks what is answered from documents, and presses keys there."""
    scene.bench.scripts = [cite]
    scene.bench.jobs.jobs = [a_job("j")]
    await scene.ready(pilot)
    await pilot.press(*"how", "enter")
    await scene.until(pilot, lambda: scene.app.model.answers.find(2) and not scene.app.model.run.busy)
    await scene.app.desk.sessions.open(scene.app.model.session_id)
    await pilot.press("f5")
    await scene.until(pilot, lambda: scene.app.model.knowledge.collections)
    for name in names:
        await pilot.press(name)
        await scene.rest(pilot)
    await scene.rest(pilot)


KNOWLEDGE = {
    "what-an-answer-was-made-from": (WIDE, "holdfast-dark", ()),
    "a-document-at-a-passage": (NARROW, "holdfast-light", ("down", "enter")),
    "the-knowledge-screen": (WIDE, "holdfast-light", ("o", "j")),
}


@pytest.mark.parametrize("name", KNOWLEDGE)
def test_knowledge(snap_compare: Any, stage: Any, name: str) -> None:
    size, theme, names = KNOWLEDGE[name]
    scene = stage(theme)

    async def act(pilot: Pilot[Any]) -> None:
        await with_knowledge(scene, pilot, *names)

    assert snap_compare(scene.app, terminal_size=size, run_before=act)
