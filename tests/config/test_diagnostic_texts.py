"""How a mistake with a hint reads in one line."""

from __future__ import annotations

import pytest

from holdfast.core.domain.errors import Diagnostic


@pytest.mark.parametrize(
    ("message", "expected", "said"),
    [
        ("the tag is listed twice", "", "the tag is listed twice; keep one of them"),
        ("is no colour", "red, blue", "is no colour (expected red, blue) keep one of them"),
        ("That is twice.", "", "That is twice. keep one of them"),
    ],
    ids=["message", "expected", "sentence"],
)
def test_a_hint_stands_apart_from_the_message(message: str, expected: str, said: str) -> None:
    mistake = Diagnostic(
        file="a.yaml",
        line=3,
        column=5,
        key_path="",
        message=message,
        expected=expected,
        hint="keep one of them",
    )
    assert str(mistake) == f"a.yaml:3:5: {said}"
