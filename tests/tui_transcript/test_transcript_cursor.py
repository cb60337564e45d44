"""Places that a cursor stands on inside an entry, folding, and images among the lines."""

from __future__ import annotations

from textual.style import Style

from holdfast.tui.presenters.entries import Entry, ImageView, TextView
from holdfast.tui.widgets.transcript.column import Column
from holdfast.tui.widgets.transcript.line import Paint
from holdfast.tui.widgets.transcript.looks import MOST_PICTURES, Looks
from holdfast.tui.widgets.transcript.spots import code_at, next_spot, spots_in, start_of
from holdfast.tui.widgets.transcript.views import view_blocks


def column_of(*entries: Entry, width: int = 60) -> Column:
    column = Column(Paint(Style(), lambda style: style if isinstance(style, Style) else Style()), width)
    column.fill(entries)
    return column


def reply(id: str, text: str) -> Entry:
    return Entry(id, "reply", int(id), "r", text=text)


def test_code_is_found_with_its_own_text_however_long_and_wherever_it_stands() -> None:
    long = "\n".join(f"\tline({number})" for number in range(150))
    column = column_of(
        reply("1", f"Two:\n\n```python\n{long}\n```\n\n- in a list\n\n  ```\n  inner\n  ```\n")
    )
    spots = spots_in(column, column.items[0], "code")
    assert [spot.text for spot in spots] == [long, "inner"]
    assert code_at(column, column.items[0], spots[0].first) == spots[0]
    assert code_at(column, column.items[0], spots[0].last) == spots[0]
    assert code_at(column, column.items[0], spots[0].first - 1) is None


def test_two_fences_that_follow_each_other_are_two() -> None:
    column = column_of(reply("1", "```\na\n```\n\n```\nb\n```"))
    assert [spot.text for spot in spots_in(column, column.items[0], "code")] == ["a", "b"]


def test_the_next_link_is_that_after_a_place_over_entries_and_back() -> None:
    column = column_of(
        reply("1", "see [one](https://a.org/1) and https://a.org/2"),
        reply("2", "no"),
        reply("3", "https://b.org"),
    )
    first = next_spot(column, "link", start_of(column.items[0].number), 1)
    assert first is not None and first.text == "https://a.org/1"
    second = next_spot(column, "link", (first.first, first.start), 1)
    assert second is not None and second.text == "https://a.org/2"
    third = next_spot(column, "link", (second.first, second.start), 1)
    assert third is not None and third.text == "https://b.org"
    assert next_spot(column, "link", (third.first, third.start), 1) is None
    assert next_spot(column, "link", (third.first, third.start), -1) == second


def test_closing_everything_leaves_what_waits_open_and_a_wish_goes_before() -> None:
    looks = [TextView("x")]
    waits = Entry("1", "tool", 1, title="a", state="waiting", blocks=looks)
    done = Entry("2", "tool", 2, title="b", state="ok", blocks=looks)
    thought = Entry("3", "reasoning", 3, title="Thought", text="hm", collapsed=True)
    column = column_of(waits, done, thought)
    column.looks.folded = True
    assert [item.collapsed for item in column.items] == [False, True, True]
    column.looks.folded = False
    column.items[1].wish = True
    assert [item.collapsed for item in column.items] == [False, True, False]
    column.looks.folded = None
    assert column.items[2].collapsed


def test_an_image_is_wanted_once_and_drawn_when_it_has_come() -> None:
    looks = Looks()
    [drawn] = view_blocks(ImageView("f" * 64, "image/png", "chart.png"), looks=looks)
    assert [line.content.plain for line in drawn.lines(47)] == ["[image: chart.png]"]
    assert looks.take_wanted() == [("f" * 64, 40)]
    drawn.lines(47)
    assert looks.take_wanted() == [], "it is on its way"
    looks.keep("f" * 64, 40, [(("▀", "#102030 on #405060"),) * 3])
    assert [line.content.plain for line in drawn.lines(49)] == ["[image: chart.png]", "▀▀▀"]
    assert len(drawn.lines(9)) == 1, "no room for a picture"


def test_pictures_do_not_pile_up_and_come_again_when_they_are_seen_again() -> None:
    looks = Looks()
    for number in range(MOST_PICTURES + 5):
        looks.picture(f"{number}", 40)
        looks.take_wanted()
        looks.keep(f"{number}", 40, [(("▀", ""),)])
    assert len(looks.pictures) == MOST_PICTURES
    assert looks.picture("0", 40) == []
    assert looks.take_wanted() == [("0", 40)]
