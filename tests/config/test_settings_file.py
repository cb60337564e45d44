"""The user's settings file: where each value comes from, and what a change of one does to it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from holdfast.core.config.fields import leaves
from holdfast.core.config.paths import Paths
from holdfast.core.config.settings_file import SettingsFile
from holdfast.core.domain.errors import InvalidError, NotFoundError, StoreError
from holdfast.tui.presenters.settings import value_text


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths.resolve({"HOLDFAST_HOME": str(tmp_path)})
    found.make()
    return found


@pytest.fixture
def file(paths: Paths) -> SettingsFile:
    return SettingsFile(paths, {})


def test_every_setting_says_what_it_is_for_and_what_it_takes() -> None:
    for leaf in leaves():
        assert leaf.about and leaf.expected, leaf.key
        assert leaf.kind != "list" or isinstance(leaf.default, list)


def test_each_value_names_the_place_that_it_comes_from(paths: Paths, tmp_path: Path) -> None:
    paths.settings.write_text("models: {retries: 2, default: a/b}\ndefault_agent: mine\n")
    project = tmp_path / "project"
    (project / ".holdfast").mkdir(parents=True)
    (project / ".holdfast" / "settings.yaml").write_text("default_agent: theirs\ntrash_days: 3\n")
    report = SettingsFile(paths, {"HOLDFAST_MODELS__DEFAULT": "offline"}).report(project)
    found = {one.key: (one.value, one.source) for one in report.settings}
    assert found["models.retries"] == (2, "user")
    assert found["models.default"] == ("offline", "environment")
    assert found["default_agent"] == ("theirs", "project")
    assert found["trash_days"] == (30, "default"), "a project may not say so"
    assert [one.key_path for one in report.problems] == ["trash_days"]
    places = {one.key: one.place for one in report.settings}
    assert places["models.default"] == "HOLDFAST_MODELS__DEFAULT"
    assert places["models.retries"] == str(paths.settings) == report.file
    assert places["default_agent"] == str(project / ".holdfast" / "settings.yaml")


def test_a_setting_is_written_and_taken_out_with_the_rest_as_it_was(paths: Paths, file: SettingsFile) -> None:
    paths.settings.write_text("# mine\ntui:\n  theme: nord # dark\n")
    assert file.set("tui.key_guard_s", "0.75").value == 0.75
    assert file.set("approve", "plan").source == "user"
    assert paths.settings.read_text() == (
        "# mine\ntui:\n  theme: nord # dark\n  key_guard_s: 0.75\napprove: plan\n"
    )
    assert stat.S_IMODE(paths.settings.stat().st_mode) == 0o600
    assert file.unset("tui.key_guard_s").source == "default"
    file.unset("approve")
    assert paths.settings.read_text() == "# mine\ntui:\n  theme: nord # dark\n"


@pytest.mark.parametrize(
    ("key", "value", "meant"),
    [
        ("tui.mouse", "false", False),
        ("tui.mouse", True, True),
        ("models.retries", "3", 3),
        ("models.default", "12", "12"),
        ("models.default", "", None),
        ("tui.keys", "sessions.new: ctrl+t, files.undo:", {"sessions.new": "ctrl+t", "files.undo": ""}),
        ("tui.keys.sessions.new", "ctrl+t", {"sessions.new": "ctrl+t"}),
        ("tui.keys.sessions.new", "", {"sessions.new": ""}),
    ],
)
def test_a_text_means_what_the_setting_takes(file: SettingsFile, key: str, value: str, meant: object) -> None:
    assert file.set(key, value).value == meant


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (
            "tui.key_guard_s",
            "9",
            "tui.key_guard_s: `9` is out of range; it takes a number, at least 0, at most 5.",
        ),
        ("approve", "pln", "it takes one of none, ask,"),
        ("approve", "pln", "did you mean `plan`?"),
        ("tui.mouse", "perhaps", "it takes true or false."),
        ("models.retries", "", "models.retries takes a whole number"),
        ("tui.keys", "{a: [1]}", "tui.keys"),
        ("tui.keys", "{a", "tui.keys takes keys with their values"),
        ("knowledge.chroma_url", "ftp://x", "it takes text like"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_what_is_expected(
    paths: Paths, file: SettingsFile, key: str, value: str, said: str
) -> None:
    paths.settings.write_text("trash_days: 3\n")
    with pytest.raises(InvalidError) as raised:
        file.set(key, value)
    assert said in raised.value.message
    assert paths.settings.read_text() == "trash_days: 3\n"


def test_a_list_of_mappings_is_written_and_shown_whole(file: SettingsFile) -> None:
    url = "https://id.example/.well-known/openid-configuration"
    text = (
        f'{{id: corp, client_id: c, discovery_url: "{url}"}}, {{id: b, client_id: d, discovery_url: "{url}"}}'
    )
    found = file.set("accounts.providers", text)
    assert found.expected.startswith("a list of keys with their values")
    assert isinstance(found.value, tuple)
    assert [each["id"] for each in found.value if isinstance(each, dict)] == ["corp", "b"]
    # What is shown can be given again.
    assert file.set("accounts.providers", value_text(found.value)).value == found.value
    with pytest.raises(InvalidError, match="needs an `id` of its own"):
        file.set("accounts.providers", text.replace("id: b", "id: corp"))


def test_a_key_that_is_none_is_told_with_the_nearest(file: SettingsFile) -> None:
    with pytest.raises(NotFoundError, match=r"did you mean `tui\.theme`"):
        file.set("tui.them", "x")


def test_a_file_with_a_mistake_is_shown_as_such_and_not_written_to(paths: Paths, file: SettingsFile) -> None:
    paths.settings.write_text("trash_days: many\n")
    report = file.report()
    assert [one.key_path for one in report.problems] == ["trash_days"]
    assert report.get("trash_days") is not None
    with pytest.raises(InvalidError, match="trash_days"):
        file.set("approve", "plan")
    assert paths.settings.read_text() == "trash_days: many\n"
    assert file.set("trash_days", "5").value == 5, "the mistake itself can be mended"


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path)})
    (tmp_path / "config").write_text("in the way")
    with pytest.raises((StoreError, InvalidError)):
        SettingsFile(paths, {}).set("approve", "plan")
