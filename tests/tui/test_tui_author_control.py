"""What an author does with agent files, on real files and without an app."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from holdfast.core.agents.editor import AgentEditor
from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.agents.trust import TrustStore
from holdfast.core.config.paths import Paths
from holdfast.core.domain.errors import UnavailableError
from holdfast.core.services.agents import AgentService
from holdfast.tui.control.author import AuthorControl
from holdfast.tui.presenters.author.state import EditorState

TOOLS = ("read_file", "write_file", "list_files", "search_files", "ask_user", "update_plan")
TEXT = "version: 1\nname: clerk  # mine\ntools: [read_file]\n"


@dataclass
class FakeScreen:
    """What the controller needs of the screen."""

    state: EditorState
    is_there: bool = True
    dismissed: bool = False
    went_to: Any = None

    def redraw(self) -> None:
        pass

    def show_text(self, text: str) -> None:
        self.state.text = text

    def show_problem(self, place: Any) -> None:
        self.went_to = place

    def dismiss(self) -> None:
        self.dismissed = True


@dataclass
class FakeDialogs:
    """Gives answers in their order; None is a dialog that was left."""

    answers: list[Any] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def choose(self, title: str, *_: Any) -> Any:
        self.asked.append(title)
        return self.answers.pop(0)

    ask_or_none = pick = choose

    async def edit_text(self, title: str, text: str, save: Any) -> None:
        self.asked.append(title)
        assert await save(self.answers.pop(0)) == ""


@dataclass
class Desk:
    control: AuthorControl
    service: AgentService
    dialogs: FakeDialogs
    folder: Path
    project: Path
    said: list[str]
    tried: list[str]

    async def open(self, name: str) -> FakeScreen:
        """Reads an agent as the editor does when it opens."""
        opened: list[FakeScreen] = []

        async def take(state: EditorState) -> None:
            opened.append(FakeScreen(state))

        self.control._open = take  # type: ignore[method-assign]
        await self.control.edit(name)
        return opened[0]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "home")})
    project, shipped = tmp_path / "project", tmp_path / "shipped"
    for folder in (project / "agents", shipped, paths.agents):
        folder.mkdir(parents=True)
    (project / "agents" / "theirs.yaml").write_text("version: 1\nname: theirs\n")
    (shipped / "general.yaml").write_text("version: 1\nname: general\n")
    (paths.agents / "clerk.yaml").write_text(TEXT)
    trust = TrustStore(paths.trust)
    registry = AgentRegistry(paths, TOOLS, trust, shipped)
    access = SimpleNamespace(owner="local", folder=lambda named: Path(named) if named else None)
    service = AgentService(access, registry, AgentEditor(registry), trust, None)  # type: ignore[arg-type]
    said: list[str] = []
    tried: list[str] = []
    dialogs = FakeDialogs()

    async def renew(before: str, name: str) -> str:
        return f"{before} became {name}."

    async def new(name: str) -> None:
        tried.append(name)

    app = SimpleNamespace(dialogs=dialogs, start=SimpleNamespace(project=str(project)))
    context = SimpleNamespace(
        app=app,
        model=SimpleNamespace(agent="clerk"),
        view=SimpleNamespace(say=said.append),
        workbench=SimpleNamespace(agents=service),
    )
    agents = SimpleNamespace(renew=renew, new=new)
    control = AuthorControl(context, agents)  # type: ignore[arg-type]
    return Desk(control, service, dialogs, paths.agents, project, said, tried)


async def test_a_text_is_saved_and_the_one_before_kept(desk: Desk) -> None:
    screen = await desk.open("clerk")
    assert (screen.state.origin, screen.state.unsaved) == ("user", False)
    screen.state.text = TEXT + "description: Files things.\n"
    assert screen.state.unsaved
    assert await desk.control.save(screen)  # type: ignore[arg-type]
    assert "description" in (desk.folder / "clerk.yaml").read_text()
    assert (desk.folder / "clerk.yaml.bak").read_text() == TEXT
    assert not screen.state.unsaved, "the id that came into it is in the field, too"
    assert "id: " in screen.state.text
    assert "clerk is saved. clerk became clerk." in screen.state.note


async def test_mistakes_are_shown_and_nothing_is_written(desk: Desk) -> None:
    screen = await desk.open("clerk")
    screen.state.text = TEXT.replace("read_file", "reed_file") + "foo: 1\n"
    await desk.control.check(screen)  # type: ignore[arg-type]
    assert [one.line for one in screen.state.problems or ()] == [3, 4]
    assert not await desk.control.save(screen)  # type: ignore[arg-type]
    assert (screen.went_to, screen.state.note) == ((2, 8), "Not saved")
    assert (desk.folder / "clerk.yaml").read_text() == TEXT


@pytest.mark.parametrize(("answer", "kept"), [("mine", "mine"), ("theirs", "theirs"), (None, "theirs")])
async def test_a_file_that_has_changed_meanwhile_is_asked_about(
    desk: Desk, answer: str | None, kept: str
) -> None:
    screen = await desk.open("clerk")
    (desk.folder / "clerk.yaml").write_text(TEXT + "author: theirs\n")
    screen.state.text = TEXT + "author: mine\n"
    desk.dialogs.answers = [answer]
    assert await desk.control.save(screen) is (answer == "mine")  # type: ignore[arg-type]
    assert desk.dialogs.asked == ["The file has changed since you opened it."]
    assert f"author: {kept}" in (desk.folder / "clerk.yaml").read_text()
    assert screen.state.unsaved is (answer is None)
    if answer == "mine":
        assert "author: theirs" in (desk.folder / "clerk.yaml.bak").read_text()


async def test_an_agent_of_the_project_stays_there_and_a_shipped_one_is_copied(desk: Desk) -> None:
    theirs, general = await desk.open("theirs"), await desk.open("general")
    for screen in (theirs, general):
        screen.state.text += "author: Ann\n"
        assert await desk.control.save(screen)  # type: ignore[arg-type]
    assert "author: Ann" in (desk.project / "agents" / "theirs.yaml").read_text()
    assert "author: Ann" in (desk.folder / "general.yaml").read_text()
    assert general.state.origin == "user"


async def test_a_new_agent_is_written_when_it_is_saved_and_may_be_left_untouched(desk: Desk) -> None:
    text = await desk.service.template("fresh")
    screen = FakeScreen(EditorState(name="fresh", origin="new", saved=text, text=text))
    assert await desk.control.may_leave(screen)  # type: ignore[arg-type]
    assert not (desk.folder / "fresh.yaml").exists()
    await desk.control.try_it(screen)  # type: ignore[arg-type]
    assert (desk.folder / "fresh.yaml").exists()
    assert (desk.tried, screen.dismissed) == (["fresh"], True)
    taken = FakeScreen(EditorState(name="clerk", origin="new", saved="", text=TEXT))
    assert not await desk.control.save(taken)  # type: ignore[arg-type]
    assert "already" in taken.state.error


@pytest.mark.parametrize(("answer", "leaves"), [("lose", True), ("save", True), (None, False)])
async def test_a_text_that_is_not_saved_is_asked_about(desk: Desk, answer: str | None, leaves: bool) -> None:
    screen = await desk.open("clerk")
    screen.state.text = TEXT + "author: Ann\n"
    desk.dialogs.answers = [answer]
    await desk.control.leave(screen)  # type: ignore[arg-type]
    assert screen.dismissed is leaves
    assert desk.dialogs.asked == ["clerk is not saved."]
    assert ("Ann" in (desk.folder / "clerk.yaml").read_text()) is (answer == "save")
    assert bool(desk.said) is (answer == "save")


@pytest.mark.parametrize("way", ["leave", "try_it"])
async def test_what_is_typed_while_the_text_is_saved_is_not_lost(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    screen = await desk.open("clerk")
    screen.state.text = TEXT + "author: Ann\n"
    desk.dialogs.answers = ["save"]
    update = desk.service.update

    async def slowly(*given: Any) -> Any:
        screen.state.text += "description: More.\n"
        return await update(*given)

    monkeypatch.setattr(desk.service, "update", slowly)
    await getattr(desk.control, way)(screen)
    assert "author: Ann" in (desk.folder / "clerk.yaml").read_text()
    assert "description: More." in screen.state.text
    assert (screen.state.unsaved, screen.dismissed, desk.tried) == (True, False, [])


async def test_the_form_changes_the_text(desk: Desk) -> None:
    screen = await desk.open("clerk")
    desk.dialogs.answers = ["Files things.", ["read_file", "write_file"], "write_file(*.md)\n", "Be\nbrief."]
    for field_id in ("description", "tools", "approvals.allow", "instructions"):
        await desk.control.change(screen, field_id)  # type: ignore[arg-type]
    text = screen.state.text
    assert "name: clerk  # mine\n" in text
    assert "tools: [read_file, write_file]\n" in text
    assert 'allow: ["write_file(*.md)"]\n' in text
    assert "instructions: |-\n  Be\n  brief." in text
    await desk.control.check(screen)  # type: ignore[arg-type]
    assert screen.state.problems == ()


async def test_escapes_of_a_foreign_file_are_taken_out_of_what_is_shown(desk: Desk) -> None:
    (desk.project / "agents" / "theirs.yaml").write_text("version: 1\nname: theirs\nauthor: \x1b]0;x\x07\n")
    screen = await desk.open("theirs")
    assert "\x1b" not in screen.state.text
    assert screen.state.cleaned


async def test_a_lost_engine_is_told_and_looked_for(desk: Desk) -> None:
    screen = await desk.open("clerk")

    async def lost(*_: Any) -> None:
        raise UnavailableError("The engine does not answer.")

    desk.service.check = lost  # type: ignore[assignment,method-assign]
    with pytest.raises(UnavailableError):
        await desk.control.check(screen)  # type: ignore[arg-type]
    assert screen.state.error == "The engine does not answer."
