"""`holdfast memory`: what is asked of the services, what is printed, and the exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import NOW, FakeDoors, FakeWorkbench

from holdfast.core.domain.errors import ConflictError, NotFoundError
from holdfast.core.domain.identity import LOCAL_PRINCIPAL
from holdfast.core.domain.memory import MemoryBlock, MemoryDefaults, MemoryEntry, MemoryHit, MemoryShare
from holdfast.core.domain.values import Page

Cli = Callable[..., Any]


def entry_of(id: str, content: str, **more: Any) -> MemoryEntry:
    return MemoryEntry(id=id, content=content, created_at=NOW, updated_at=NOW, **more)


class FakeMemory:
    """Keeps blocks and entries in order, and the calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.known: dict[str, MemoryBlock] = {}
        self.kept = [
            entry_of("aaaaaaaa-1", "Likes\ntea\x1b[31m", tags=("drinks",), pinned=True),
            entry_of("aaaaaaaa-2", "Counts on Fridays", source="agent", agent="keeper"),
        ]
        self.set = MemoryDefaults()

    async def blocks(self, query: str = "", limit: int = 200, cursor: Any = None) -> Page[MemoryBlock]:
        return Page[MemoryBlock](items=tuple(b for name, b in self.known.items() if query in name))

    async def block(self, block: str) -> MemoryBlock:
        if block not in self.known:
            raise NotFoundError(f"There is no memory block {block!r}.", code="memory_block_not_found")
        return self.known[block]

    async def create_block(self, name: str, **fields: Any) -> MemoryBlock:
        self.calls.append(("create", name, fields))
        self.known[name] = MemoryBlock(
            **{"id": f"id-{name}", "name": name, "created_at": NOW, "updated_at": NOW, **fields}
        )
        return self.known[name]

    async def update_block(self, block: str, **fields: Any) -> MemoryBlock:
        self.calls.append(("update", block, fields))
        name = block.removeprefix("id-")
        self.known[name] = self.known[name].model_copy(update=fields)
        return self.known[name]

    async def delete_block(self, block: str) -> None:
        del self.known[(await self.block(block)).name]

    async def shares(self, block: str) -> tuple[MemoryShare, ...]:
        return ()

    async def share(self, block: str, user: str, can_edit: bool) -> tuple[MemoryShare, ...]:
        return (MemoryShare(user=user, can_edit=can_edit),)

    async def unshare(self, block: str, user: str) -> tuple[MemoryShare, ...]:
        return ()

    async def publish(self, block: str, public: bool, can_edit: bool) -> MemoryBlock:
        found = await self.block(block)
        return found.model_copy(update={"public": public, "public_edit": can_edit})

    async def defaults(self) -> MemoryDefaults:
        return self.set

    async def set_default(self, scope: str, block: str | None = None) -> MemoryDefaults:
        self.set = self.set.model_copy(update={scope: block})
        return self.set

    async def entries(
        self, tag: Any = None, source: Any = None, pinned: Any = None, limit: int = 200, cursor: Any = None
    ) -> Page[MemoryEntry]:
        self.calls.append(("entries", tag, source, pinned, limit))
        return Page[MemoryEntry](items=tuple(self.kept)[:limit])

    async def entry(self, entry_id: str) -> MemoryEntry:
        for each in self.kept:
            if each.id == entry_id:
                return each
        raise NotFoundError("none", code="memory_not_found")

    async def search(self, query: str, limit: int) -> tuple[MemoryHit, ...]:
        self.calls.append(("search", query, limit))
        return tuple(MemoryHit(entry=each, score=1) for each in self.kept if query in each.content)

    async def remember(self, content: str, tags: Any, pinned: bool) -> MemoryEntry:
        self.calls.append(("remember", content, tags, pinned))
        return entry_of("bbbbbbbb-3", content, tags=tags, pinned=pinned)

    async def update_entry(self, entry_id: str, pinned: bool) -> MemoryEntry:
        return (await self.entry(entry_id)).model_copy(update={"pinned": pinned})

    async def forget(self, entry_id: str) -> None:
        self.calls.append(("forget", entry_id))


class FakeUsers:
    async def me(self) -> Any:
        return LOCAL_PRINCIPAL


@pytest.fixture
def memory(fake: FakeDoors) -> FakeMemory:
    workbench: Any = FakeWorkbench()
    found = workbench.memory = FakeMemory()
    workbench.users = FakeUsers()
    fake.build = lambda: workbench
    return found


def test_a_block_is_made_then_changed_by_the_same_command(cli: Cli, memory: FakeMemory) -> None:
    done = cli("memory", "set", "project", "Python", "--injection", "file", "--max-chars", "50")
    assert (done.status, done.out) == (0, "made the memory block project (6 of 50)\n")
    done = cli("memory", "set", "project", "Python 3", "--access", "read", "--rename", "code")
    assert done.out.startswith("changed the memory block code")
    assert memory.calls == [
        ("create", "project", {"injection": "file", "max_chars": 50, "content": "Python"}),
        ("update", "id-project", {"access": "read", "name": "code", "content": "Python 3"}),
    ]


def test_a_text_may_come_from_a_file_from_stdin_or_be_empty(
    cli: Cli, memory: FakeMemory, tmp_path: Path
) -> None:
    file = tmp_path / "style.md"
    file.write_text("Kürze\n")
    cli("memory", "set", "a", f"@{file}")
    cli("memory", "set", "b", "-", stdin="piped")
    cli("memory", "set", "c", "")
    assert [block.content for block in memory.known.values()] == ["Kürze\n", "piped", ""]
    missing = cli("memory", "set", "d", f"@{tmp_path}/none")
    assert missing.status == 1
    assert "there is no file" in missing.err


def test_without_a_text_the_editor_opens_with_the_content(
    cli: Cli, memory: FakeMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "editor"
    script.write_text('#!/bin/sh\nprintf " and more" >> "$1"\n')
    script.chmod(0o700)
    monkeypatch.setenv("VISUAL", str(script))
    cli("memory", "set", "project", "Python")
    cli("memory", "set", "project")
    assert memory.known["project"].content == "Python and more"
    cli("memory", "set", "project", "--instructions", "Keep to it.")
    assert memory.calls[-1] == ("update", "id-project", {"instructions": "Keep to it."})


def test_an_edit_of_a_block_that_is_refused_is_not_lost(
    cli: Cli, memory: FakeMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "editor"
    script.write_text('#!/bin/sh\nprintf " and more" >> "$1"\n')
    script.chmod(0o700)
    monkeypatch.setenv("VISUAL", str(script))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    cli("memory", "set", "project", "Python")

    async def refuse(block: str, **fields: Any) -> MemoryBlock:
        raise ConflictError("It is too long.")

    monkeypatch.setattr(memory, "update_block", refuse)
    said = cli("memory", "set", "project")
    assert said.status == 1
    draft = Path(said.err.split("what you wrote is in ")[1].splitlines()[0])
    assert draft.read_text() == "Python and more"


def test_blocks_are_listed_and_shown_without_escapes(cli: Cli, memory: FakeMemory) -> None:
    assert "holdfast memory set NAME TEXT" in cli("memory", "blocks").out
    cli("memory", "set", "project", "Python\x1b]0;x\x07\nline")
    listed = cli("memory", "blocks").out
    assert "project" in listed and "yours" in listed
    shown = cli("memory", "show", "project").out
    assert "Python]0;x\nline" in shown
    assert "\x1b" not in shown
    assert json.loads(cli("memory", "show", "project", "--json").out)["name"] == "project"
    assert json.loads(cli("memory", "blocks", "--json").out)[0]["id"] == "id-project"
    memory.known["other"] = memory.known["project"].model_copy(update={"owner": "u2", "id": "id-2"})
    assert "another's: id-2" in cli("memory", "blocks").out
    assert cli("memory", "show", "nothing").status == 1


def test_a_block_is_removed_shared_and_published(cli: Cli, memory: FakeMemory) -> None:
    cli("memory", "set", "project", "x")
    assert "shared with nobody" in cli("memory", "share", "project").out
    assert "ann   read and change" in cli("memory", "share", "project", "ann", "--edit").out
    assert json.loads(cli("memory", "unshare", "project", "ann", "--json").out) == []
    assert "is public, to be changed" in cli("memory", "publish", "project", "--edit").out
    assert "is not public" in cli("memory", "publish", "project", "--off").out
    assert cli("memory", "rm", "project").out == "removed the memory block project\n"
    assert memory.known == {}


def test_defaults_are_set_taken_away_and_shown_by_name(cli: Cli, memory: FakeMemory) -> None:
    cli("memory", "set", "project", "x")
    assert cli("memory", "default").out == "chat   none\nagent  none\n"
    assert cli("memory", "default", "agent", "project").out == "chat   none\nagent  project\n"
    assert "agent  none" in cli("memory", "default", "agent", "--off").out
    assert cli("memory", "default", "agent").status == 2
    assert cli("memory", "default", "agent", "project", "--off").status == 2


def test_entries_are_listed_by_tag_source_and_pin(cli: Cli, memory: FakeMemory) -> None:
    out = cli("memory", "entries", "--tag", "a", "--source", "agent", "--pinned", "-n", "5").out
    assert memory.calls == [("entries", "a", "agent", True, 5)]
    assert "Likes tea[31m" in out and "\x1b" not in out
    assert "keeper" in out
    assert len(json.loads(cli("memory", "entries", "--json").out)) == 2
    memory.kept.clear()
    assert "holdfast memory remember" in cli("memory", "entries").out
    assert cli("memory", "entries", "--source", "agent").out == "No entry is of that kind.\n"


def test_search_takes_several_words(cli: Cli, memory: FakeMemory) -> None:
    assert "Counts on Fridays" in cli("memory", "search", "on", "Fridays").out
    assert memory.calls == [("search", "on Fridays", 20)]
    assert "Nothing is remembered about that." in cli("memory", "search", "nothing").out
    assert json.loads(cli("memory", "search", "Fridays", "--json").out)[0]["score"] == 1


def test_something_is_remembered_pinned_and_forgotten(cli: Cli, memory: FakeMemory) -> None:
    done = cli("memory", "remember", "Orders on Fridays", "--tag", "a", "--tag", "b", "--pin")
    assert done.out == "remembered as bbbbbbbb-3\n"
    assert memory.calls == [("remember", "Orders on Fridays", ("a", "b"), True)]
    assert cli("memory", "pin", "aaaaaaaa-2").out == "pinned: Counts on Fridays\n"
    assert cli("memory", "pin", "last", "--off").out == "not pinned: Likes tea[31m\n"
    assert cli("memory", "forget", "aaaaaaaa-2").out == "forgot: Counts on Fridays\n"
    assert memory.calls[-1] == ("forget", "aaaaaaaa-2")
    ambiguous = cli("memory", "forget", "aaaa")
    assert ambiguous.status == 2
    assert "the start of 2 entries" in ambiguous.err
    assert cli("memory", "forget", "zz").status == 1
