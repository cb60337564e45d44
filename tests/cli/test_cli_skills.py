"""`holdfast skills`: what is asked of the services, what is printed, and the exit status."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import FakeDoors, FakeWorkbench

from holdfast.core.domain.errors import ConflictError, Diagnostic
from holdfast.core.domain.skills import Skill, SkillFile, SkillInfo, SkillScope
from holdfast.core.domain.transfer import Download

Cli = Callable[..., Any]
TEXT = "---\nname: minutes\ndescription: Writes minutes.\n---\nSay who came.\n"


def info(name: str = "minutes", **more: Any) -> SkillInfo:
    fields = {
        "description": "Writes \x1b[31mminutes.",
        "scope": SkillScope.USER,
        "path": f"/s/{name}",
        **more,
    }
    return SkillInfo(name=name, **fields)


class FakeSkills:
    """Keeps the calls, and answers from what the test has put there."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        problem = Diagnostic(file="/s/x/SKILL.md", line=3, column=1, key_path="", message="no name")
        self.rows = (
            info(),
            info("ours", scope=SkillScope.PROJECT, trusted=False),
            info("wrong", problems=(problem,)),
        )
        self.skill = Skill(
            info=info(more={"license": "MIT"}),
            text=TEXT,
            digest="d1",
            files=(SkillFile(path="a.md", size=7),),
        )
        self.error: Exception | None = None

    async def list(self, *arguments: Any) -> tuple[SkillInfo, ...]:
        self.calls.append(("list", *arguments))
        return self.rows

    async def get(self, *arguments: Any) -> Skill:
        self.calls.append(("get", *arguments))
        return self.skill

    async def file(self, name: str, path: str, *arguments: Any) -> Download:
        async def read() -> bytes:
            return b"A \x1b[31mform.\n"

        async def close() -> None:
            return None

        return Download(path, "text/plain", 13, read, close)

    async def install(self, *arguments: Any) -> SkillInfo:
        self.calls.append(("install", *arguments))
        return info()

    async def copy(self, *arguments: Any) -> SkillInfo:
        self.calls.append(("copy", *arguments))
        return info()

    async def upload(self, *arguments: Any) -> SkillInfo:
        self.calls.append(("upload", *arguments))
        return info()

    async def save(self, *arguments: Any) -> SkillInfo:
        self.calls.append(("save", *arguments))
        if self.error is not None:
            raise self.error
        return info()

    async def remove(self, *arguments: Any) -> None:
        self.calls.append(("remove", *arguments))


@pytest.fixture
def skills(fake: FakeDoors) -> FakeSkills:
    found = FakeSkills()

    def build() -> FakeWorkbench:
        workbench = FakeWorkbench()
        workbench.skills = found  # type: ignore[attr-defined]
        return workbench

    fake.build = build
    return found


def test_a_list_says_where_each_skill_is_from_and_what_is_wrong(cli: Cli, skills: FakeSkills) -> None:
    said = cli("skills", "list", "--agent", "clerk")
    assert said.status == 0
    assert "project, not trusted" in said.out
    assert "invalid: no name (line 3)" in said.out
    assert "\x1b" not in said.out
    assert skills.calls[0][2] == "clerk"


def test_a_skill_is_shown_with_its_text_and_its_files(cli: Cli, skills: FakeSkills) -> None:
    said = cli("skills", "show", "minutes")
    assert "Say who came." in said.out and "a.md" in said.out and "MIT" in said.out
    assert cli("skills", "show", "minutes", "a.md").out == "A [31mform.\n"


def test_a_source_is_named_by_its_whole_path_and_an_address_as_it_is(
    cli: Cli, skills: FakeSkills, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("skills", "install", "minutes").out == "installed minutes: /s/minutes\n"
    cli("skills", "install", "https://a.test/x.git", "--folder", "m", "--replace")
    assert skills.calls == [
        ("install", str(tmp_path / "minutes"), "", False, None, False),
        ("install", "https://a.test/x.git", "m", True, None, False),
    ]


def test_a_folder_of_this_machine_is_sent_to_an_engine_elsewhere(
    cli: Cli, skills: FakeSkills, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.cli.commands.skills.is_elsewhere", lambda: True)
    (tmp_path / "minutes" / ".git").mkdir(parents=True)
    (tmp_path / "minutes" / ".git" / "config").write_text("x")
    (tmp_path / "minutes" / "SKILL.md").write_text(TEXT)
    (tmp_path / "minutes" / "link").symlink_to("/etc/passwd")
    assert cli("skills", "install", str(tmp_path / "minutes")).status == 0
    [(verb, data, name, folder, replace, *_)] = skills.calls
    assert (verb, name, folder, replace) == ("upload", "minutes", "", False)
    assert zipfile.ZipFile(BytesIO(data)).namelist() == ["SKILL.md"]


@pytest.mark.usefixtures("editor")
def test_an_edited_text_is_saved_over_the_one_that_was_read(cli: Cli, skills: FakeSkills) -> None:
    assert cli("skills", "edit", "minutes").out == "changed minutes\n"
    assert skills.calls[-1] == ("save", "minutes", TEXT + "One more.\n", "d1", None, False)


@pytest.mark.usefixtures("editor")
def test_an_edit_that_is_refused_is_not_lost(cli: Cli, skills: FakeSkills) -> None:
    skills.error = ConflictError("it has changed since", code="skill_changed")
    said = cli("skills", "edit", "minutes")
    assert said.status == 1
    draft = Path(said.err.split("what you wrote is in ")[1].splitlines()[0])
    assert draft.read_text() == TEXT + "One more.\n"
    draft.unlink()


def test_an_edit_that_is_no_text_is_not_lost(
    cli: Cli, skills: FakeSkills, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "editor"
    script.write_text(f"#!{sys.executable}\nimport sys\nopen(sys.argv[-1], 'wb').write(b'Gr\\xfc')\n")
    script.chmod(0o700)
    monkeypatch.setenv("VISUAL", str(script))
    said = cli("skills", "edit", "minutes")
    assert said.status == 2 and "cannot be read as text" in said.err
    draft = Path(said.err.split("what you wrote is in ")[1].splitlines()[0])
    assert draft.read_bytes() == b"Gr\xfc"
    draft.unlink()


@pytest.mark.usefixtures("editor")
def test_a_projects_skill_is_edited_where_it_is(cli: Cli, skills: FakeSkills, tmp_path: Path) -> None:
    (tmp_path / "SKILL.md").write_text(TEXT)
    skills.skill = skills.skill.model_copy(
        update={"info": info(scope=SkillScope.PROJECT, path=str(tmp_path))}
    )
    assert cli("skills", "edit", "minutes").out == "valid\n"
    assert (tmp_path / "SKILL.md").read_text().endswith("One more.\n")


def test_a_skill_is_given_to_one_agent_or_to_all_users(cli: Cli, skills: FakeSkills) -> None:
    cli("skills", "install", "https://a.test/x.zip", "--agent", "clerk")
    cli("skills", "install", "https://a.test/x.zip", "--shared")
    assert cli("skills", "copy", "minutes", "clerk", "--replace").out == "copied minutes: /s/minutes\n"
    cli("skills", "remove", "minutes", "--agent", "clerk")
    cli("skills", "remove", "minutes", "--shared")
    assert skills.calls == [
        ("install", "https://a.test/x.zip", "", False, "clerk", False),
        ("install", "https://a.test/x.zip", "", False, None, True),
        ("copy", "minutes", "clerk", True),
        ("remove", "minutes", "clerk", False),
        ("remove", "minutes", None, True),
    ]


def test_a_skill_is_removed(cli: Cli, skills: FakeSkills) -> None:
    assert cli("skills", "remove", "minutes").out == "removed minutes\n"
    assert skills.calls == [("remove", "minutes", None, False)]
