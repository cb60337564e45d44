"""Models with their prices, and what plans of agents support."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.domain.models import ModelInfo
from holdfast.core.domain.plans import CREDIT_TIERS, PRICES, CreditState, ModelPrice, PlanTerms
from holdfast.tui.presenters.models import (
    SUPPORT,
    TABS,
    ModelsState,
    counts,
    credits_line,
    detail_lines,
    footer,
    headline,
    model_rows,
    model_views,
    note_lines,
    price_views,
    tier_lines,
)
from holdfast.tui.presenters.spans import plain

TERMS = PlanTerms(
    counted=True,
    regions=("us-east-1", "eu-west-1"),
    prices=tuple(
        ModelPrice(
            model=name, decentralized=one.hundred_queries, input=one.input_million, output=one.output_million
        )
        for name, one in PRICES.items()
    ),
)


def info(name: str, **more: Any) -> ModelInfo:
    return ModelInfo(name=name, provider=name.partition("/")[0], **more)


def state(*models: ModelInfo, **more: Any) -> ModelsState:
    return ModelsState(
        models=model_views(models, TERMS, 1000),
        prices=price_views(TERMS),
        tiers=tier_lines(TERMS),
        regions=TERMS.regions,
        **more,
    )


def test_a_model_of_the_list_has_its_price_on_both_plans() -> None:
    known = state(
        info("openai/gpt-4", context_window=8192, input_usd_per_million=30, output_usd_per_million=60)
    )
    text = plain(detail_lines(known, "usable", "openai/gpt-4"))
    assert "8,192 tokens" in text and "$30 / $60" in text and "30,000 / 60,000  on the plan dedicated" in text
    assert "20,000  on the plan decentralized" in text and "200 credits, $0.2" in text


def test_another_model_is_charged_by_its_dollars_or_not_known() -> None:
    known = state(info("x/y", input_usd_per_million=2, output_usd_per_million=4), info("x/z"))
    assert "2,000 / 4,000" in plain(detail_lines(known, "usable", "x/y"))
    assert "decentralized" not in plain(detail_lines(known, "usable", "x/y"))
    assert "credits       ?" in plain(detail_lines(known, "usable", "x/z"))


def test_the_list_of_prices_is_whole_and_found_by_words() -> None:
    known = state(credits="12 credits left")
    assert len(model_rows(known, "prices", [], 60)) == len(PRICES)
    [(name, lines)] = model_rows(known, "prices", ["405b"], 60)
    assert name == "llama-3-405b" and "100 200 / 200" in " ".join(plain(lines).split())
    text = plain(detail_lines(known, "prices", name))
    assert "$0.2 / $0.2" in text and "12 credits left" in text and "us-east-1, eu-west-1" in text
    assert all(one.name in text for one in CREDIT_TIERS)


def test_models_without_a_key_are_among_all_and_say_how_to_get_one() -> None:
    known = state(info("offline"), info("openai/gpt-4o", available=False))
    assert [key for key, _ in model_rows(known, "usable", [], 60)] == ["offline"]
    assert len(model_rows(known, "all", [], 60)) == 2 and counts(known)["usable"] == "1"
    assert "holdfast keys provider set openai" in plain(detail_lines(known, "all", "openai/gpt-4o"))
    assert "1 model can be used" in plain([headline(known)])


def test_a_narrow_row_keeps_the_name_and_the_price() -> None:
    known = state(info("openai/gpt-4o-mini", context_window=128_000, input_usd_per_million=0,
                       output_usd_per_million=0))  # fmt: skip
    assert "128.0k" in plain(model_rows(known, "usable", [], 60)[0][1])
    narrow = plain(model_rows(known, "usable", [], 38)[0][1])
    assert "128.0k" not in narrow and "gpt-4o-mini" in narrow and "free" in narrow


def test_the_chart_says_what_plans_support_and_whether_alpha_is_on() -> None:
    known = state(info("offline"))
    assert [key for key, _ in model_rows(known, "support", [], 60)] == list(SUPPORT)
    text = plain(detail_lines(known, "support", "vision"))
    assert (
        "decentralized  no" in text and "dedicated      alpha: off" in text and "OpenAI         yes" in text
    )
    known.alpha = True
    assert "alpha: on" in plain(detail_lines(known, "support", "image generation"))
    assert "alpha" in [label for _, label, _ in footer(known, "support")]
    assert "use" in [label for _, label, _ in footer(known, "usable")]


@pytest.mark.parametrize("tab", TABS)
def test_nothing_there_is_said(tab: str) -> None:
    assert "Reading" in plain(note_lines(ModelsState(), tab, some=False))
    assert plain(note_lines(state(), tab, some=False)) == "No model fits."
    assert plain(note_lines(ModelsState(error="broken"), tab, some=False)) == "broken"
    assert plain(note_lines(state(), tab, some=True))
    assert detail_lines(state(), tab, "nothing") == [] or tab == "support"


def test_names_of_models_are_sanitised() -> None:
    known = state(info("x/\x1b]0;pwn\x07y", note="\x1b[2J"))
    rows = model_rows(known, "usable", [], 60)
    assert "\x1b" not in plain([*rows[0][1], *detail_lines(known, "usable", rows[0][0])])


def test_what_a_person_owns_is_said_in_words() -> None:
    known = CreditState(user="local", counted=True, balance=2499.5, spent=0.5, tier=CREDIT_TIERS[0])
    assert credits_line(known) == "2,499.50 credits left, 0.50 spent: Tier 1"
    assert "limits.credits" in credits_line(known.model_copy(update={"counted": False}))
