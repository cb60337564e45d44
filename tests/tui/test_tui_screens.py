"""Pictures of every screen, small in the dark, large in the light; of the main ones the other way round, too.

A place is one start of the app; its scenes are visited one after the other, each from the main screen.
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from fake_workbench import FakeWorkbench, spec
from furnished import change, cite, hold, question, several
from stage import Stage
from textual.pilot import Pilot

from holdfast.core.config.paths import shipped
from holdfast.core.domain.agents import Layer
from holdfast.core.domain.identity import Principal, Role, Scope
from holdfast.tui.start import Remote

SHIPPED = {path.stem for path in shipped("themes").glob("*.yaml")}
SMALL, LARGE = (80, 24), (120, 40)
DARK, LIGHT = "holdfast-dark", "holdfast-light"
TWO = ((SMALL, DARK), (LARGE, LIGHT))
ALL = (*TWO, (SMALL, LIGHT), (LARGE, DARK))


class Scene(NamedTuple):
    """What is seen after some steps from the main screen."""

    name: str
    steps: tuple[str, ...]
    sees: str
    whole: bool = False
    """Whether it is kept in both themes at both sizes."""


async def tour(stage: Stage, pilot: Pilot[Any], pictures: Any, *scenes: Scene) -> None:
    """Visits scenes, and compares each with its kept pictures."""
    wrong = []
    for scene in scenes:
        await stage.go(pilot, *scene.steps)
        await stage.see(pilot, scene.sees)
        wrong += await pictures(pilot, scene.name, stage, looks=ALL if scene.whole else TWO)
        await stage.leave(pilot)
    assert not wrong, "not as their kept pictures; see with --snapshot-update what has changed"


DECIDING = (
    Scene("an-approval-waits", (), "y once", whole=True),
    Scene("inbox", ("f2",), "report.md"),
    Scene("whole-approval", ("f2", "enter"), "Third quarter"),
    Scene("always-asks-again", ("f2", "a"), "policy"),
    Scene("edit-the-arguments", ("f2", "e"), "content"),
    Scene("deny-with-a-reason", ("f2", "r"), "why"),
    Scene("modes", ("/mode",), "How much may be done"),
    Scene("autonomous", ("/mode auto",), "Autonomous"),
    Scene("rules", ("/rules",), "Rules: what is allowed"),
    Scene("a-rule-before-it-is-saved", ("/rules read_file(*)", "?The rule", "enter"), "would be added"),
    Scene("history", ("/history",), "Decisions, latest first"),
)
WORKING = (
    Scene("run", ("f4",), "Write the report"),
    Scene("no-files-yet", ("f3",), "iles"),
    Scene("commands", (":/",), "/new"),
    Scene("a-command-by-its-letters", (":/mo",), "/model"),
    Scene("palette", ("ctrl+p",), "Rename the session"),
    Scene("palette-with-words", ("ctrl+p", ":theme"), "Change the theme"),
    Scene("choose-an-agent", ("ctrl+n",), "analyst"),
    Scene("choose-a-model", ("/model",), "qwen3"),
    Scene("themes", ("/theme",), "fjord"),
    Scene("help", ("f1",), "you are here"),
    Scene("find", ("ctrl+f", ":north"), "of 6"),
    Scene("outline", ("/outline",), "Where to?"),
    Scene("context", ("/context",), "sales.csv"),
    Scene("usage", ("/usage", "?2026-11-", "v"), "2026-11-"),
    Scene("transcript", ("f6", "end"), "report.md", whole=True),
)


@pytest.mark.parametrize("scenes", [DECIDING, WORKING], ids=["deciding", "working"])
async def test_a_run_waits(stage: Any, pictures: Any, scenes: tuple[Scene, ...]) -> None:
    scene = stage()
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ask(pilot, "y once")
        await tour(scene, pilot, pictures, *scenes)


async def test_a_change_waits(stage: Any, pictures: Any) -> None:
    scene = stage(script=change)
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ask(pilot, "y once")
        await tour(
            scene,
            pilot,
            pictures,
            Scene("a-change", (), "growth.py"),
            Scene("unified", ("/diff unified", "f2", "enter"), "float"),
            Scene("side-by-side", ("/diff side_by_side", "f2", "enter"), "float"),
        )


async def test_several_calls_wait(stage: Any, pictures: Any) -> None:
    scene = stage(script=several)
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ask(pilot, "y once", waits=4)
        await tour(
            scene,
            pilot,
            pictures,
            Scene("alike", (), "alike"),
            Scene("batch", ("/batch",), "docs/west.md"),
            Scene("batch-without-one", ("/batch", "down", "space"), "docs/west.md"),
        )


async def test_a_question_waits(stage: Any, pictures: Any) -> None:
    scene = stage(script=question)
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ask(pilot, "Which quarter")
        await tour(scene, pilot, pictures, Scene("a-question", (), "the second"))


KEEPING = (
    Scene("sessions", ("ctrl+o",), "Figures of the", whole=True),
    Scene("sessions-marked", ("ctrl+o", "down", "space", "down", "space"), "2 marked"),
    Scene("sessions-archived", ("ctrl+o", "/archived"), "Minutes of"),
    Scene("sessions-of-all", ("ctrl+o", "/archived"), "Old notes"),
    Scene("sessions-as-a-tree", ("/archived", "/group tree", "ctrl+o"), "Why the build"),
    Scene("sessions-by-project", ("/group project", "ctrl+o"), "Why the build"),
    Scene("search-all", ("/search holdfast", "?What is a"), "Old notes"),
    Scene("search-all-nothing", ("/search nowhere",), "nowhere"),
    Scene("rename", ("/rename",), "Old notes"),
    Scene("import", ("/import",), "File with"),
    Scene("deleted", ("/group date", "/delete"), "brings it back"),
    Scene("trash", ("/trash",), "Old notes"),
    Scene("sessions-searched", ("ctrl+o", "slash", ":build"), "Why the build"),
    Scene("sessions-none-found", ("ctrl+o", "slash", ":x"), "Nothing is found"),
)


async def test_sessions(stage: Any, pictures: Any) -> None:
    scene = stage()
    async with scene.app.run_test(size=SMALL, notifications=True) as pilot:
        await scene.ready(pilot)
        await scene.go(pilot, "/open Old notes", "?You said")
        await tour(scene, pilot, pictures, *KEEPING)


FILES = (
    Scene("files", ("f3",), "sales.csv"),
    Scene("a-table", ("f3", "home", "enter"), "north"),
    Scene("a-chart", ("f3", "home", "enter", "v"), "region"),
    Scene("a-document", ("f3", "home", "down", "enter"), "Notes"),
    Scene("a-text", ("f3", "home", "down", "down", "enter"), "def growth"),
    Scene("an-image", ("f3", "end", "enter"), "sun.png"),
)


async def test_files(stage: Any, pictures: Any) -> None:
    scene = stage()
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ready(pilot)
        await scene.go(pilot, "/open Old notes", "?You said")
        await tour(scene, pilot, pictures, *FILES)


KNOWLEDGE = (
    Scene("citations", (), "says so"),
    Scene("what-an-answer-was-made-from", ("f5",), "guide/setup.md"),
    Scene("reader", ("f5", "home", "enter"), "Part 3"),
    Scene("collections", ("/knowledge",), "guide/setup.md"),
    Scene("search-in-knowledge", ("/knowledge", "?setup", "s", ":hinges", "enter"), "Part 7"),
    Scene("jobs", ("/knowledge", "?setup", "j"), "broken.pdf"),
    Scene("new-collection", ("/collect",), "ollection"),
    Scene("memory-blocks", ("/memory",), "style"),
    Scene("memory-entries", ("/memory", "?style", "right"), "two minutes"),
    Scene("memory-edit", ("/memory", "?style", "enter"), "tabs"),
)


async def test_knowledge(stage: Any, pictures: Any) -> None:
    scene = stage(script=cite)
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ask(pilot, "says so", waits=1)
        await tour(scene, pilot, pictures, *KNOWLEDGE)


ENGINE = (
    Scene("settings", ("/settings",), "default_agent"),
    Scene("settings-at-one", ("/settings tui.theme",), "fjord"),
    Scene("change-a-setting", ("/settings tui.key_guard_s", "?key_guard", "enter"), "key_guard_s:"),
    Scene("logs", ("/logs",), "Listening"),
    Scene("providers", ("/provider",), "Ollama"),
    Scene("a-provider", ("/provider openai",), "Add OpenAI"),
    Scene("a-key-is-refused", ("/provider openai", ":sk-wrong", "enter"), "refused"),
)


async def test_the_engine(stage: Any, pictures: Any) -> None:
    scene = stage()
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ready(pilot)
        await tour(scene, pilot, pictures, *ENGINE)


async def test_health(stage: Any, pictures: Any) -> None:
    scene = stage()
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ready(pilot)
        await scene.go(pilot, "/health", "?1 thing to look at")
        scene.app.screen.state.asked_ms = 2.0  # how long it really took is another each time
        scene.app.screen.redraw()
        assert not await pictures(pilot, "health", scene)


async def test_a_run_is_busy(stage: Any, pictures: Any) -> None:
    scene = stage(script=hold)
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ready(pilot)
        await scene.go(pilot, ":report", "enter", "?forty files", ":then the next", "enter", "?queued")
        await tour(scene, pilot, pictures, Scene("busy", (), "queued"))


async def test_a_compacted_session(stage: Any, pictures: Any) -> None:
    scene = stage()
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ready(pilot)
        await scene.go(pilot, "/open Old notes", "?You said", "/compact", "?Compacted 24")
        await tour(
            scene,
            pilot,
            pictures,
            Scene("compacted", (), "Compacted 24"),
            Scene("what-was-compacted", ("/compaction",), "sales.csv"),
        )


async def test_two_answers(stage: Any, pictures: Any) -> None:
    scene = stage(script=hold)
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ready(pilot)
        scene.bench.scripts = []
        await scene.go(pilot, "/open Old notes", "?You said")
        await tour(
            scene,
            pilot,
            pictures,
            Scene("again-with-which-model", ("/again",), "which model"),
            Scene("compare", ("/again ollama/qwen3:8b",), "✓ done"),
        )


async def test_a_new_session(stage: Any, pictures: Any) -> None:
    scene = stage()
    scene.bench.agent_infos.append(spec("local", layer=Layer.PROJECT, trusted=False))
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ready(pilot)
        await tour(scene, pilot, pictures, Scene("welcome", (), "alt+p", whole=True))


async def test_the_guided_tour(stage: Any, pictures: Any) -> None:
    scene = stage(tour=True)
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ready(pilot)
        wrong = await pictures(pilot, "tour", scene)
        assert not wrong


async def test_an_older_engine_is_offered_to_be_restarted(stage: Any, pictures: Any) -> None:
    scene = stage()
    scene.bench.version = "0.0.9"
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ready(pilot)
        await tour(scene, pilot, pictures, Scene("older-engine", (), "0.0.9"))


async def test_an_engine_elsewhere_with_a_key_that_may_look(stage: Any, pictures: Any) -> None:
    place = "bench.research.example.org:8700"
    engine = SimpleNamespace(url=f"http://{place}", place=place, is_open=True)
    scene = stage(remote=Remote(engine))
    scene.bench.version = "0.0.9"
    scene.bench.principal = Principal(user_id="u", name="ann", role=Role.USER, scope=Scope.READ)
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ready(pilot)
        await tour(scene, pilot, pictures, Scene("elsewhere", (), "may look"))


async def test_the_engine_is_gone(stage: Any, pictures: Any) -> None:
    scene = stage()
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ready(pilot)
        await scene.go(pilot, "/open Old notes", "?You said")
        scene.bench.lose()
        await tour(scene, pilot, pictures, Scene("engine-lost", (), "does not answer"))


async def test_the_engine_is_starting(stage: Any, pictures: Any) -> None:
    async def never() -> FakeWorkbench:
        await asyncio.Event().wait()
        raise AssertionError

    scene = stage(connect=never)
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.go(pilot, ":hello", "enter")
        await scene.see(pilot, "waits for the engine")
        assert not await pictures(pilot, "starting", scene)


async def test_the_terminal_is_very_small(stage: Any, pictures: Any) -> None:
    scene = stage()
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ask(pilot, "y once")
        looks = (((40, 10), DARK), ((38, 9), DARK))
        assert not await pictures(pilot, "tiny", scene, looks=looks)


async def test_every_other_theme(stage: Any, pictures: Any) -> None:
    scene = stage()
    others = [(LARGE, theme) for theme in sorted(SHIPPED - {DARK, LIGHT})]
    async with scene.app.run_test(size=LARGE) as pilot:
        await scene.ask(pilot, "y once")
        assert not await pictures(pilot, "theme", scene, looks=others)
