"""Pictures of settings, logs and health, of beginnings, of engines that are not as usual, and of themes."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from fake_workbench import FakeWorkbench, spec
from furnished import hold
from stage import DARK, LARGE, LIGHT, SMALL, Scene, tour

from holdfast.core.config.paths import shipped
from holdfast.core.domain.agents import Layer
from holdfast.core.domain.identity import Principal, Role, Scope
from holdfast.tui.start import Remote

pytestmark = pytest.mark.thorough

SHIPPED = {path.stem for path in shipped("themes").glob("*.yaml")}


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
