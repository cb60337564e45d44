"""`holdfast prompts`: what is asked of the services, what is printed, and the exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import FakeDoors, FakeWorkbench, reply

from holdfast.core.domain.errors import ConflictError, Diagnostic, InvalidError
from holdfast.core.domain.messages import FilePart, TextPart
from holdfast.core.domain.prompts import (
    FoundPrompt,
    PromptArgument,
    PromptInfo,
    PromptOrigin,
    PromptSpec,
    ResolvedPrompt,
)

Cli = Callable[..., Any]
SOURCE = "---\ndescription: Reviews.\n---\nReview {{file}}.\n"


def info(name: str = "review", **more: Any) -> PromptInfo:
    fields = {"key": f"own:{name}", "origin": PromptOrigin.OWN, "id": f"id-{name}", **more}
    return PromptInfo(name=name, **fields)


REVIEW = info(
    description="Re\x1b[31mviews.",
    arguments=(
        PromptArgument(name="file", required=True, description="Which"),
        PromptArgument(name="tone", default="kind"),
    ),
    words=1,
    takes_rest=True,
    attachment=FilePart(blob="0" * 64, media_type="text/csv", name="a.csv", size=3),
)


class FakePrompts:
    """Keeps the calls, and answers from what the test has put there."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        problem = Diagnostic(file="/p/x.md", line=3, column=1, key_path="", message="no text")
        self.rows = (
            REVIEW,
            info(key="mcp:srv:review", origin=PromptOrigin.MCP, server="srv", shadowed=True),
            info("theirs", key="project:theirs", origin=PromptOrigin.PROJECT, trusted=False),
            info("wrong", key="file:wrong", origin=PromptOrigin.FILE, problems=(problem,)),
        )
        self.found = FoundPrompt(info=REVIEW, text="Review {{file}}.", source=SOURCE, digest="d1")
        self.error: Exception | None = None

    async def list(self, *arguments: Any) -> tuple[PromptInfo, ...]:
        self.calls.append(("list", *arguments))
        return self.rows

    async def get(self, name: str, *arguments: Any, **more: Any) -> FoundPrompt:
        return self.found

    async def parse(self, name: str, source: str) -> PromptSpec:
        if self.error is not None:
            raise self.error
        return PromptSpec(name=name, text=source)

    async def create(self, prompt: PromptSpec) -> FoundPrompt:
        self.calls.append(("create", prompt.name, prompt.text))
        return FoundPrompt(info=info(prompt.name))

    async def update(self, name: str, prompt: PromptSpec, expected: str) -> FoundPrompt:
        self.calls.append(("update", name, prompt.text, expected))
        return self.found

    async def attach(self, name: str, data: bytes, file_name: str) -> FoundPrompt:
        self.calls.append(("attach", name, data, file_name))
        return self.found

    async def detach(self, name: str) -> FoundPrompt:
        self.calls.append(("detach", name))
        return self.found

    async def delete(self, name: str) -> None:
        self.calls.append(("delete", name))

    async def resolve(self, name: str, arguments: Any, words: Any, **more: Any) -> ResolvedPrompt:
        if self.error is not None:
            raise self.error
        self.calls.append(("resolve", name, arguments, words, more.get("session_id"), more.get("agent")))
        return ResolvedPrompt(key="own:review", parts=(TextPart(text="Review\n\x1b[1mit."),))


@pytest.fixture
def workbench(fake: FakeDoors) -> FakeWorkbench:
    built = FakeWorkbench(reply)
    built.prompts = FakePrompts()  # type: ignore[attr-defined]
    fake.build = lambda: built
    return built


@pytest.fixture
def prompts(workbench: FakeWorkbench) -> FakePrompts:
    return workbench.prompts  # type: ignore[attr-defined,no-any-return]


def test_a_list_says_how_each_prompt_is_called_and_what_it_asks_for(cli: Cli, prompts: FakePrompts) -> None:
    rows = [line.split() for line in cli("prompts", "list", "--agent", "clerk").out.splitlines()]
    assert rows[1] == ["review", "own", "Re[31mviews.", "·", "FILE", "[tone]", "$1", "…"]
    assert rows[2][:3] == ["mcp:srv:review", "mcp", "srv"]
    assert rows[3][:4] == ["project:theirs", "project,", "not", "trusted"]
    assert rows[4] == ["file:wrong", "file", *["invalid:", "no", "text", "(line", "3)"]]
    assert prompts.calls[0][3] == "clerk"


def test_a_prompt_is_shown_with_what_it_asks_for(cli: Cli, prompts: FakePrompts) -> None:
    said = cli("prompts", "show", "review").out
    for part in ("file (required): Which", "tone (default 'kind')", "a.csv", "Review {{file}}."):
        assert part in said
    assert "\x1b" not in said


def test_a_prompt_is_made_from_a_file_from_stdin_and_in_the_editor(
    cli: Cli, prompts: FakePrompts, editor: None, tmp_path: Path
) -> None:
    (tmp_path / "a.md").write_text(SOURCE)
    (tmp_path / "b.csv").write_bytes(b"a,b")
    said = cli(
        "prompts", "add", "review", "--from", str(tmp_path / "a.md"), "--file", str(tmp_path / "b.csv")
    )
    assert said.out.startswith("added review: send it as /review")
    cli("prompts", "add", "two", "--from", "-", stdin="From stdin")
    cli("prompts", "add", "three")
    create, attach, second, third = prompts.calls
    assert (create, attach) == (("create", "review", SOURCE), ("attach", "id-review", b"a,b", "b.csv"))
    assert second == ("create", "two", "From stdin")
    assert third[2].startswith("---\ndescription:")
    assert third[2].endswith("One more.\n")


def test_a_file_that_is_too_large_is_refused_before_anything_is_made(
    cli: Cli, prompts: FakePrompts, tmp_path: Path
) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(10 * 2**20 + 1)
    said = cli("prompts", "add", "a", "--from", "-", "--file", str(tmp_path / "large"))
    assert said.status != 0
    assert "larger than 10 MB" in said.err
    assert prompts.calls == []


def test_what_cannot_be_read_is_said_in_a_line(cli: Cli, prompts: FakePrompts, tmp_path: Path) -> None:
    (tmp_path / "latin.md").write_bytes("Grüße".encode("latin-1"))
    for name, words in (
        (str(tmp_path / "latin.md"), "cannot be read as text"),
        (str(tmp_path / "none.md"), "there is no file"),
        ("~nobody-of-that-name/a.md", "no such home folder"),
    ):
        for option in ("--from", "--file") if name.startswith("~") else ("--from",):
            said = cli("prompts", "add", "a", "--from", "-", option, name)
            assert said.status != 0
            assert words in said.err
    assert prompts.calls == []


def test_a_draft_that_is_no_text_is_not_lost(
    cli: Cli, prompts: FakePrompts, editor: None, tmp_path: Path
) -> None:
    script = tmp_path / "editor"
    script.write_text(f"#!{sys.executable}\nimport sys\nopen(sys.argv[-1], 'wb').write(b'Gr\\xfc')\n")
    said = cli("prompts", "edit", "review")
    assert "cannot be read as text" in said.err
    path = Path(said.err.split("what you wrote is in ")[1].split()[0])
    assert path.read_bytes() == b"Gr\xfc"
    path.unlink()
    assert prompts.calls == []


def test_an_edited_prompt_replaces_the_one_that_was_read(
    cli: Cli, prompts: FakePrompts, editor: None, tmp_path: Path
) -> None:
    assert cli("prompts", "edit", "review").out == "changed review\n"
    assert prompts.calls == [("update", "id-review", SOURCE + "One more.\n", "d1")]
    (tmp_path / "b.csv").write_bytes(b"a,b")
    cli("prompts", "edit", "review", "--file", str(tmp_path / "b.csv"))
    cli("prompts", "edit", "review", "--no-file")
    assert prompts.calls[1:] == [("attach", "id-review", b"a,b", "b.csv"), ("detach", "id-review")]


@pytest.mark.parametrize("error", [InvalidError("line 2 is wrong"), ConflictError("it has changed")])
def test_an_edit_that_is_refused_is_not_lost(
    cli: Cli, prompts: FakePrompts, editor: None, error: Exception
) -> None:
    prompts.error = error
    said = cli("prompts", "edit", "review")
    assert said.status != 0
    path = Path(said.err.split("what you wrote is in ")[1].split()[0])
    assert path.read_text() == SOURCE + "One more.\n"
    path.unlink()


def test_a_prompt_in_a_file_is_edited_where_it_is_and_one_elsewhere_is_not(
    cli: Cli, prompts: FakePrompts, editor: None, tmp_path: Path
) -> None:
    path = tmp_path / "x.md"
    path.write_text("x\n")
    prompts.found = FoundPrompt(info=info("x", origin=PromptOrigin.FILE, path=str(path)))
    assert cli("prompts", "edit", "x").out == "valid\n"
    assert path.read_text() == "x\nOne more.\n"
    prompts.found = FoundPrompt(info=prompts.rows[3].model_copy(update={"path": str(path)}))
    said = cli("prompts", "edit", "wrong")
    assert (said.status, said.out) == (2, "/p/x.md:3:1: no text\n")
    prompts.found = FoundPrompt(info=prompts.rows[1])
    assert "change it there" in cli("prompts", "edit", "mcp:srv:review").err


def test_a_prompt_is_removed(cli: Cli, prompts: FakePrompts) -> None:
    assert cli("prompts", "remove", "review").out == "removed review\n"
    assert prompts.calls == [("delete", "review")]


def test_a_message_is_shown_without_being_sent(cli: Cli, prompts: FakePrompts) -> None:
    said = cli("prompts", "resolve", "review", "a b", "c", "--arg", "tone=d=e", "--agent", "clerk")
    assert said.out == "Review\n[1mit.\n"
    assert prompts.calls == [("resolve", "review", {"tone": "d=e"}, ("a b", "c"), None, "clerk")]
    assert "write NAME=VALUE" in cli("prompts", "resolve", "review", "--arg", "x").err


def test_a_prompt_is_sent_in_a_session_and_shown(
    cli: Cli, prompts: FakePrompts, workbench: FakeWorkbench
) -> None:
    said = cli("prompts", "run", "review", "a.md", "--agent", "general")
    assert (said.status, said.out) == (0, "Hello there.\n")
    assert "> Review\n> [1mit.\n" in said.err
    (sent,) = workbench.sent
    assert [part.text for part in sent.parts] == ["Review\n\x1b[1mit."]
    assert prompts.calls[0][:4] == ("resolve", "review", {}, ("a.md",))
    assert prompts.calls[0][4] is not None


def test_a_prompt_that_cannot_be_filled_in_leaves_no_session(
    cli: Cli, prompts: FakePrompts, workbench: FakeWorkbench
) -> None:
    prompts.error = InvalidError("The prompt review needs file.", code="missing_arguments")
    said = cli("prompts", "run", "review")
    assert said.status == 2
    assert "needs file" in said.err
    assert workbench.sent == []
    assert workbench.known == {}
