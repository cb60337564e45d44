"""Themes and what the app remembers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from fake_workbench import FakeWorkbench

from holdfast.core.config.paths import shipped
from holdfast.tui import state, themes

GOOD = {"name": "mine", "dark": False, "colors": {"primary": "#112233", "background": "#ffffff"}}


def test_the_built_in_theme_is_the_shipped_one() -> None:
    found = yaml.safe_load((shipped("themes") / "holdfast-dark.yaml").read_text())
    assert found == themes.BUILT_IN


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colours": {}}, "unknown key 'colours'"),
        ({"name": ""}, "a theme has a name"),
        ({"colors": {"primary": "#112233", "primry": "#112233"}}, "colors.primry is unknown"),
        ({"colors": {"primary": "blueish"}}, "no colour"),
        ({"colors": {"background": "#112233"}}, "colors.primary is missing"),
    ],
)
def test_a_wrong_theme_says_what_is_wrong(change: dict[str, object], said: str) -> None:
    with pytest.raises(themes.ThemeError, match=said):
        themes.to_theme(GOOD | change, "mine.yaml")


def test_a_broken_file_leaves_the_other_themes(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(GOOD))
    (tmp_path / "b.yaml").write_text("name: [")
    (tmp_path / "c.yaml").write_bytes(b"\xff\xfe")
    shelf = themes.read([tmp_path])
    assert set(shelf.themes) == {"mine", "holdfast-dark"}
    assert len(shelf.problems) == 2


def test_damaged_state_gives_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "tui.json"
    assert state.load(path) == state.UiState()
    path.write_text("[1, 2")
    assert state.load(path) == state.UiState()
    path.write_text(json.dumps({"theme": 3, "agent": "coder", "more": 1}))
    assert state.load(path) == state.UiState(agent="coder")


def test_state_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "tui.json"
    known = state.UiState(theme="mine", theme_data=GOOD, agent="coder")
    state.save(path, known)
    assert state.load(path) == known
    assert [p.name for p in path.parent.iterdir()] == ["tui.json"]


def test_a_damaged_remembered_theme_is_not_shown() -> None:
    assert themes.remembered({"name": "x"}).name == "holdfast-dark"
    assert themes.remembered(GOOD).name == "mine"


async def test_a_theme_is_chosen_remembered_and_reloaded_when_it_is_saved(
    make_app, until, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.tui.theming.CHECK_S", 0.02)
    folder = tmp_path / "themes"
    folder.mkdir()
    (folder / "mine.yaml").write_text(yaml.safe_dump(GOOD))
    app = make_app(FakeWorkbench(), themes=[folder])
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "mine" in app.available_themes)
        for character in "/theme mine":
            await pilot.press("space" if character == " " else character)
        await pilot.press("enter")
        await until(pilot, lambda: app.theme == "mine")
        changed = GOOD | {"colors": {"primary": "#445566"}}
        (folder / "mine.yaml").write_text(yaml.safe_dump(changed))
        await until(pilot, lambda: app.theme_variables["primary"].lower() == "#445566")
    remembered = state.load(tmp_path / "state" / "tui.json")
    assert (remembered.theme, remembered.theme_data) == ("mine", changed)
