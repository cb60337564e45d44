"""Citations in replies: what a number stands for, and which numbers are none."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from grammar import check
from hypothesis import example, given
from hypothesis import strategies as st
from run_helpers import of
from tests.fakes.fake_index import FakeIndex

from holdfast.core.domain.errors import ModelStreamCut
from holdfast.core.domain.events import MessageAdded, PartDelta, PartStarted, RunStarted, StepStarted
from holdfast.core.domain.knowledge import Passage, Place, Retrieved
from holdfast.core.domain.messages import TextPart
from holdfast.core.runs.knowledge.citing import cited
from holdfast.core.runs.knowledge.code import code_spans
from holdfast.core.sessions.export import to_markdown


def passage(number: int) -> Retrieved:
    found = Passage(
        chunk_id=number + 100,
        number=number,
        collection_id="c",
        collection="docs",
        document_id="d",
        document=f"{number}.md",
        source=f"/files/{number}.md",
        text=f"text {number} " * 100,
        place=Place(start=0, end=4, page=number),
        score=1 / number,
        vector_rank=number,
    )
    return Retrieved(number=number, passage=found)


SOURCES = {number: passage(number) for number in (1, 2, 3, 12)}


@pytest.mark.parametrize(
    ("text", "clean", "numbers"),
    [
        ("Paris [1].", "Paris [1].", [1]),
        ("Paris [9].", "Paris.", []),
        ("Paris[9].", "Paris.", []),
        ("Paris [2][9][1].", "Paris [2][1].", [2, 1]),
        ("Paris [1, 9, 3].", "Paris [1, 3].", [1, 3]),
        ("Paris [8; 9].", "Paris.", []),
        ("Paris [ 12 ] and [12].", "Paris [ 12 ] and [12].", [12]),
        ("[9] At the start.\n[8] Again.", "At the start.\nAgain.", []),
        ("Since [2023] it stands [1].", "Since [2023] it stands [1].", [1]),
        ("See [9](https://a.example) and [1](b.md).", "See [9](https://a.example) and [1](b.md).", []),
        ("See [9].\n\n[9]: https://a.example", "See [9].\n\n[9]: https://a.example", []),
        ("Yes [1].\n\n[1]: handbook.md", "Yes [1].\n\n[1]: handbook.md", [1]),
        ("Run `a[9]` or ``b`[9]``.", "Run `a[9]` or ``b`[9]``.", []),
        ("One ` tick [9].", "One ` tick.", []),
        ("```\na[9]\n```\nOut [9].", "```\na[9]\n```\nOut.", []),
        ("~~~py\na[9]\n```\n[8]", "~~~py\na[9]\n```\n[8]", []),
        ("Text:\n\n    a[9]\n\nOut [9].", "Text:\n\n    a[9]\n\nOut.", []),
        ("- item [9]\n\n    goes on [9]", "- item\n\n    goes on", []),
        (r"Not \[9\] nor \[9].", r"Not \[9\] nor \[9].", []),
        ("A note[^9] and a task [ ] and [x] and [].", "A note[^9] and a task [ ] and [x] and [].", []),
        ("Ranges [1-3] stay.", "Ranges [1-3] stay.", []),
    ],
)
def test_markers(text: str, clean: str, numbers: list[int]) -> None:
    found, citations = cited(text, SOURCES)
    assert found == clean
    assert [each.number for each in citations] == numbers


def test_without_sources_nothing_is_touched() -> None:
    assert cited("A list [1] of [99].", {}) == ("A list [1] of [99].", ())


def test_a_citation_says_what_it_stands_for() -> None:
    (citation,) = cited("So [2].", SOURCES)[1]
    assert (citation.document, citation.chunk_id, citation.vector_rank) == ("2.md", 102, 2)
    assert citation.place is not None
    assert citation.place.page == 2
    assert len(citation.excerpt) == 300


PIECES = st.sampled_from(
    [
        *(
            "[1]",
            "[2]",
            "[9]",
            "[1, 9]",
            "[9,8]",
            "[12]",
            "[",
            "]",
            "1",
            "9",
            ", ",
            " ",
            "\n",
            "\n\n",
            "`",
            "``",
        ),
        *(
            "```",
            "~~~",
            "```\n",
            "    ",
            "\t",
            "- ",
            "word",
            "[9](x)",
            "[9]: x",
            "[3]: y\n",
            "\\",
            "!",
            "^",
            "a.",
            "é",
        ),
    ]
)
TEXTS = st.lists(PIECES, max_size=25).map("".join)


@given(TEXTS)
@example("x`[9]`` a [8] ``")
@example("[9]~~~\n[8]\n~~~\n[9]")
def test_what_is_kept_is_what_was_written_but_for_numbers_without_a_passage(text: str) -> None:
    clean, citations = cited(text, SOURCES)
    assert all(each.number in SOURCES for each in citations)
    assert len({each.number for each in citations}) == len(citations)
    assert clean == text or len(clean) < len(text)
    bare = re.compile(r"\[[\d,; \t]*\]|[ \t]")
    assert bare.sub("", clean) == bare.sub("", text)
    code = [text[start:end] for start, end in code_spans(text)]
    assert all(piece.rstrip() in clean for piece in code), "code is never touched"


@given(TEXTS)
def test_cleaning_again_changes_nothing_where_there_is_no_code(text: str) -> None:
    text = re.sub(r"[`~\t]|    ", "", text)
    clean, citations = cited(text, SOURCES)
    assert cited(clean, SOURCES) == (clean, citations)


@given(TEXTS)
def test_code_spans_are_apart_and_in_order(text: str) -> None:
    spans = code_spans(text)
    assert all(start < end <= len(text) for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_a_reply_of_nothing_but_markers_is_quick() -> None:
    text = "[9] `" * 20_000 + "[1" * 20_000
    assert "[9]" not in cited(text.replace("`", ""), SOURCES)[0]
    cited(text, SOURCES)


# --- in runs


@pytest.fixture
def index() -> FakeIndex:
    index = FakeIndex()
    index.add("docs", {"travel.md": ["Hotels cost at most ninety euros a night."]})
    return index


CONTEXT = "knowledge: [{ collection: docs, retrieval: { mode: context } }]\n"


async def test_deltas_stay_as_they_were_streamed_and_the_model_sees_the_clean_text(
    open_bench, say, index
) -> None:
    steps = [say("Ninety [1", "], not [7]", "."), say("ok")]
    async with open_bench(steps, knowledge=index, agent=CONTEXT) as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session, "hotels"))
        assert "".join(each.text for each in of(events, "part.delta")) == "Ninety [1], not [7]."
        (done,) = of(events, "part.completed")
        assert (done.text, [each.number for each in done.citations]) == ("Ninety [1], not.", [1])
        assert done.citations[0].source == "/files/travel.md"
        check(events)
        await bench.end(await bench.send(session, "Thanks"))
        assert "Ninety [1], not." in [message.text for message in bench.model.requests[-1].messages]


async def test_without_retrievals_a_reply_is_left_alone(open_bench, say, index) -> None:
    async with open_bench([say("A list [7].")], knowledge=index) as bench:
        (done,) = of(await bench.end(await bench.send(await bench.session())), "part.completed")
        assert (done.text, done.citations) == ("A list [7].", ())


async def test_a_number_stands_for_nothing_where_a_search_has_found_nothing(open_bench, say, index) -> None:
    async with open_bench([say("It says so [1]. `a[1]`")], knowledge=index, agent=CONTEXT) as bench:
        events = await bench.end(await bench.send(await bench.session(), "zzz"))
        assert of(events, "retrieval.completed")[0].items == ()
        (done,) = of(events, "part.completed")
        assert (done.text, done.citations) == ("It says so. `a[1]`", ())


async def test_the_lists_of_a_json_reply_are_no_citations(open_bench, say, index) -> None:
    async with open_bench([say('{"a": [7]}')], knowledge=index, agent=CONTEXT) as bench:
        schema = {"type": "object", "properties": {"a": {"type": "array"}}}
        events = await bench.end(await bench.send(await bench.session(), "hotels", response_format=schema))
        (done,) = of(events, "part.completed")
        assert (done.text, done.citations) == ('{"a": [7]}', ())


async def test_a_reply_that_is_cut_off_has_its_citations_too(open_bench, say, index) -> None:
    steps = [[*say("Ninety [1] or [7]")[:-1], ModelStreamCut("cut")]]
    async with open_bench(steps, knowledge=index, agent=CONTEXT) as bench:
        events = await bench.end(await bench.send(await bench.session(), "hotels"))
        assert events[-1].event.type == "run.failed"
        (done,) = of(events, "part.completed")
        assert (done.text, [each.number for each in done.citations]) == ("Ninety [1] or", [1])


async def test_the_export_lists_the_sources_below_a_reply(open_bench, say, index) -> None:
    async with open_bench([say("Ninety [1].")], knowledge=index, agent=CONTEXT) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session, "hotels"))
        text = await bench.workbench.sessions.export(session.id, "markdown")
        source = "- [1] travel.md, line 1, Top (/files/travel.md); score 1.00\n  > Hotels"
        assert f"Ninety [1].\n\nSources:\n\n{source}" in text
        assert '"chunk_id": 1' in await bench.workbench.sessions.export(session.id, "json")


async def test_no_name_or_passage_becomes_a_link_in_the_export(open_bench, say, index) -> None:
    async with open_bench([say("Ninety [1].")], knowledge=index, agent=CONTEXT) as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session, "hotels"))
        (done,) = of(events, "part.completed")
        evil = "[a](http://evil.test)<img src=x>"
        place = Place(start=0, end=1, headings=(evil,))
        changed = {"document": evil, "source": evil, "excerpt": f"!{evil}", "place": place, "score": None}
        citation = done.citations[0].model_copy(update=changed)
        logged = next(each for each in events if each.event == done)
        told = logged.model_copy(update={"event": done.model_copy(update={"citations": (citation,)})})
        text = to_markdown(session, [told])
        tame = r"\[a\](http://evil.test)\<img src=x>"
        assert f"- [1] {tame}, {tame} ({tame})\n  > !{tame}" in text


async def test_the_export_says_how_a_source_was_ranked_and_quotes_every_line_of_it(
    open_bench, say, index
) -> None:
    async with open_bench([say("Ninety [1].")], knowledge=index, agent=CONTEXT) as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session, "hotels"))
        (done,) = of(events, "part.completed")
        changed = {"excerpt": "one\n\n# two\x1b[2J", "score": 0.5, "vector_rank": 3, "lexical_rank": 12}
        citation = done.citations[0].model_copy(update=changed)
        logged = next(each for each in events if each.event == done)
        told = logged.model_copy(update={"event": done.model_copy(update={"citations": (citation,)})})
        text = to_markdown(session, [told])
        assert "; score 0.50; rank 3 by meaning, 12 by words\n  > one\n  >\n  > # two\\[2J\n" in text


async def test_a_reply_that_a_crash_has_cut_off_has_its_citations_when_the_engine_starts_again(
    open_bench, say, index
) -> None:
    async with open_bench([say("Ninety [1].")], knowledge=index, agent=CONTEXT) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session, "hotels"))
        ids = {"session_id": session.id, "run_id": "cut-off"}
        await bench.workbench._core.log.append(
            RunStarted(**ids, agent="tester", model="scripted"),
            MessageAdded(**ids, message_id="m", parts=(TextPart(text="And?"),)),
            StepStarted(**ids, step=1, model="scripted", prompt="0" * 64),
            PartStarted(**ids, part_id="1.1", kind="text"),
            PartDelta(**ids, part_id="1.1", text="Still [1], never [7]"),
            durable=True,
        )
    async with open_bench([], knowledge=index, agent=CONTEXT) as bench:
        events = await bench.end("cut-off")
        (done,) = of(events, "part.completed")
        assert (done.text, [each.number for each in done.citations]) == ("Still [1], never", [1])
        check(events)
