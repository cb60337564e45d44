"""The questions of the benchmark are fair."""

from __future__ import annotations

import pytest
from tests.benchmarks.labelled import Labelled, labelled
from tests.benchmarks.metrics import difference, quality


@pytest.fixture(scope="module")
def made() -> Labelled:
    return labelled(("json", "logging", "pathlib"))


def words(text: str) -> str:
    return " ".join("".join(char if char.isalnum() else " " for char in text.lower()).split())


def test_no_passage_holds_the_question_that_it_answers(made: Labelled) -> None:
    assert made.questions
    assert all(words(each.text) not in words(made.passages[each.passage].text) for each in made.questions)


def test_no_question_and_no_passage_is_there_twice(made: Labelled) -> None:
    assert len({words(each.text) for each in made.questions}) == len(made.questions)
    assert len({words(each.text) for each in made.passages}) == len(made.passages)


def test_no_question_has_the_name_of_its_answer(made: Labelled) -> None:
    names = [
        (each.text.split(), made.passages[each.passage].name.rpartition(".")[2]) for each in made.questions
    ]
    assert not [name for text, name in names if name in text]


def test_the_halves_are_of_one_size_and_stay_what_they_are(made: Labelled) -> None:
    tuning = [each.text for each in made.questions if each.tuning]
    assert 0.3 < len(tuning) / len(made.questions) < 0.7
    again = labelled(("json", "logging", "pathlib"))
    assert tuning == [each.text for each in again.questions if each.tuning]


def test_a_rank_is_worth_what_the_measures_say() -> None:
    found = quality([1, 3, 7, 20, None])
    assert found.recall_at_5 == (1, 1, 0, 0, 0)
    assert found.ndcg_at_10 == pytest.approx((1, 0.5, 1 / 3, 0, 0))


def test_a_difference_holds_its_mean_and_knows_when_there_is_none() -> None:
    better = difference([1.0] * 60 + [0.0] * 40, [0.0] * 100, resamples=500)
    assert better.low <= better.mean == 0.6 <= better.high
    assert better.low > 0
    chance = difference([0.0, 1.0] * 50, [1.0, 0.0] * 50, resamples=500)
    assert chance.low < 0 < chance.high
