"""Themes and what the app remembers."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from fake_workbench import FakeWorkbench

import holdfast.tui
from holdfast.core.config.paths import shipped
from holdfast.tui import state, themes
from holdfast.tui.presenters import blocks, files, sessions, status
from holdfast.tui.presenters.choices import theme_choices
from holdfast.tui.presenters.knowledge import jobs
from holdfast.tui.presenters.spans import plain
from holdfast.tui.screens.dialogs import ChooseScreen
from holdfast.tui.terminal import BackgroundTold
from holdfast.tui.widgets.paint import ROLES

TEXTUALS_OWN = {"text", "text-muted", "text-disabled"}
"""Variables that Textual computes where they are used."""

GOOD = {"name": "mine", "dark": False, "colors": {"primary": "#112233", "background": "#ffffff"}}


def test_the_built_in_theme_is_the_shipped_one() -> None:
    found = yaml.safe_load((shipped("themes") / "holdfast-dark.yaml").read_text())
    assert found == themes.BUILT_IN


@pytest.mark.parametrize(
    ("change", "said", "path"),
    [
        ({"colours": {}}, "unknown key 'colours'", ("colours",)),
        ({"name": ""}, "a theme has a name", ()),
        ({"name": "auto"}, "take another name", ("name",)),
        ({"dark": "perhaps"}, "dark is true or false", ("dark",)),
        ({"colors": {"primary": "#112233", "primry": "#112233"}}, "colour is unknown", ("colors", "primry")),
        ({"colors": {"primary": "blueish"}}, "no colour", ("colors", "primary")),
        ({"colors": {"background": "#112233"}}, "colors.primary is missing", ("colors",)),
        ({"variables": {"border": "} * { color: red; "}}, "neither a colour nor", ("variables", "border")),
        ({"variables": "none"}, "variables is a mapping", ("variables",)),
    ],
)
def test_a_wrong_theme_says_what_is_wrong_and_where(
    change: dict[str, object], said: str, path: tuple[str, ...]
) -> None:
    with pytest.raises(themes.ThemeError, match=said) as refused:
        themes.to_theme(GOOD | change)
    assert refused.value.path == path


def test_variables_are_colours_and_styles() -> None:
    variables = {"border": "#445566 60%", "block-cursor-text-style": "bold underline", "panel": "ansi_blue"}
    assert themes.to_theme(GOOD | {"variables": variables}).variables == variables


def test_a_broken_file_leaves_the_other_themes_and_says_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(GOOD))
    (tmp_path / "b.yaml").write_text("name: [")
    (tmp_path / "c.yaml").write_bytes(b"\xff\xfe")
    (tmp_path / "d.yaml").write_text("name: d\ncolors:\n  primary: '#112233'\n  accent: bluish\n")
    (tmp_path / "e.yaml").write_text("just words")
    shelf = themes.read([tmp_path])
    assert set(shelf.themes) == {"mine", "holdfast-dark"}
    assert len(shelf.problems) == 4
    assert shelf.problems[2].startswith(f"{tmp_path / 'd.yaml'}:4:3: colors.accent: 'bluish' is no colour")


def test_every_theme_defines_what_the_app_draws_with() -> None:
    used = set()
    for path in Path(holdfast.tui.__file__).parent.rglob("*"):
        if path.suffix in (".tcss", ".py"):
            used |= set(re.findall(r"[\"' ]\$([a-z][a-z0-9-]+)", path.read_text()))
    used -= {"ref", "defs"}  # words of JSON Schema
    assert {"primary", "foreground", "text-success"} <= used
    for data in themes.read([shipped("themes")]).themes.values():
        known = themes.to_theme(data).to_color_system().generate()
        assert used <= set(known) | TEXTUALS_OWN, data["name"]


def test_every_role_of_a_presenter_has_a_style() -> None:
    presenters = Path(holdfast.tui.__file__).parent / "presenters"
    roles = {role for path in presenters.rglob("*.py") for role in roles_in(ast.parse(path.read_text()))}
    assert {"muted", "error", "key"} <= roles
    assert roles <= set(ROLES)


def roles_in(tree: ast.AST) -> Iterator[str]:
    """The roles of the spans that are written down in calls of `line`."""
    calls = (n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "line")
    spans = (one for call in calls for one in call.args if isinstance(one, ast.Tuple) and len(one.elts) == 2)
    for span in spans:
        for part in ast.walk(span.elts[1]):
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.isidentifier():
                yield part.value


@pytest.mark.parametrize(
    "signs",
    [
        [*sessions.GLYPHS.values(), sessions.UNREAD, sessions.ARCHIVED, sessions.IDLE],
        list(status.ENGINE.values()),
        list(files.STATES.values()),
        list(jobs.STATES.values()),
        list(blocks.PLAN_GLYPHS.values()),
    ],
)
def test_states_differ_without_their_colours(signs: list[tuple[str, str]]) -> None:
    texts = [text for text, _ in signs]
    assert len(set(texts)) == len(texts)


def test_auto_is_the_first_of_the_themes_and_says_what_it_shows() -> None:
    known = themes.read([shipped("themes")]).themes.values()
    choices = theme_choices(known, "nord", {True: "nord", False: "meadow"}, dark=False)
    assert choices[0].value == "auto"
    assert plain(choices[0].detail).splitlines()[1:] == [
        "on dark    nord",
        "on light   meadow",
        "The terminal is light.",
    ]
    assert [c.value for c in choices if "chosen" in plain([c.label])] == ["nord"]
    assert [c.value for c in choices[1:]] == [
        d["name"] for d in sorted(known, key=lambda d: (not d["dark"], d["name"]))
    ]


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


async def test_a_theme_is_tried_chosen_remembered_reloaded_and_left_for_the_terminals_own(
    make_app, until, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.tui.theming.CHECK_S", 0.02)
    monkeypatch.setattr("holdfast.tui.screens.dialogs.REST_S", 0.01)
    folder = tmp_path / "themes"
    folder.mkdir()
    (folder / "mine.yaml").write_text(yaml.safe_dump(GOOD))
    app = make_app(FakeWorkbench(), themes=[folder, shipped("themes")])
    file = tmp_path / "state" / "tui.json"
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "mine" in app.available_themes and app.desk and app.desk.context.connected)
        app.post_message(BackgroundTold(dark=False))
        await until(pilot, lambda: app.theme == "holdfast-light")
        assert state.load(file).theme == "auto"
        area = app.main.box.area
        area.insert("/t")
        await until(pilot, lambda: area.popup_open)
        area.insert("heme")
        area.on_popup_key("run")  # the list still fits what stood there before
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen) and app.screen.focused)
        await pilot.press(*"mine")
        await until(pilot, lambda: app.theme == "mine")
        await pilot.press("escape")
        await until(pilot, lambda: app.theme == "holdfast-light")
        app.command("theme", "mine")
        await until(pilot, lambda: app.theme == "mine")
        changed = GOOD | {"colors": {"primary": "#445566"}}
        (folder / "mine.yaml").write_text(yaml.safe_dump(changed))
        await until(pilot, lambda: app.theme_variables["primary"].lower() == "#445566")
        app.post_message(BackgroundTold(dark=True))
        await pilot.pause()
        assert app.theme == "mine", "a theme that was chosen does not follow the terminal"
    remembered = state.load(file)
    assert (remembered.theme, remembered.theme_data) == ("mine", changed)
