"""What the names of the plans' price list mean."""

from __future__ import annotations

import pytest

from holdfast.core.domain.plans import PRICES
from holdfast.core.models.providers import PROVIDERS
from holdfast.core.models.script_names import meant_by, spellings


@pytest.mark.parametrize("name", PRICES)
def test_every_name_of_the_list_means_a_model_of_a_provider(name: str) -> None:
    found = meant_by(name)
    assert found[0] == name
    assert all(each.split("/")[0] in PROVIDERS for each in found if "/" in each)
    assert any(each.startswith("openrouter/") for each in found)


def test_other_names_mean_themselves() -> None:
    assert meant_by("my-model") == ("my-model",)
    assert meant_by("openai/gpt-4o") == ("openai/gpt-4o",)


def test_latest_may_be_left_out() -> None:
    assert spellings("gpt-4") == ("gpt-4", "gpt-4-latest")
    assert spellings("gemini-1.5-pro-latest") == ("gemini-1.5-pro-latest", "gemini-1.5-pro")
