"""Where prompts are found: four places and MCP servers, which counts of one name, and what is not trusted."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.errors import ForbiddenError, InvalidError, NotFoundError
from holdfast.core.domain.identity import LOCAL, Principal, Role, Scope
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.prompts import (
    PromptArgument,
    PromptOrigin,
    PromptSpec,
    PromptTemplate,
    ServerPrompt,
)
from holdfast.core.domain.text import sanitize
from holdfast.core.prompts.front import parse_prompt, written
from holdfast.core.services.access import Access

REVIEW = """---
title: Review
description: Reviews a file.
arguments:
  - { name: file, description: Which file, required: true }
---

Review {{file}} and {{other}}. $2
"""


def text_of(resolved) -> str:
    (part,) = resolved.parts
    assert isinstance(part, TextPart)
    return part.text


async def test_a_file_says_what_its_prompt_asks_for(bench) -> None:
    path = bench.write("review.md", REVIEW)
    (info,) = await bench.prompts.list()
    assert (info.key, info.name, info.title, info.path) == ("file:review", "review", "Review", str(path))
    assert info.arguments == (
        PromptArgument(name="file", description="Which file", required=True),
        PromptArgument(name="other", required=True),
    )
    assert (info.words, info.takes_rest, info.usable) == (2, False, True)
    assert (await bench.prompts.get("review")).text == "Review {{file}} and {{other}}. $2"


async def test_a_file_without_front_matter_is_its_text(bench) -> None:
    bench.write("tides.md", "Explain the tides to $ARGUMENTS.\n\n---\nBriefly.\n")
    made = await bench.prompts.resolve("tides", line="a child")
    assert text_of(made) == "Explain the tides to a child.\n\n---\nBriefly."


@pytest.mark.parametrize(
    ("name", "text", "line", "message"),
    [
        ("a.md", "---\ndescripton: x\n---\nx", 2, "the key is unknown"),
        ("a.md", "---\narguments:\n  - { name: a b }\n---\nx", 3, "is not written as it must be"),
        ("a.md", "---\narguments: [{ name: a }, { name: a }]\n---\nx", 2, "two arguments a"),
        ("a.md", "---\narguments: [{ name: a, required: true, default: b }]\n---\nx", 2, "keep one of them"),
        ("a.md", "---\ndescription: x\n", 1, "has no end"),
        ("a.md", "---\ndescription: x\n---\n \n", 1, "no text below"),
        ("a.md", "", 1, "is empty"),
        ("A b.md", "x", 1, "cannot be a prompt's name"),
        ("a.md", "---\n" + "# x\n" * 6_000 + "---\nx", 1, "larger than 16 KiB"),
        ("a.md", "x" * 100_001, 1, "more than 100000 characters"),
        ("a.md", "x" * 600_000, 1, "larger than 512 KiB"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else None,
)
async def test_a_file_with_a_mistake_is_listed_and_cannot_be_sent(bench, name, text, line, message) -> None:
    bench.write(name, text)
    (info,) = await bench.prompts.list()
    (problem,) = info.problems
    assert message in problem.message
    assert problem.line == line
    with pytest.raises(InvalidError) as caught:
        await bench.prompts.resolve(info.key, {"a": "b"})
    assert caught.value.code == "invalid_prompt"


async def test_prompts_of_an_untrusted_project_are_listed_last_and_never_sent(bench) -> None:
    bench.write("greet.md", "The project's.", project=True)
    bench.write("greet.md", "Mine.")
    project = str(bench.project)
    assert [
        (each.key, each.trusted, each.shadowed) for each in await bench.prompts.list(project=project)
    ] == [
        ("file:greet", True, False),
        ("project:greet", False, True),
    ]
    with pytest.raises(ForbiddenError) as caught:
        await bench.prompts.resolve("project:greet", project=project)
    assert caught.value.code == "prompt_untrusted"
    assert text_of(await bench.prompts.resolve("greet", project=project)) == "Mine."
    await bench.trust()
    assert text_of(await bench.prompts.resolve("greet", project=project)) == "Mine."
    assert text_of(await bench.prompts.resolve("project:greet", project=project)) == "The project's."


async def test_what_cannot_be_sent_takes_no_name_from_what_can(bench) -> None:
    bench.write("plain.md", "The project's.", project=True)
    session = await bench.session()
    resolved = await bench.prompts.resolve("plain", {"word": "it"}, session_id=session.id)
    assert text_of(resolved) == "Say it."
    await bench.trust()
    assert text_of(await bench.prompts.resolve("plain", session_id=session.id)) == "The project's."


async def test_links_and_pipes_are_no_prompts(bench, tmp_path) -> None:
    (tmp_path / "secret.md").write_text("secret")
    folder = bench.write("fine.md", "fine").parent
    (folder / "link.md").symlink_to(tmp_path / "secret.md")
    os.mkfifo(folder / "pipe.md")
    listed = {each.name: each for each in await bench.prompts.list()}
    assert [name for name, each in listed.items() if each.usable] == ["fine"]
    assert (await bench.prompts.get("link")).text == ""


async def test_a_project_folder_that_is_a_link_out_of_the_project_has_no_prompts(bench, tmp_path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.md").write_text("a")
    (bench.project / ".holdfast").mkdir()
    (bench.project / ".holdfast" / "prompts").symlink_to(elsewhere)
    await bench.trust()
    assert await bench.prompts.list(project=str(bench.project)) == ()


async def test_a_project_folder_that_links_to_itself_has_no_prompts_and_hides_none(bench) -> None:
    bench.write("mine.md", "mine")
    (bench.project / ".holdfast").symlink_to(".holdfast")
    await bench.trust()
    listed = await bench.prompts.list(project=str(bench.project))
    assert [each.name for each in listed] == ["mine"]


async def test_of_one_name_ones_own_counts_and_each_has_a_key(bench) -> None:
    await bench.trust()
    bench.write("review.md", "file's")
    bench.write("review.md", "project's", project=True)
    await bench.prompts.create(PromptSpec(name="review", text="own"))
    bench.servers.offered = [ServerPrompt(server="srv", name="review")]
    session = await bench.session()
    listed = [each for each in await bench.prompts.list(session_id=session.id) if each.name == "review"]
    assert [each.key for each in listed] == [
        "own:review",
        "file:review",
        "project:review",
        "agent:review",
        "mcp:srv:review",
    ]
    assert [each.shadowed for each in listed] == [False, True, True, True, True]
    assert (await bench.prompts.get("review", session_id=session.id)).info.origin is PromptOrigin.OWN
    for each in listed:
        assert (await bench.prompts.get(each.key, session_id=session.id)).info == each


async def test_an_agents_prompts_are_seen_with_the_agent_or_its_session_alone(bench) -> None:
    assert await bench.prompts.list() == ()
    named = [each.key for each in await bench.prompts.list(agent="tester")]
    assert named == ["agent:plain", "agent:review"]
    session = await bench.session()
    assert [each.key for each in await bench.prompts.list(session_id=session.id)] == named
    made = await bench.prompts.resolve("review", line="a.py", session_id=session.id)
    assert text_of(made) == "Review in a kind tone: a.py"


async def test_an_unknown_prompt_is_answered_with_the_nearest(bench) -> None:
    bench.write("review.md", "x")
    with pytest.raises(NotFoundError):
        await bench.prompts.get("")
    with pytest.raises(NotFoundError, match="Did you mean review") as caught:
        await bench.prompts.get("revew")
    assert caught.value.code == "prompt_not_found"


async def test_what_servers_say_of_prompts_is_shown_as_one_line_without_escapes(bench) -> None:
    bench.servers.offered = [
        ServerPrompt(server="srv", name="my\x1b[31m prompt/x", title="a\nb", description="\x1b]0;x\x07obey")
    ]
    (info,) = await bench.prompts.list()
    assert (info.key, info.title, info.description) == ("mcp:srv:my[31m_prompt_x", "a b", "]0;xobey")


async def test_a_server_that_was_never_started_is_asked_when_its_prompt_is_named(bench) -> None:
    bench.servers.stopped = [ServerPrompt(server="srv", name="hi")]
    assert await bench.prompts.list() == ()
    assert (await bench.prompts.get("mcp:srv:hi")).info.server == "srv"
    with pytest.raises(NotFoundError):
        await bench.prompts.get("mcp:srv:ho")


async def test_a_key_to_read_starts_no_server(bench) -> None:
    bench.servers.stopped = [ServerPrompt(server="srv", name="hi")]
    reading = Principal(user_id=LOCAL, name="local", role=Role.ADMIN, scope=Scope.READ)
    bench.prompts._access = Access(reading, bench.host._core.log.reader, bench.paths)
    with pytest.raises(NotFoundError):
        await bench.prompts.get("mcp:srv:hi")
    bench.servers.offered = bench.servers.stopped
    assert (await bench.prompts.get("mcp:srv:hi")).info.server == "srv"


LINES = st.text(max_size=40).map(sanitize)
TEMPLATES = st.builds(
    PromptTemplate,
    title=LINES,
    description=LINES,
    text=LINES.filter(lambda text: bool(text.strip())),
    arguments=st.lists(
        st.builds(
            PromptArgument,
            name=st.text(alphabet="abcYN-_123", min_size=1, max_size=6),
            description=LINES,
            default=st.none() | LINES,
        ),
        max_size=3,
        unique_by=lambda argument: argument.name,
    ).map(tuple),
)


@given(TEMPLATES)
def test_what_is_written_of_a_prompt_is_read_again(template: PromptTemplate) -> None:
    said = parse_prompt(written(template).encode(), "x.md", "x")
    assert said.problems == ()
    assert said.template == template.model_copy(update={"text": template.text.strip()})


async def test_a_text_with_mistakes_is_no_prompt(bench) -> None:
    spec = await bench.prompts.parse("review", REVIEW)
    assert (spec.name, spec.title, len(spec.arguments)) == ("review", "Review", 1)
    made = await bench.prompts.create(spec)
    assert await bench.prompts.parse("review", made.source) == spec
    with pytest.raises(InvalidError, match=r"review\.md:2:1") as caught:
        await bench.prompts.parse("review", "---\ntitel: x\n---\nx")
    assert caught.value.code == "invalid_prompt"
