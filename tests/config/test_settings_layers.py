"""Settings: the order of the layers, and what each may say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.config.load import LoadedSettings, load_settings
from holdfast.core.config.paths import Paths
from holdfast.core.config.settings import Settings
from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.errors import InvalidError


class Home:
    """A home and a project to write settings into."""

    def __init__(self, folder: Path) -> None:
        self.paths = Paths.resolve({"HOLDFAST_HOME": str(folder / "home")})
        self.project = folder / "project"
        (self.project / ".holdfast").mkdir(parents=True)
        self.paths.make()

    def load(
        self,
        user: str = "",
        project: str = "",
        environ: dict[str, str] | None = None,
        flags: dict[str, Any] | None = None,
    ) -> LoadedSettings:
        self.paths.settings.write_text(user)
        (self.project / ".holdfast" / "settings.yaml").write_text(project)
        return load_settings(self.paths, environ or {}, self.project, flags)

    def refused(self, **layers: Any) -> list[dict[str, Any]]:
        with pytest.raises(InvalidError) as caught:
            self.load(**layers)
        found: list[dict[str, Any]] = caught.value.details["diagnostics"]
        return found


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_without_any_file_the_defaults_hold(tmp_path: Path) -> None:
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "nowhere")})
    assert load_settings(paths, {}).settings == Settings()


def test_each_layer_wins_over_the_one_before(home: Home) -> None:
    key = "HOLDFAST_MODELS__DEFAULT"
    user, project = "models: { default: user }\n", "models: { default: project }\n"
    flags = {"models": {"default": "flag"}}
    assert home.load(user).settings.models.default == "user"
    assert home.load(user, project).settings.models.default == "project"
    assert home.load(user, project, {key: "environment"}).settings.models.default == "environment"
    assert home.load(user, project, {key: "environment"}, flags).settings.models.default == "flag"


def test_layers_are_merged_key_by_key(home: Home) -> None:
    loaded = home.load(
        "models: { default: a, retries: 2 }\napprove: reads\n",
        environ={"HOLDFAST_MODELS__RETRIES": "3", "HOLDFAST_TUI__KEY_GUARD_S": "1.5"},
    )
    assert loaded.settings.models.default == "a"
    assert loaded.settings.models.retries == 3
    assert loaded.settings.tui.key_guard_s == 1.5
    assert loaded.settings.approve is ApproveMode.READS


def test_an_unknown_key_of_the_user_is_an_error_with_its_path(home: Home) -> None:
    (found,) = home.refused(user="models:\n  defalt: x\n")
    assert (found["key_path"], found["line"], found["column"]) == ("models.defalt", 2, 3)
    assert found["hint"] == "did you mean `default`?"


def test_mistakes_of_all_the_users_layers_are_told_together(home: Home) -> None:
    found = home.refused(
        user="foo: 1\n", environ={"HOLDFAST_MODELS__RETRIES": "many"}, flags={"tui": {"them": "x"}}
    )
    assert [one["key_path"] for one in found] == ["foo", "HOLDFAST_MODELS__RETRIES", "--tui.them"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("HOLDFAST_MODELS__RETRYS", "did you mean `retries`?"),
        ("HOLDFAST_MODLES__RETRIES", "did you mean `models`?"),
        ("HOLDFAST_DEFAUL_AGENT", "did you mean `HOLDFAST_DEFAULT_AGENT`?"),
    ],
)
def test_a_misspelt_variable_is_an_error(home: Home, name: str, hint: str) -> None:
    (found,) = home.refused(environ={name: "1"})
    assert (found["key_path"], found["hint"]) == (name, hint)


def test_a_section_that_is_no_json_is_an_error(home: Home) -> None:
    (found,) = home.refused(environ={"HOLDFAST_MODELS": "gpt"})
    assert found["key_path"] == "HOLDFAST_MODELS"


def test_other_variables_with_the_prefix_are_left_alone(home: Home) -> None:
    assert home.load(environ={"HOLDFAST_HOME": "/x", "HOLDFAST_ENGINE_LOG": "y"}).settings == Settings()


def test_a_project_may_choose_the_agent_and_the_model_only(home: Home) -> None:
    loaded = home.load(
        project="default_agent: coder\nmodels: { default: offline, retries: 9 }\napprove: all\n"
        "tools:\n  allow_private_hosts: true\n"
    )
    assert loaded.settings == Settings.model_validate(
        {"default_agent": "coder", "models": {"default": "offline"}}
    )
    assert [p.key_path for p in loaded.problems] == [
        "models.retries",
        "approve",
        "tools.allow_private_hosts",
    ]
    assert all("a project may not set this" in p.message for p in loaded.problems)


@pytest.mark.parametrize("text", ["a: 'x\n", "- 1\n", "\tfoo: 1\n", "default_agent: [1]\n", "foo: 1\n"])
def test_a_broken_project_file_is_reported_and_never_stops_the_start(home: Home, text: str) -> None:
    loaded = home.load(project=text)
    assert loaded.settings == Settings()
    assert loaded.problems


def test_a_wrong_key_of_a_project_leaves_its_good_one(home: Home) -> None:
    loaded = home.load(project="default_agent: [1]\nmodels: { default: offline }\n")
    assert loaded.settings.default_agent == "general"
    assert loaded.settings.models.default == "offline"
    assert [p.key_path for p in loaded.problems] == ["default_agent"]


def test_paths_import_nothing_heavy() -> None:
    code = (
        "import sys, holdfast.core.config.paths;"
        "print([m for m in ('pydantic', 'pydantic_settings', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.strip() == "[]"
