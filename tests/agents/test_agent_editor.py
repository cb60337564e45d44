"""Agents that are made, changed and deleted through the API."""

from __future__ import annotations

import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from agent_folders import Agents

from holdfast.core.agents import editor as editing
from holdfast.core.agents.editor import MAX_BYTES, AgentEditor
from holdfast.core.domain.agents import Layer
from holdfast.core.domain.errors import (
    AgentFileError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    StoreError,
    TooLargeError,
)

ID = "8c1f0a52-3f0e-4a86-9a43-0c0a5be1d001"
OTHER = "8c1f0a52-3f0e-4a86-9a43-0c0a5be1d002"
ANN = "11111111-1111-4111-8111-111111111111"
TEXT = "# mine\nversion: 1\nname: helper # short\n\ntools: [read_file]\n"


@pytest.fixture
def editor(agents: Agents) -> AgentEditor:
    return AgentEditor(agents.registry)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class TestCreate:
    def test_an_agent_is_a_file_of_its_owner_with_an_id_and_as_it_was_written(
        self, agents: Agents, editor: AgentEditor
    ) -> None:
        made = editor.create(TEXT)
        path = agents.paths.agents / "helper.yaml"
        assert (made.name, made.layer, made.owner, made.path) == ("helper", Layer.USER, "local", str(path))
        expected = TEXT.replace("# short\n", f"# short\nid: {made.id}\n")
        assert path.read_bytes().decode() == expected
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert files(path.parent) == ["helper.yaml"]
        assert agents.registry.get(made.id) == made

    def test_two_agents_have_two_ids(self, editor: AgentEditor) -> None:
        assert editor.create(TEXT).id != editor.create(TEXT.replace("helper", "other")).id

    def test_an_id_that_the_text_gives_is_kept(self, editor: AgentEditor) -> None:
        text = TEXT + f"id: {ID}\n"
        assert editor.create(text).id == ID
        assert editor.source(ID).text == text

    def test_another_user_has_a_folder_of_his_own(self, agents: Agents, editor: AgentEditor) -> None:
        mine, hers = editor.create(TEXT), editor.create(TEXT, ANN)
        assert hers.owner == ANN
        assert hers.path == str(agents.paths.config / "users" / ANN / "agents" / "helper.yaml")
        assert mine.id != hers.id
        for name in (mine.id, hers.id):
            with pytest.raises(NotFoundError):
                editor.delete(name, ANN if name == mine.id else "local")

    def test_every_mistake_is_told_and_nothing_is_written(self, agents: Agents, editor: AgentEditor) -> None:
        with pytest.raises(AgentFileError) as refused:
            editor.create("version: 1\nname: a\nfoo: 1\ntools: [x]\n")
        told = [(one.file, one.line, one.key_path) for one in refused.value.diagnostics]
        assert told == [("agent.yaml", 3, "foo"), ("agent.yaml", 4, "tools[0]")]
        assert not agents.paths.agents.exists()

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "- a\n",
            "just text",
            "version: 1\nname: ../x\n",
            "version: 1\nname: a/b\n",
            "version: 1\nname: .hidden\n",
            "version: 1\nname: 'a\\0b'\n",
            f"version: 1\nname: {ID}\n",
            "version: 1\nname: a\n---\nversion: 1\nname: b\n",
            "version: 1\nname: a\ninstructions: !!python/object/apply:os.system [id]\n",
            "version: 1\nname: \ud800\n",
            "version: 1\nname: a\x00\n",
            "a: &a [x,x]\nb: &b [*a,*a]\n"
            + "".join(
                f"c{n}: &c{n} [{','.join(['*b' if not n else f'*c{n - 1}'] * 9)}]\n" for n in range(12)
            ),
            "[" * 5_000,
        ],
    )
    def test_hostile_texts_are_refused_and_write_nothing(
        self, agents: Agents, editor: AgentEditor, text: str
    ) -> None:
        with pytest.raises(AgentFileError):
            editor.create(text)
        assert not agents.paths.agents.exists()

    @pytest.mark.parametrize("filler", ["x", "ü"])
    def test_a_text_over_the_limit_is_not_even_read(self, editor: AgentEditor, filler: str) -> None:
        text = TEXT + "# " + filler * (MAX_BYTES // len(filler.encode()))
        for refused in (editor.create, lambda text: editor.update("helper", text)):
            with pytest.raises(TooLargeError, match="256 KiB"):
                refused(text)

    def test_a_name_that_is_taken_is_a_conflict(self, agents: Agents, editor: AgentEditor) -> None:
        agents.write("user", "helper", file="mine.yaml")
        agents.write("user", "broken").write_text("version: [")
        for text in (TEXT, TEXT.replace("helper", "broken"), TEXT.replace("helper", "mine")):
            if "mine" in text.split("name:")[1]:
                agents.write("user", "else", file="mine.yaml")
            with pytest.raises(ConflictError) as refused:
                editor.create(text)
            assert refused.value.code == "agent_exists"

    def test_an_id_that_is_taken_is_a_conflict(self, agents: Agents, editor: AgentEditor) -> None:
        agents.write("user", "other", f"id: {ID}\n")
        agents.write("shipped", "coder")
        for taken in (ID, agents.registry.get("coder").id):
            with pytest.raises(ConflictError, match=taken):
                editor.create(TEXT + f"id: {taken}\n")

    def test_the_name_of_a_shipped_agent_is_free(self, agents: Agents, editor: AgentEditor) -> None:
        agents.write("shipped", "helper", "instructions: shipped\n")
        editor.create("version: 1\nname: helper\nextends: helper\n")
        assert agents.spec("helper").instructions == "shipped"

    def test_of_many_at_once_one_wins(self, agents: Agents, editor: AgentEditor) -> None:
        # A second editor has another lock: what decides is the file system.
        editors = [AgentEditor(agents.registry) for _ in range(8)]
        start = threading.Barrier(len(editors))

        def create(one: AgentEditor) -> str | None:
            start.wait(10)
            try:
                return one.create(TEXT).id
            except ConflictError:
                return None

        with ThreadPoolExecutor(len(editors)) as pool:
            made = [id for id in pool.map(create, editors, timeout=30) if id is not None]
        assert made == [agents.registry.get("helper").id]
        assert files(agents.paths.agents) == ["helper.yaml"]

    def test_a_user_has_no_more_agents_than_can_be_listed(
        self, agents: Agents, editor: AgentEditor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(editing, "MAX_AGENTS", 1)
        editor.create(TEXT)
        with pytest.raises(ConflictError) as refused:
            editor.create(TEXT.replace("helper", "other"))
        assert refused.value.code == "too_many_agents"

    def test_a_folder_that_cannot_be_written_is_told(self, agents: Agents, editor: AgentEditor) -> None:
        agents.paths.config.mkdir(parents=True)
        agents.paths.agents.write_text("a file where the folder should be")
        with pytest.raises(StoreError) as refused:
            editor.create(TEXT)
        assert refused.value.code == "agent_not_written"

    def test_a_text_without_a_place_for_an_id_says_what_to_write(self, editor: AgentEditor) -> None:
        with pytest.raises(AgentFileError) as refused:
            editor.create("&x {version: 1, name: a}")
        hint = refused.value.diagnostics[0].hint
        assert hint.startswith("write `id: ")
        id = hint.split("`")[1]
        assert editor.create(f"{{version: 1, name: a, {id}}}").id in id

    def test_only_the_machines_user_names_its_folders_and_model_servers(self, editor: AgentEditor) -> None:
        text = TEXT + "workspace: {}\nmodel_settings: {{ api_base: 'http://x' }}\n"
        for workspace in ("/etc", "~/x", "~"):
            with pytest.raises(AgentFileError) as refused:
                editor.create(text.format(f"'{workspace}'"), ANN)
            keys = [one.key_path for one in refused.value.diagnostics]
            assert keys == ["workspace", "model_settings.api_base"]
        assert editor.create(text.format("/etc")).spec is not None


class TestUpdate:
    def test_the_text_is_replaced_and_the_id_stays(self, agents: Agents, editor: AgentEditor) -> None:
        made = editor.create(TEXT)
        changed = editor.update("helper", TEXT + "description: new\n")
        assert (changed.id, changed.description) == (made.id, "new")
        assert f"id: {made.id}\n" in editor.source("helper").text
        path = agents.paths.agents / "helper.yaml"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_a_made_id_stays_through_another_name(self, agents: Agents, editor: AgentEditor) -> None:
        agents.write("user", "coder")
        before = agents.registry.get("coder").id
        after = editor.update(before, "version: 1\nname: writer\n")
        assert (after.id, after.name) == (before, "writer")
        assert files(agents.paths.agents) == ["coder.yaml.bak", "writer.yaml"]

    def test_a_file_with_a_name_of_its_own_keeps_it(self, agents: Agents, editor: AgentEditor) -> None:
        agents.write("user", "coder", file="all.yml")
        editor.update("coder", "version: 1\nname: writer\n")
        assert files(agents.paths.agents) == ["all.yml", "all.yml.bak"]

    def test_the_text_before_is_kept_beside_the_file(self, agents: Agents, editor: AgentEditor) -> None:
        editor.create(TEXT)
        before = editor.source("helper").text
        editor.update("helper", before + "author: Ann\n")
        backup = agents.paths.agents / "helper.yaml.bak"
        assert backup.read_text() == before
        assert stat.S_IMODE(backup.stat().st_mode) == 0o600
        editor.update("helper", before + "author: Ann\n")
        assert backup.read_text() == before, "the same text once more is no change"

    def test_an_id_does_not_change(self, editor: AgentEditor) -> None:
        made = editor.create(TEXT)
        with pytest.raises(AgentFileError) as refused:
            editor.update("helper", TEXT + f"id: {OTHER}\n")
        (mistake,) = refused.value.diagnostics
        assert (mistake.line, mistake.key_path, mistake.expected) == (6, "id", made.id)
        assert editor.update("helper", TEXT + f"id: {made.id}\n").id == made.id

    def test_a_digest_that_does_not_fit_is_a_conflict(self, agents: Agents, editor: AgentEditor) -> None:
        editor.create(TEXT)
        read = editor.source("helper")
        editor.update("helper", TEXT + "author: Ann\n", expected=read.digest)
        with pytest.raises(ConflictError) as refused:
            editor.update("helper", TEXT + "author: Bob\n", expected=read.digest)
        assert refused.value.code == "agent_changed"
        assert agents.registry.get("helper").author == "Ann"

    def test_of_two_that_read_the_same_text_one_wins(self, agents: Agents, editor: AgentEditor) -> None:
        editor.create(TEXT)
        digest = editor.source("helper").digest
        start = threading.Barrier(6)

        def update(number: int) -> bool:
            start.wait(10)
            try:
                editor.update("helper", TEXT + f"author: n{number}\n", expected=digest)
            except ConflictError:
                return False
            return True

        with ThreadPoolExecutor(6) as pool:
            won = list(pool.map(update, range(6), timeout=30))
        assert won.count(True) == 1
        assert agents.registry.get("helper").author == f"n{won.index(True)}"

    def test_a_broken_file_can_be_put_right(self, agents: Agents, editor: AgentEditor) -> None:
        agents.write("user", "helper").write_bytes(b"name: \xff")
        assert editor.update("helper", TEXT + f"id: {ID}\n").id == ID

    def test_a_copy_that_does_not_count_can_be_put_right(self, agents: Agents, editor: AgentEditor) -> None:
        agents.write("user", "coder", f"id: {ID}\n")
        agents.write("user", "coder", file="copy.yaml")
        agents.write("user", "coder-2", f"id: {ID}\n")
        copy = editor.update("copy", "version: 1\nname: copy\n")
        twin = editor.update("coder-2", "version: 1\nname: coder-2\n")
        assert copy.spec is not None
        assert twin.spec is not None
        assert len({ID, copy.id, twin.id}) == 3

    def test_a_mistake_leaves_the_file_as_it_was(self, editor: AgentEditor) -> None:
        editor.create(TEXT)
        before = editor.source("helper")
        for wrong in (
            "",
            "name: [",
            TEXT + "foo: 1\n",
            TEXT + "extends: nobody\n",
            TEXT + "extends: helper\n",
        ):
            with pytest.raises(AgentFileError):
                editor.update("helper", wrong)
        assert editor.source("helper") == before

    def test_the_name_of_another_is_not_taken_over(self, agents: Agents, editor: AgentEditor) -> None:
        editor.create(TEXT)
        agents.write("user", "other")
        with pytest.raises(ConflictError):
            editor.update("helper", TEXT.replace("helper", "other"))
        assert files(agents.paths.agents) == ["helper.yaml", "other.yaml"]

    def test_a_shipped_agent_says_to_copy_it(self, agents: Agents, editor: AgentEditor) -> None:
        agents.write("shipped", "coder")
        for change in (lambda: editor.update("coder", TEXT), lambda: editor.delete("coder")):
            with pytest.raises(ForbiddenError, match="holdfast agents install coder") as refused:
                change()
            assert refused.value.code == "agent_readonly"

    def test_an_agent_of_a_project_is_changed_where_it_stands(
        self, agents: Agents, editor: AgentEditor
    ) -> None:
        path = agents.write("project", "theirs", "# ours\n")
        path.chmod(0o644)
        text = path.read_text() + "author: Ann\n"
        digest = editor.source("theirs", agents.project).digest
        changed = editor.update("theirs", text, expected=digest, project=agents.project)
        assert (changed.author, path.read_text()) == ("Ann", text)
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        with pytest.raises(ConflictError):
            editor.update("theirs", text + "tags: [a]\n", expected=digest, project=agents.project)

    def test_a_project_leads_nobody_to_write_outside_of_it(
        self, agents: Agents, editor: AgentEditor, tmp_path: Path
    ) -> None:
        outside = tmp_path / "secret.yaml"
        outside.write_text("version: 1\nname: secret\n")
        agents.write("project", "a")
        (agents.project / "agents" / "secret.yaml").symlink_to(outside)
        with pytest.raises(ForbiddenError):
            editor.update("secret", "version: 1\nname: secret\nauthor: x\n", project=agents.project)
        kept = tmp_path / "profile"
        kept.write_text("mine")
        (agents.project / "agents" / "a.yaml.bak").symlink_to(kept)
        editor.update("a", "version: 1\nname: a\nauthor: x\n", project=agents.project)
        assert kept.read_text() == "mine"
        assert "secret" in outside.read_text()
        assert "author" not in outside.read_text()

    def test_the_name_of_a_neighbour_in_the_project_is_not_taken_over(
        self, agents: Agents, editor: AgentEditor
    ) -> None:
        agents.write("project", "a")
        agents.write("project", "b", file="other.yaml")
        with pytest.raises(ConflictError):
            editor.update("a", "version: 1\nname: b\n", project=agents.project)

    def test_a_text_is_checked_for_the_place_that_it_will_have(
        self, agents: Agents, editor: AgentEditor
    ) -> None:
        agents.write("project", "base")
        agents.write("project", "a")
        agents.write("shipped", "coder")
        text = "version: 1\nname: a\nextends: base\n"
        assert [one.key_path for one in editor.check(text)] == ["extends"]
        assert editor.check(text, "a", agents.project) == ()
        assert editor.check("version: 1\nname: coder\nextends: coder\n", "coder") == ()
        made = editor.create(TEXT)
        (mistake,) = editor.check(TEXT + f"id: {OTHER}\n", "helper")
        assert (mistake.line, mistake.expected) == (6, made.id)
        with pytest.raises(NotFoundError):
            editor.check(text, "nobody")

    def test_an_agent_of_a_project_is_not_reached(self, agents: Agents, editor: AgentEditor) -> None:
        path = agents.write("project", "theirs")
        with pytest.raises(NotFoundError):
            editor.delete("theirs")
        assert path.exists()

    def test_a_link_stays_a_link(self, agents: Agents, editor: AgentEditor, tmp_path: Path) -> None:
        agents.paths.agents.mkdir(parents=True)
        kept = tmp_path / "dotfiles.yaml"
        kept.write_text(TEXT)
        link = agents.paths.agents / "helper.yaml"
        link.symlink_to(kept)
        editor.update("helper", TEXT.replace("helper", "other"))
        assert link.is_symlink()
        assert "name: other" in kept.read_text()


class TestDeleteAndSource:
    def test_what_is_deleted_is_gone(self, agents: Agents, editor: AgentEditor) -> None:
        made = editor.create(TEXT)
        editor.delete(made.id)
        assert files(agents.paths.agents) == []
        for again in (made.id, "helper"):
            with pytest.raises(NotFoundError):
                editor.delete(again)

    def test_of_several_deletions_at_once_the_others_find_no_agent(self, editor: AgentEditor) -> None:
        def delete(_: int) -> bool:
            barrier.wait(timeout=60)
            try:
                editor.removed("helper")
                editor.delete("helper")
            except NotFoundError:
                return False
            return True

        barrier = threading.Barrier(8)
        with ThreadPoolExecutor(8) as threads:
            for _ in range(5):
                editor.create(TEXT)
                assert any(list(threads.map(delete, range(8))))

    def test_the_source_of_any_visible_agent_is_read(self, agents: Agents, editor: AgentEditor) -> None:
        for layer in ("shipped", "user", "project"):
            path = agents.write(layer, layer, "# a comment\r\n")
            found = editor.source(layer, agents.project)
            assert (found.text.encode(), found.path) == (path.read_bytes(), str(path))

    def test_a_project_does_not_show_files_outside_of_it(
        self, agents: Agents, editor: AgentEditor, tmp_path: Path
    ) -> None:
        (tmp_path / "secret.yaml").write_text("version: 1\nname: secret\n")
        agents.write("project", "a")
        (agents.project / "agents" / "secret.yaml").symlink_to(tmp_path / "secret.yaml")
        with pytest.raises(ForbiddenError):
            editor.source("secret", agents.project)

    def test_the_source_of_a_file_that_is_no_text_is_its_mistake(
        self, agents: Agents, editor: AgentEditor
    ) -> None:
        agents.write("user", "x").write_bytes(b"name: \xff")
        with pytest.raises(AgentFileError, match="UTF-8"):
            editor.source("x")


class TestInstall:
    def test_a_shipped_agent_is_available_until_it_is_installed_and_again_afterwards(
        self, agents: Agents, editor: AgentEditor
    ) -> None:
        agents.write("shipped", "coder", "display_name: Coder\ntags: [code]\ndescription: Codes.\n")
        agents.write("shipped", "base")
        (_, coder) = editor.available()
        assert (coder.name, coder.display_name, coder.tags, coder.installed) == (
            "coder",
            "Coder",
            ("code",),
            False,
        )
        shipped = agents.registry.get("coder")
        made = editor.install("coder")
        assert (made.layer, made.display_name) == (Layer.USER, "Coder")
        assert made.id != shipped.id
        assert [(one.name, one.installed) for one in editor.available()] == [("base", False), ("coder", True)]
        assert not editor.available(ANN)[1].installed
        with pytest.raises(ConflictError):
            editor.install("coder")
        editor.uninstall("coder")
        assert agents.registry.get("coder") == shipped
        with pytest.raises(NotFoundError) as refused:
            editor.uninstall("coder")
        assert refused.value.code == "agent_not_installed"

    def test_a_file_is_installed_by_its_path(
        self, agents: Agents, editor: AgentEditor, tmp_path: Path
    ) -> None:
        path = tmp_path / "theirs.yaml"
        path.write_text(TEXT)
        made = editor.install(str(path), ANN)
        assert made.path == str(agents.paths.user_agents(ANN) / "helper.yaml")
        assert path.read_text() == TEXT

    def test_a_file_is_installed_with_the_script_beside_it(
        self, editor: AgentEditor, agents: Agents, tmp_path: Path
    ) -> None:
        theirs = tmp_path / "theirs"
        theirs.mkdir()
        (theirs / "a.yaml").write_text("version: 1\nname: a\nscript: a.py\n")
        (theirs / "a.py").write_text("response = 'one'\n")
        made = editor.install(str(theirs / "a.yaml"))
        assert made.problems == () and made.spec is not None and made.spec.script is not None
        assert made.spec.script.code == "response = 'one'\n"
        beside = Path(made.path).with_name("a.py")
        assert beside.stat().st_mode & 0o77 == 0
        editor.delete("a")
        assert editor.install(str(theirs / "a.yaml")).problems == (), "the script is there already"
        (theirs / "b.yaml").write_text("version: 1\nname: b\nscript: a.py\n")
        (theirs / "a.py").write_text("response = 'two'\n")
        with pytest.raises(ConflictError, match=r"another file a\.py"):
            editor.install(str(theirs / "b.yaml"))
        assert beside.read_text() == "response = 'one'\n"
        assert not Path(made.path).with_name("b.yaml").exists()

    def test_a_script_of_another_folder_is_not_installed(self, editor: AgentEditor, tmp_path: Path) -> None:
        (tmp_path / "theirs").mkdir()
        (tmp_path / "secret.py").write_text("response = 'secret'\n")
        path = tmp_path / "theirs" / "a.yaml"
        path.write_text("version: 1\nname: a\nscript: a.py\n")
        (tmp_path / "theirs" / "a.py").symlink_to(tmp_path / "secret.py")
        with pytest.raises(AgentFileError, match="another folder"):
            editor.install(str(path))

    def test_a_file_with_mistakes_is_not_installed(self, editor: AgentEditor, tmp_path: Path) -> None:
        path = tmp_path / "theirs.yaml"
        path.write_text(TEXT + "extends: nobody\n")
        with pytest.raises(AgentFileError, match="nobody"):
            editor.install(str(path))

    def test_what_is_not_there_is_not_found(
        self, agents: Agents, editor: AgentEditor, tmp_path: Path
    ) -> None:
        agents.write("shipped", "coder")
        with pytest.raises(NotFoundError, match="did you mean `coder`"):
            editor.install("codr")
        with pytest.raises(NotFoundError):
            editor.install(str(tmp_path / "none.yaml"))
        with pytest.raises(InvalidError, match="whole path"):
            editor.install("../coder.yaml")
        with pytest.raises(AgentFileError):
            editor.install(f"{tmp_path}/")
        with pytest.raises(NotFoundError):
            editor.uninstall("nothing")
