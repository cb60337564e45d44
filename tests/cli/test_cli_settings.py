"""`holdfast settings`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cli_fakes import FakeDoors, FakeWorkbench

from holdfast.core.config.paths import Paths
from holdfast.core.config.settings_file import SettingsFile
from holdfast.core.domain.configuring import Setting, SettingsReport

Cli = Callable[..., Any]


@pytest.fixture
def file(fake: FakeDoors, tmp_path: Path) -> Path:
    """The settings file of the engine; it has a comment and a theme."""
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "engine")})
    paths.make()
    paths.settings.write_text("# mine\ntui: {theme: nord}\n")
    settings = SettingsFile(paths, {"HOLDFAST_MODELS__RETRIES": "2"})

    async def describe(project: str | None = None) -> SettingsReport:
        return settings.report()

    async def change(key: str, value: Any) -> Setting:
        return settings.set(key, value)

    async def unset(key: str) -> Setting:
        return settings.unset(key)

    def build() -> FakeWorkbench:
        workbench = FakeWorkbench()
        workbench.engine = SimpleNamespace(
            describe_settings=describe, set_setting=change, unset_setting=unset
        )
        return workbench

    fake.build = build
    return paths.settings


def test_settings_are_listed_with_where_they_come_from(file: Path, cli: Cli) -> None:
    outcome = cli("settings", "list", "--changed")
    lines = [line.split()[:3] for line in outcome.out.splitlines()]
    assert lines == [
        ["KEY", "VALUE", "FROM"],
        ["models.retries", "2", "environment"],
        ["tui.theme", "nord", "user"],
    ]
    found = json.loads(cli("settings", "list", "retries", "--json").out)
    assert [one["key"] for one in found] == ["models.retries"]
    assert "at most 10" in cli("settings", "get", "models.retries").out


def test_a_setting_is_set_and_unset(file: Path, cli: Cli) -> None:
    assert cli("settings", "set", "tui.mouse", "false").out == "tui.mouse: false\n"
    assert file.read_text() == "# mine\ntui: {theme: nord, mouse: false}\n"
    cli("settings", "unset", "tui.mouse")
    assert file.read_text() == "# mine\ntui: {theme: nord}\n"
    assert "HOLDFAST_MODELS__RETRIES says so" in cli("settings", "set", "models.retries", "3").err


def test_a_wrong_value_and_a_wrong_key_are_told_with_what_is_right(file: Path, cli: Cli) -> None:
    before = file.read_text()
    outcome = cli("settings", "set", "tui.mouse", "perhaps")
    assert outcome.status == 2 and "it takes true or false" in outcome.err
    outcome = cli("settings", "set", "tui.mose", "false")
    assert outcome.status == 1 and "did you mean `tui.mouse`?" in outcome.err
    assert file.read_text() == before


def test_a_broken_file_is_shown_with_its_mistakes(file: Path, cli: Cli) -> None:
    file.write_text("tui: {mouse: perhaps}\n")
    outcome = cli("settings", "list", "tui.mouse")
    assert outcome.status == 0 and "tui.mouse" in outcome.out
    assert "true or false" in outcome.err


def test_the_keys_of_the_app_are_listed_by_their_ids(cli: Cli) -> None:
    rows = {row["id"]: row for row in json.loads(cli("settings", "keys", "--json").out)}
    assert rows["sessions.new"]["keys"] == "n"
    assert "composer.mention" not in rows
