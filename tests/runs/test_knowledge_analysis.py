"""A program of the model's over its documents, with questions to a model."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import Any

import pytest
from grammar import check
from run_helpers import of
from tests.fakes.fake_index import FakeIndex

from holdfast.core.domain.errors import InvalidError, ModelUnavailable
from holdfast.core.domain.messages import text_of
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.tools.builtin.analyse_documents import ROUNDS

COUNT = "print(sorted((d.name, len(d.text)) for d in documents))"
ASK = """\
print("begins")
answers = ask_all([("Which price?", d.text) for d in documents])
print(ask("Together?", " and ".join(answers)))
"""


@pytest.fixture
def index() -> FakeIndex:
    index = FakeIndex()
    index.add("docs", {"a.md": ["Hotels cost", "ninety euros."], "b.md": ["Trains cost ten euros."]})
    index.add("secret", {"c.md": ["Not for this run."]})
    return index


@pytest.fixture
def opened(open_bench: Any, index: FakeIndex) -> Any:
    """Opens a bench whose agent may analyse documents."""

    @asynccontextmanager
    async def opening(steps: Any):
        async with open_bench(steps, knowledge=index, agent="knowledge: [docs]\n") as bench:
            (file,) = bench.home.rglob("tester.yaml")
            file.write_text(file.read_text().replace("update_plan]", "update_plan, analyse_documents]"))
            yield bench

    return opening


def analyse(code: str, *documents: str) -> tuple[str, str]:
    return ("analyse_documents", json.dumps({"code": code, "documents": documents}))


async def end(bench: Any, **options: Any) -> tuple[Any, str]:
    events = await bench.end(await bench.send(await bench.session(), approve="all", **options))
    check(events)
    (done,) = of(events, "tool_call.completed")
    return events, text_of(done.content)


async def test_a_program_sees_the_documents_of_the_run(opened, say, call) -> None:
    async with opened([call(analyse(COUNT)), say("ok")]) as bench:
        _, said = await end(bench)
        assert said == "[('a.md', 25), ('b.md', 22)]\n[exit code 0]"


async def test_a_person_is_asked_for_it_as_for_any_program(opened, say, call) -> None:
    async with opened([call(analyse(COUNT)), say("ok")]) as bench:
        await bench.send(await bench.session())
        approval = await bench.approval()
        assert (approval.tool, approval.risk, approval.preview[0].text) == (
            "analyse_documents",
            "execute",
            COUNT,
        )


async def test_its_questions_are_answered_and_it_is_run_again(opened, say, call, usage) -> None:
    steps = [call(analyse(ASK)), [*say("ten")[:-1], usage, *say()], say("ten"), say("twenty"), say("ok")]
    async with opened(steps) as bench:
        events, said = await end(bench)
        assert said == "begins\ntwenty\n[exit code 0]", "what it prints is told once"
        first, second, third = (request.messages[-1].text for request in bench.model.requests[1:4])
        assert {first.splitlines()[-1], second.splitlines()[-1]} == {
            "> ninety euros.",
            "> Trains cost ten euros.",
        }
        assert third.startswith("Together?")
        assert "> ten and ten" in third
        progress = "".join(each.text for each in of(events, "tool_call.progressed"))
        assert progress.count("Which price?") == 2
        assert of(events, "usage.recorded")[0].input_tokens == 7


async def test_only_some_documents_may_be_named(opened, say, call) -> None:
    async with opened([call(analyse(COUNT, "b.md")), say("ok")]) as bench:
        assert "[('b.md', 22)]" in (await end(bench))[1]


async def test_a_document_of_another_collection_is_none(opened, say, call) -> None:
    async with opened([call(analyse(COUNT, "c.md")), say("ok")]) as bench:
        assert "There is no document 'c.md'" in (await end(bench))[1]


async def test_a_mistake_of_the_program_is_shown_as_its_own(opened, say, call) -> None:
    code = "try:\n    ask('x', 'y' * 70_000)\nexcept Exception as e:\n    print(e)\nraise KeyError('mine')"
    async with opened([call(analyse(code)), say("ok")]) as bench:
        said = (await end(bench))[1]
        assert "a text to ask about has at most 60,000 characters" in said
        assert 'File "script.py", line 5' in said
        assert "analyse_main" not in said


async def test_a_model_that_fails_ends_the_call_with_its_error(opened, say, call) -> None:
    async with opened(
        [call(analyse("ask('a', 'b')")), [ModelUnavailable("The model is away.")], say("ok")]
    ) as bench:
        assert (await end(bench))[1] == "The model is away."


async def test_a_program_that_never_ends_asking_is_stopped(opened, say, call) -> None:
    code = "import time\nask(str(time.time_ns()), '')"
    steps = [call(analyse(code)), *[say("again")] * (ROUNDS + 1), say("ok")]
    async with opened(steps) as bench:
        assert "waited for answers more than 8 times" in (await end(bench))[1]


async def test_a_pipe_in_the_place_of_questions_does_not_hold_the_engine(opened, say, call) -> None:
    code = "import os\nos.mkfifo(os.path.join(os.path.dirname(__file__), 'asked.json'))"
    async with opened([call(analyse(code)), say("ok")]) as bench:
        assert (await end(bench))[1] == "The program asks for too much at once."


@pytest.mark.parametrize(
    "written", ['"x"', '[{"key": 1}]', '[{"key": "k", "question": "q", "text": "t", "more": 1}]']
)
async def test_what_a_program_writes_in_the_place_of_questions_is_no_harm(opened, say, call, written) -> None:
    code = (
        f"import sys, os\nopen(os.path.join(os.path.dirname(__file__), 'asked.json'), 'w').write({written!r})"
    )
    async with opened([call(analyse(code)), say("ok")]) as bench:
        assert (await end(bench))[1] == "The program's questions cannot be read."


async def test_a_run_may_bring_it_to_an_agent_that_runs_programs(open_bench, index, say, call) -> None:
    tools = ("search_knowledge", "read_document", "analyse_documents")
    knowledge = (KnowledgeUse(collection="docs"),)
    async with open_bench([call(analyse(COUNT)), say("ok")], knowledge=index) as bench:
        _, said = await end(bench, knowledge=knowledge, knowledge_tools=tools)
        assert said == "[('a.md', 25), ('b.md', 22)]\n[exit code 0]"
        assert {tool.name for tool in bench.model.requests[0].tools} >= set(tools)


async def test_an_agent_without_programs_is_not_given_it(open_bench, index) -> None:
    knowledge = (KnowledgeUse(collection="docs"),)
    async with open_bench([], knowledge=index) as bench:
        (file,) = bench.home.rglob("tester.yaml")
        file.write_text(file.read_text().replace(" run_command,", ""))
        with pytest.raises(InvalidError, match="runs no programs"):
            await end(bench, knowledge=knowledge, knowledge_tools=("analyse_documents",))
