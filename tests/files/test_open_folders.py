"""How many folders of sessions are open at once, and that each is opened once while it is used."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.core.config.paths import Paths
from holdfast.core.domain.errors import ForbiddenError, NotFoundError
from holdfast.core.domain.runs import Session
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.services.workspaces import Workspaces

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def workspaces(tmp_path: Path, blobs: FileBlobs) -> Workspaces:
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "home")})
    paths.make()
    return Workspaces(paths, blobs)


def session_in(folder: Path, name: str) -> Session:
    place = folder / name
    place.mkdir(exist_ok=True)
    fields = {"id": name, "title": "", "agent": "a", "project": str(place), "workspace": str(place)}
    return Session.model_validate({**fields, "created_at": NOW, "updated_at": NOW})


def open_folders(below: Path) -> int:
    root = str(below.resolve())
    return sum(os.path.realpath(link).startswith(root) for link in Path("/proc/self/fd").iterdir())


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="this system does not tell of open files")
def test_however_many_sessions_are_used_few_folders_stay_open(workspaces: Workspaces, tmp_path: Path) -> None:
    for number in range(300):
        session = session_in(tmp_path, f"s{number}")
        workspaces.watch(workspaces.open(session))
        workspaces.index(session)
        workspaces.project_index(session)
    assert open_folders(tmp_path) <= 100


def test_a_folder_that_is_used_has_one_jail_and_one_watch(workspaces: Workspaces, tmp_path: Path) -> None:
    used = session_in(tmp_path, "used")
    jail = workspaces.open(used)
    watch = workspaces.watch(jail)
    for number in range(200):
        workspaces.watch(workspaces.open(session_in(tmp_path, f"s{number}")))
    assert workspaces.open(used) is jail
    assert workspaces.watch(jail) is watch
    jail.write("a.txt", b"x")


def test_a_folder_that_was_made_anew_is_opened_anew(workspaces: Workspaces, tmp_path: Path) -> None:
    session = session_in(tmp_path, "s")
    stale = workspaces.open(session)
    (tmp_path / "s").rmdir()
    with pytest.raises(NotFoundError):
        workspaces.open(session)
    session_in(tmp_path, "s")
    assert workspaces.open(session) is not stale
    workspaces.open(session).write("a.txt", b"x")
    assert (tmp_path / "s" / "a.txt").read_bytes() == b"x"


def test_a_workspace_around_the_home_does_not_show_what_is_in_it(
    workspaces: Workspaces, tmp_path: Path
) -> None:
    keys = tmp_path / "home" / "config" / "keys.yaml"
    keys.write_text("openai: canary")
    (tmp_path / "notes.md").write_text("x")
    around = session_in(tmp_path.parent, tmp_path.name)
    jail = workspaces.open(around)
    with pytest.raises(ForbiddenError):
        jail.read("home/config/keys.yaml")
    assert {each.path for each in jail.walk(hidden=True)} >= {"notes.md"}
    shown = [each.path for each in jail.walk(hidden=True)]
    shown += workspaces.project_index(around).complete("keys", 20)
    assert not [path for path in shown if "keys.yaml" in path or path.startswith("home/data/")]
