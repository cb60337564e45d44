"""An engine of another version than the app: what is offered, and what never is."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from fake_workbench import FakeRun, FakeWorkbench

from holdfast.tui.app import HoldfastApp
from holdfast.tui.presenters.skew import Skew, skew_lines, skew_of, skew_of_remote
from holdfast.tui.start import Remote

SIZE = (120, 40)


def shown(app: HoldfastApp) -> str:
    lines = app.screen._compositor.render_strips(app.size)
    return "\n".join("".join(segment.text for segment in strip) for strip in lines)


def text(skew: Skew | None) -> str:
    return "\n".join("".join(piece for piece, _ in line) for line in skew_lines(skew))


def bench_of(version: str, executing: int = 0, *scripts: Any) -> FakeWorkbench:
    bench = FakeWorkbench(list(scripts))
    bench.version, bench.executing = version, executing
    return bench


async def hold(job: FakeRun) -> None:
    await job.say("I begin.")
    await job.hold()


@pytest.mark.parametrize(
    ("engine", "executing", "expected"),
    [
        ("0.0.9", 0, "u restart it as 0.1.0"),
        ("0.0.9", 1, "when its run has ended"),
        ("0.2.0", 0, "Update Holdfast"),
    ],
)
def test_only_an_older_idle_engine_is_offered_to_be_restarted(
    engine: str, executing: int, expected: str
) -> None:
    skew = skew_of(engine, "0.1.0", executing)
    assert expected in text(skew)
    assert ("restart it as" in text(skew)) is (engine == "0.0.9" and executing == 0)
    assert engine in text(skew)


def test_an_engine_on_which_others_may_rely_is_restarted_with_its_listeners() -> None:
    skew = skew_of("0.0.9", "0.1.0", 0, "http://127.0.0.1:8700")
    assert skew is not None and not skew.can_restart
    assert "http://127.0.0.1:8700" in text(skew) and "holdfast engine restart" in text(skew)


@pytest.mark.parametrize(("engine", "app"), [("0.1.0", "0.1.0"), ("", "0.1.0"), ("0.1.0", "")])
def test_versions_that_are_the_same_or_not_known_are_not_worth_a_line(engine: str, app: str) -> None:
    assert skew_lines(skew_of(engine, app, 0)) == []


def test_an_engine_elsewhere_is_worth_a_word_only_when_it_is_newer() -> None:
    assert "update Holdfast here" in skew_of_remote(skew_of("0.2.0", "0.1.0", 0), "bench.example.org")
    assert skew_of_remote(skew_of("0.0.9", "0.1.0", 0), "bench.example.org") == ""


async def test_one_key_restarts_an_older_engine_that_is_idle(make_app, until) -> None:
    bench = bench_of("0.0.9")
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "u restart it as 0.1.0" in shown(app))
        assert "engine 0.0.9 ●" in shown(app)
        await pilot.press("u")
        await until(pilot, lambda: bench.stops == [True])
        await until(pilot, lambda: "restart it as" not in shown(app))


async def test_a_busy_engine_is_never_stopped_and_is_offered_when_it_is_idle(make_app, until) -> None:
    bench = bench_of("0.0.9", 1, hold)
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "It can be restarted when its run" in shown(app))
        await pilot.press("u")
        assert app.main.box.area.text == "u", "the key is a letter like any other"
        await pilot.press("backspace")
        app.do("restart")
        await until(pilot, lambda: any("is busy" in str(n.message) for n in app._notifications))
        await pilot.press("g", "o", "enter")
        await until(pilot, lambda: app.model.run.busy)
        bench.executing = 0
        bench.release.set()
        await until(pilot, lambda: "u restart it as" in shown(app))
        assert bench.stops == []


async def test_a_newer_engine_is_left_alone_and_the_notice_can_be_put_away(make_app, until) -> None:
    bench = bench_of("0.2.0")
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "Update Holdfast: this app may not" in shown(app))
        await pilot.press("l")
        await until(pilot, lambda: "Update Holdfast" not in shown(app))
        bench.lose()
        await until(pilot, engine_is(app, "lost"))
        bench.lost = False
        await until(pilot, engine_is(app, "ready"))
        await until(pilot, lambda: app.main.panes.at_rest)
        assert "Update Holdfast" not in shown(app)
        assert bench.stops == []


def engine_is(app: HoldfastApp, state: str) -> Callable[[], bool]:
    return lambda: app.model.header.engine == state


async def test_an_engine_elsewhere_is_not_restarted_from_here(make_app, until) -> None:
    bench = bench_of("0.0.9")
    engine = SimpleNamespace(url="https://h", place="h", is_open=False)
    app = make_app(bench, remote=Remote(engine))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "h 0.0.9 ●" in shown(app))
        assert "restart" not in shown(app)
        app.do("restart")
        await until(pilot, lambda: any("restarted there" in str(n.message) for n in app._notifications))
        assert bench.stops == []
