"""Invariants of what the planner computes and of what the worker merges."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.models import ReasoningDelta, TextDelta, ToolCallDelta
from holdfast.core.models.pieces import Coalescer
from holdfast.core.models.planning.answers import code_block
from holdfast.core.models.planning.passages import passages
from holdfast.core.models.planning.series import series
from holdfast.core.models.planning.tables import figures, groups, parse_table, to_number

cents = st.decimals(min_value=-10_000, max_value=10_000, places=2)
rows = st.lists(st.tuples(st.sampled_from(["North", "South", "West"]), cents), min_size=6, max_size=40)


def written(value: Decimal, style: str) -> str:
    return {"plain": f"{value}", "grouped": f'"{value:,}"', "money": f'"${value:,}"'}[style]


@given(rows, st.sampled_from(["plain", "grouped", "money"]))
def test_sums_are_exact_however_numbers_are_written(data, style):
    # A total is what was written, to the cent: "$-5" is no way to write money, so that style is positive.
    data = [(name, abs(value) if style == "money" else value) for name, value in data]
    text = "region,revenue\n" + "".join(f"{name},{written(value, style)}\n" for name, value in data)
    table = parse_table(text)
    assert table is not None
    found = figures(table)
    (revenue,) = found.numbers
    assert revenue.total == sum(value for _, value in data)
    assert (revenue.smallest, revenue.largest) == (min(v for _, v in data), max(v for _, v in data))
    for by in found.categories:
        parts = groups(found, by, revenue)
        assert sum(g.total for g in parts) == revenue.total
        assert sum(g.rows for g in parts) == len(data)


@given(st.lists(st.tuples(st.integers(2000, 2012), st.sampled_from("AB"), cents), min_size=6, max_size=60))
def test_a_series_adds_up_to_the_total(data):
    text = "year;kind;amount\n" + "".join(f"{y};{k};{v}\n" for y, k, v in data)
    table = parse_table(text)
    assert table is not None
    found = figures(table)
    measure = found.measure
    assert measure is not None and measure.name == "amount"
    over_time = series(found, found.categories[0] if found.categories else None, measure)
    if over_time is not None:
        assert sum(sum(line) for line in over_time.lines.values()) == measure.total
        for who, whom, when in over_time.passings():
            at = over_time.periods.index(when)
            assert over_time.lines[who][0] <= over_time.lines[whom][0]
            both = zip(over_time.lines[who][at:], over_time.lines[whom][at:], strict=True)
            assert all(a > b for a, b in both)


def test_numbers_are_read_in_the_forms_that_people_write():
    forms = {
        "1,234.50": "1234.50",
        "1.234,50": "1234.50",
        "12 %": "12",
        "€ 7": "7",
        "-3e2": "-300",
        "3,5": "3.5",
    }
    assert {text: to_number(text) for text in forms} == {t: Decimal(n) for t, n in forms.items()}
    assert [to_number(text) for text in ("", "n/a", "1-2", "12 apples", "1,2,3", "nan", "∞")] == [None] * 7


@given(st.text())
def test_any_text_is_a_table_or_none_and_never_an_error(text):
    for name in ("x.csv", "x.json"):
        table = parse_table(text, name)
        if table is not None:
            assert all(len(row) == len(table.header) for row in table.rows)
            figures(table)


@given(st.text())
def test_passages_stand_where_they_say(text):
    lines = text.splitlines()
    for passage in passages("x", text):
        first = passage.text.splitlines()[0]
        assert lines[passage.line - 1].startswith(first)


@given(st.text())
def test_a_code_block_is_ended_by_its_own_fence_only(text):
    block = code_block(text)
    fence = block.split("\n", 1)[0]
    if set(fence) == {"`"}:
        inside = block[len(fence) + 1 :].rsplit(f"\n{fence}", 1)[0]
        assert fence not in inside


deltas = st.lists(
    st.one_of(
        st.builds(TextDelta, text=st.text(max_size=5)),
        st.builds(ReasoningDelta, text=st.text(max_size=5), summary=st.booleans()),
        st.builds(ToolCallDelta, key=st.sampled_from("ab"), arguments=st.text(max_size=5)),
        st.builds(ToolCallDelta, key=st.sampled_from("ab"), name=st.just("f"), arguments=st.text(max_size=5)),
    )
)


def said(items):
    """What the deltas say, character by character and in order."""
    out = []
    for d in items:
        if isinstance(d, ToolCallDelta):
            out += [("call", d.key, d.name)] if d.name else []
            out += [("arguments", d.key, c) for c in d.arguments]
        else:
            out += [(d.type, getattr(d, "summary", None), c) for c in d.text]
    return out


@given(deltas, st.integers(1, 7))
def test_merging_changes_neither_content_nor_order(items, every):
    coalescer = Coalescer()
    got = []
    for number, delta in enumerate(items):
        coalescer.add(delta)
        if number % every == 0:
            got += coalescer.take()
    got += coalescer.take()
    assert said(got) == said(items)
    assert coalescer.take() == []
