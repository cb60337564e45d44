"""Templates: values are data wherever they stand, escapes come back, words have their places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.errors import TooLargeError
from holdfast.core.domain.templates import (
    MAX_FILLED_CHARS,
    MAX_MENTION_CHARS,
    MAX_MENTIONS,
    Filled,
    Given,
    Mention,
    Template,
)

NASTY = st.text(alphabet='${}\\@ \n"ab19ARGUMENTS-_.,', max_size=30) | st.text(max_size=30)
"""Texts that have what templates are made of."""
WORDS = st.lists(NASTY, max_size=12).map(tuple)


def filled(text: str, line: str, *names: str) -> str:
    template = Template(text)
    return template.fill(template.assign(template.read(line, names), [*names, *template.names])).text


# --- properties


@given(NASTY, WORDS)
def test_an_escaped_text_comes_back_whatever_is_given(text: str, words: tuple[str, ...]) -> None:
    template = Template(text.replace("$", "$$").replace("{{", "\\{{"))
    assert (template.names, template.words, template.takes_rest) == ((), 0, False)
    assert template.fill(Given({"a": "x", "b": "y"})).text == text
    assert template.fill(Given({}, words)).text.startswith(text.rstrip())


@given(NASTY, NASTY, WORDS)
def test_nothing_in_a_value_is_expanded(first: str, second: str, words: tuple[str, ...]) -> None:
    template = Template("<{{a}}|{{b}}|{{a}}|$1|$2|$ARGUMENTS>")
    padded = (*words, "", "")
    expected = f"<{first}|{second}|{first}|{padded[0]}|{padded[1]}|{' '.join(words[2:])}>"
    assert template.fill(Given({"a": first, "b": second}, words)).text == expected


@given(st.lists(NASTY.filter(lambda word: "|" not in word), max_size=12).map(tuple), st.integers(1, 9))
def test_each_word_is_seen_once_in_order(words: tuple[str, ...], highest: int) -> None:
    numbers = "|".join(f"${number}" for number in range(1, highest + 1))
    *placed, rest = Template(f"{numbers}|$ARGUMENTS").fill(Given({}, words)).text.split("|")
    assert placed == [*words, *[""] * 9][:highest]
    assert rest == " ".join(words[highest:])


@given(NASTY)
def test_a_mention_in_a_value_is_none(value: str) -> None:
    made = Template("see {{a}} and @here").fill(Given({"a": f"x @secret.txt {value}"}))
    assert made.mentions == (Mention("here", given=False, fixed=4),)


@given(NASTY.filter(lambda value: bool(value.strip())))
def test_a_value_after_an_at_sign_is_mentioned_as_a_whole(value: str) -> None:
    assert Template("read @{{file}} now").fill(Given({"file": value})).mentions == (Mention(value, True),)


@given(st.lists(st.text(alphabet='ab \\"=$@', min_size=1, max_size=8), min_size=1, max_size=6))
def test_a_quoted_word_is_read_as_it_was_written(words: list[str]) -> None:
    quoted = " ".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words)
    assert Template("$1").read(quoted).words == tuple(words)


@given(st.text(max_size=60))
def test_every_text_is_a_template_and_every_line_can_be_read(text: str) -> None:
    template = Template(text)
    template.fill(template.assign(template.read(text), template.names))


# --- examples


@pytest.mark.parametrize(
    ("text", "line", "result"),
    [
        ("Explain {{topic}}.", "the tides", "Explain the tides."),
        ("{{a}} and {{b}}", "pears and plums", "pears and and plums"),
        ("{{a}} and {{b}}", "b=plums pears", "pears and plums"),
        ("{{a}} and {{b}}", 'a="ripe pears" plums', "ripe pears and plums"),
        ("{{ a }}", "it's here", "it's here"),
        ("$2 before $1", "one two", "two before one"),
        ("$1: $ARGUMENTS", "a b c", "a: b c"),
        ("All: $ARGUMENTS", '  say "hi"\nagain ', 'All: say "hi"\nagain'),
        ("Review.", "be brief", "Review.\n\nbe brief"),
        ("$1", "a b", "a\n\nb"),
        ("$1 or nothing", "", " or nothing"),
        ("It costs $$5, $10 or $x.", "", "It costs $5, $10 or $x."),
        (r"\{{a}} {{a b}} {{}} { {a}}", "", "{{a}} {{a b}} {{}} { {a}}"),
        ("$$1 $$ARGUMENTS", "", "$1 $ARGUMENTS"),
        ("$ARGUMENTSX", "", "$ARGUMENTSX"),
        ("{{a}}", "x=1", "x=1"),
        ("$ARGUMENTS", 'path="a b"', 'path="a b"'),
    ],
)
def test_a_line_fills_a_template(text: str, line: str, result: str) -> None:
    assert filled(text, line) == result


def test_an_argument_that_only_stands_in_the_front_matter_is_read_too() -> None:
    assert Template("Review $1").read("tone=dry a.py", ["tone"]) == Given({"tone": "dry"}, ("a.py",))


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("@notes.md, @notes.md and ann@example.org", [Mention("notes.md", False, 8)]),
        ('see @"my notes.md"!', [Mention("my notes.md", False, 11)]),
        ("@docs/{{name}}.md.", [Mention("docs/a b.md", True, 5)]),
        ("@files:mem://{{name}}", [Mention("files:mem://a b", True, 12)]),
        ("@{{none}} @", []),
        ('@"{{name}}"', [Mention("a b", True)]),
        ("@{{name}}@x @{{name}}", [Mention("a b@x", True), Mention("a b", True)]),
        ("@{{end}}@x", [Mention("a ", True), Mention("x", False, 1)]),
        ('say @" and @x', [Mention('"', False, 1), Mention("x", False, 1)]),
        ("@" + "x" * (MAX_MENTION_CHARS + 1), []),
    ],
)
def test_what_a_template_mentions_is_told(text: str, mentions: list[Mention]) -> None:
    assert list(Template(text).fill(Given({"name": "a b", "end": "a "})).mentions) == mentions


def test_values_in_many_places_cannot_make_an_endless_text() -> None:
    with pytest.raises(TooLargeError) as caught:
        Template("{{a}}" * 1_000).fill(Given({"a": "x" * (MAX_FILLED_CHARS // 500)}))
    assert caught.value.code == "prompt_too_large"
    assert Template("{{a}}").fill(Given({"a": "x"})) == Filled("x")


def test_a_path_that_is_given_in_many_pieces_has_an_end() -> None:
    for text in ("@{{a}}" * 5_000, "@{{a}}!" * 5_000, '@"' + "{{a}}" * 5_000 + '"'):
        with pytest.raises(TooLargeError, match=f"more than {MAX_MENTION_CHARS} characters") as caught:
            Template(text).fill(Given({"a": "x y" * 20}))
        assert len(caught.value.message) < 300


def test_only_so_many_words_may_be_mentions() -> None:
    text = " ".join(f"@name{number}" for number in range(MAX_MENTIONS))
    assert len(Template(text).fill(Given()).mentions) == MAX_MENTIONS
    with pytest.raises(TooLargeError, match=f"more than {MAX_MENTIONS} words"):
        Template(f"{text} @more").fill(Given())


@given(st.text(alphabet='@" ab.', max_size=40), st.text(alphabet='@" ab', max_size=6))
def test_no_letter_of_a_template_is_in_two_mentions(text: str, value: str) -> None:
    made = Template(text.replace("b", "{{v}}")).fill(Given({"v": value}))
    assert sum(len(mention.text) + 1 for mention in made.mentions) <= len(made.text)
