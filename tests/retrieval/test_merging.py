"""Joining ranked lists, the token budget, and reading what models answer: what holds for any input."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.knowledge import Passage, Place, Retrieved
from holdfast.core.domain.passages import (
    divided,
    quoted,
    shown,
    tokens_of,
    used_tokens,
    where,
    within_budget,
)
from holdfast.core.knowledge.retrieval.merging import distinct, fused, groups
from holdfast.core.knowledge.retrieval.prompts import MOST_QUERIES, numbers_in, queries_in


def passage(chunk_id: int, document: str = "d", text: str = "") -> Passage:
    return Passage(
        chunk_id=chunk_id,
        number=chunk_id,
        collection_id="c",
        collection="docs",
        document_id=document,
        document=f"{document}.md",
        source=f"/{document}.md",
        text=text or f"text {chunk_id}",
        place=Place(start=0, end=1),
        score=0.5,
    )


ranked = st.lists(st.integers(1, 12), unique=True, max_size=8).map(
    lambda ids: [passage(each) for each in ids]
)


@given(st.lists(ranked, max_size=4))
def test_fusing_keeps_each_passage_once_and_ranks_them(lists: list[list[Passage]]) -> None:
    found = fused(lists)
    assert {each.chunk_id for each in found} == {each.chunk_id for few in lists for each in few}
    assert len({each.chunk_id for each in found}) == len(found)
    if sum(map(bool, lists)) > 1:
        scores = [each.score for each in found]
        assert scores == sorted(scores, reverse=True)
        assert all(0 < score <= 1 for score in scores)


@given(ranked)
def test_one_list_stays_as_it_is(found: list[Passage]) -> None:
    assert fused([found, []]) == distinct(found) == found


@given(ranked)
def test_what_all_lists_have_first_is_first_with_the_best_score(found: list[Passage]) -> None:
    if found:
        assert fused([found, found])[0].score == 1.0


@given(st.lists(st.tuples(st.integers(1, 9), st.sampled_from("ab")), max_size=12))
def test_groups_are_runs_of_neighbours_in_the_order_of_their_document(chosen: list[tuple[int, str]]) -> None:
    passages = [passage(number + (100 if name == "b" else 0), name) for number, name in chosen]
    runs = groups(passages)
    assert sum(map(len, runs)) == len(set(chosen))
    for run in runs:
        assert [each.number for each in run] == list(range(run[0].number, run[0].number + len(run)))
        assert len({each.document_id for each in run}) == 1
    lasts = {(run[0].document_id, run[-1].number + 1) for run in runs}
    assert not lasts & {(run[0].document_id, run[0].number) for run in runs}, "neighbours are together"


@given(st.lists(st.integers(0, 300), max_size=10), st.none() | st.integers(0, 200))
def test_the_budget_is_filled_in_order_and_nothing_is_cut(sizes: list[int], most: int | None) -> None:
    items = [Retrieved(text="x" * size) for size in sizes]
    marked = within_budget(items, most)
    assert [item.text for item in marked] == [item.text for item in items]
    used = [item.used for item in marked]
    assert used == sorted(used, reverse=True), "nothing behind the first that has no room"
    if most is None:
        assert all(used)
        return
    assert used_tokens(marked) <= most
    if not all(used):
        first = used.index(False)
        assert used_tokens(marked) + tokens_of(items[first].text) > most, "it had no room indeed"


@given(st.text(max_size=200))
def test_each_line_of_a_quoted_text_begins_with_its_mark(text: str) -> None:
    assert all(line.startswith(">") for line in quoted(text).splitlines())
    item = Retrieved(text=text, number=1)
    lines = shown([item]).splitlines()
    assert lines[0] == "[1] given text"
    assert all(line.startswith(">") for line in lines[1:])


def test_what_is_dropped_is_not_shown() -> None:
    assert shown([Retrieved(text="a", number=1), Retrieved(text="b", used=False)]) == "[1] given text\n> a"


def test_a_place_is_said_in_words() -> None:
    place = Place(start=0, end=1, line=3, last_line=9, headings=("Travel", "Ho\x1btels"))
    assert where(place) == "lines 3–9, Travel › Hotels"
    assert where(Place(start=0, end=1, page=2, last_page=2, line=7)) == "page 2"
    assert where(Place(start=0, end=1)) == ""


@given(st.text(alphabet='[]{}",0123 abq:\n', max_size=60))
def test_any_answer_can_be_read_or_is_none(answer: str) -> None:
    numbers = numbers_in(answer, 3)
    assert numbers is None or (set(numbers) <= {1, 2, 3} and len(set(numbers)) == len(numbers))
    queries = queries_in(answer)
    assert queries is None or (len(queries) <= MOST_QUERIES and all(queries))


def test_an_answer_is_found_in_what_stands_around_it() -> None:
    assert numbers_in("I choose {these}: [3, 1, 3, 9].", 5) == [3, 1]
    assert numbers_in('["a"] then [2]', 5) == [2]
    assert numbers_in("none", 5) is None
    assert queries_in('{"a": 1} {"queries": ["one\\ntwo", " "]}') == ["one two"]
    assert queries_in("[" * 5_000) is None


@given(st.text(alphabet="ab \n", max_size=200), st.none() | st.integers(1, 30))
def test_a_text_that_is_divided_is_whole_and_its_first_part_has_room(text: str, most: int | None) -> None:
    items = divided(text, most)
    assert "".join(item.text for item in items) == text
    assert 1 <= len(items) <= 2
    marked = within_budget(items, most)
    assert [item.used for item in marked] == [True, False][: len(items)]
