"""What `holdfast run` says of passages: what went along, and what the numbers in the reply stand for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cli_fakes import FakeDoors, FakeRun, FakeWorkbench, agent_of
from knowledge_fakes import passage_of

from holdfast.cli.passages import source_lines, where
from holdfast.core.domain import events as ev
from holdfast.core.domain.agents import AgentSpec, Layer
from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.knowledge import Citation, Place, Retrieved
from holdfast.core.domain.memory import MemorySpec
from holdfast.core.domain.options import KnowledgeUse

Cli = Callable[..., Any]
PLACE = Place(start=0, end=9, line=4, last_line=6, headings=("Serve", "\x1bKeys"))
FIRST = Citation(number=3, document="serve.md", place=PLACE, excerpt="A key is shown once.")
SECOND = Citation(number=1, document="r\x1b.pdf", place=Place(start=0, end=9, page=2), excerpt="…")


def said(run: FakeRun, text: str, *citations: Citation) -> None:
    run.emit(ev.PartStarted, part_id=text, kind="text")
    run.emit(ev.PartDelta, part_id=text, text=text)
    run.emit(ev.PartCompleted, part_id=text, kind="text", text=text, citations=citations)


async def cited(run: FakeRun) -> None:
    said(run, "Once [3].", FIRST)
    said(run, "Twice [1], again [3].", SECOND, FIRST)
    run.emit(ev.RunCompleted)


def retrieval(**more: Any) -> Callable[[FakeRun], Any]:
    async def script(run: FakeRun) -> None:
        run.emit(ev.RetrievalCompleted, **more)
        run.emit(ev.RunCompleted)

    return script


@pytest.fixture
def ask(fake: FakeDoors, cli: Cli) -> Callable[..., Any]:
    """Runs `holdfast run` with a script."""

    def asked(script: Any, *options: str) -> Any:
        fake.build = lambda: FakeWorkbench(script)
        return cli("run", "general", "hello", *options)

    return asked


def test_the_sources_stand_below_the_reply_once_and_in_order(ask: Any) -> None:
    done = ask(cited)
    assert done.out == (
        "Once [3].\n\nTwice [1], again [3].\n\n[1] r.pdf, page 2\n[3] serve.md:4-6  Serve › Keys\n"
    )


def test_json_has_the_citations_in_the_events_alone(ask: Any) -> None:
    lines = ask(cited, "--json").out.splitlines()
    assert all(line.startswith("{") for line in lines)
    assert sum('"number":3' in line for line in lines) == 2


def test_what_goes_along_with_the_message_is_told(ask: Any) -> None:
    items = tuple(Retrieved(used=number < 3, passage=passage_of("x")) for number in range(4))
    done = ask(retrieval(collections=("docs", "la\x1bws"), items=items))
    assert "⌕ 3 passages of docs, laws go along; 1 had no room\n" in done.err
    error = ErrorInfo(kind="unavailable", code="knowledge_unavailable", message="The index has gone.")
    assert "Knowledge: The index has gone.\n" in ask(retrieval(error=error)).err
    inside = ask(retrieval(call_id="c", items=items)).err
    assert "passages" not in inside, "the call says it itself"


def test_the_collections_of_one_run_can_be_named(ask: Any, fake: FakeDoors) -> None:
    ask(cited, "--knowledge", "docs", "--knowledge", "laws")
    [sent] = fake.workbench_used.sent
    assert sent.options.knowledge == (KnowledgeUse(collection="docs"), KnowledgeUse(collection="laws"))
    ask(cited)
    assert fake.workbench_used.sent[0].options.knowledge is None


def test_a_place_is_named_as_far_as_it_is_known() -> None:
    assert where("a.txt", None) == "a.txt"
    assert where("a.txt", Place(start=0, end=1)) == "a.txt"
    assert where("a.txt", Place(start=0, end=1, line=7, last_line=7)) == "a.txt:7"
    assert where("a.pdf", Place(start=0, end=1, page=7, last_page=9)) == "a.pdf, pages 7-9"
    assert list(source_lines([Citation(number=1, excerpt="words")])) == ["[1] a text that was given"]


@pytest.mark.parametrize(
    ("knowledge", "memory", "told"), [((), False, False), (("*",), False, True), ((), True, True)]
)
def test_an_untrusted_agent_is_said_to_see_nothing_of_the_users(
    fake: FakeDoors, cli: Cli, knowledge: tuple[str, ...], memory: bool, told: bool
) -> None:
    spec = AgentSpec(version=1, name="general", knowledge=knowledge, memory=MemorySpec(recall=memory))
    workbench = FakeWorkbench(cited)
    workbench.agent_infos = {"general": agent_of("general", layer=Layer.PROJECT, trusted=False, spec=spec)}
    fake.build = lambda: workbench
    assert ("searches no collections" in cli("run", "general", "hello").err) is told
