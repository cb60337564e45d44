from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from tests.fakes.fake_index import FakeIndex

from holdfast.core.domain.errors import HoldfastError


class ScriptedAsker:
    """An `Asker` that gives the answers that a test wrote down; `asked` holds the prompts."""

    def __init__(self, answers: Sequence[str | HoldfastError]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, prompt: str, *, system: str = "", max_tokens: int = 1_000) -> str:
        self.asked.append(prompt)
        answer = self._answers.pop(0)
        if isinstance(answer, HoldfastError):
            raise answer
        return answer


@pytest.fixture
def asker() -> Callable[..., ScriptedAsker]:
    """Makes a model that gives these answers."""
    return lambda *answers: ScriptedAsker(answers)


@pytest.fixture
def index() -> FakeIndex:
    """A handbook in two collections, and a guide of another one."""
    index = FakeIndex()
    index.add(
        "docs",
        {
            "travel.md": ["Start.", "Trains run at noon.", "Hotels cost ninety euros.", "Planes are late."],
            "food.md": ["Meals need a receipt.", "Wine is not paid."],
        },
        top_k=2,
    )
    index.add("guide", {"city.md": ["Hotels near the station.", "Hotels cost ninety euros."]}, top_k=3)
    return index
