"""Names of models and models of one's own, from Dexto's words to ours and back."""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.own_models import OwnModel
from holdfast.server.dialects.dexto.mapping_llm import custom_model, named, own_model, run_options
from holdfast.server.dialects.dexto.mapping_providers import PROVIDERS, dexto_model, model_id
from holdfast.server.dialects.dexto.wire_llm import CustomModelBody, CustomProvider

NAMES = st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9 ._:/-]{0,20}[A-Za-z0-9])?", fullmatch=True)
COUNTS = st.none() | st.integers(1, 10**8)
EFFORTS = st.sampled_from([None, "none", "minimal", "low", "medium", "high", "xhigh"])


@st.composite
def bodies(draw: Any) -> dict[str, Any]:
    """Returns what a client may send of a model of its own; what it leaves out is not there."""
    provider = draw(st.sampled_from(get_args(CustomProvider)))
    places = {
        "openai-compatible": {"baseURL": "http://h/v1"},
        "litellm": {"baseURL": "https://gateway.test"},
        "glama": {"baseURL": "https://glama.ai/api/gateway/openai/v1"},
        "local": {"filePath": "/models/a.gguf"},
    }
    said = {
        "name": draw(NAMES),
        "provider": provider,
        **places.get(provider, {}),
        "displayName": draw(st.none() | st.text(min_size=1, max_size=20)),
        "maxInputTokens": draw(COUNTS),
        "maxOutputTokens": draw(COUNTS),
        "reasoningEffort": draw(EFFORTS),
    }
    return {key: value for key, value in said.items() if value is not None}


@given(body=bodies())
def test_a_model_of_ones_own_is_shown_as_it_was_sent(body: dict[str, Any]) -> None:
    model = own_model(CustomModelBody.model_validate(body))
    assert custom_model(model).model_dump(by_alias=True) == body
    assert named(model.full_name, model) == (body["provider"], body["name"])
    assert OwnModel.model_validate_json(model.model_dump_json(exclude_defaults=True)) == model


@given(provider=st.sampled_from([one.name for one in PROVIDERS.values() if one.ours]), name=NAMES)
def test_a_model_of_a_provider_keeps_its_name(provider: str, name: str) -> None:
    assert dexto_model(model_id(provider, name)) == (provider, name)


@given(window=COUNTS, most=COUNTS, steps=COUNTS, effort=EFFORTS)
def test_whatever_is_said_of_a_run_can_be_asked(window: Any, most: Any, steps: Any, effort: Any) -> None:
    given_ = {"max_input_tokens": window, "max_output_tokens": most, "max_iterations": steps}
    said = {**given_, "reasoning_effort": effort}
    options = run_options(None, {key: value for key, value in said.items() if value is not None})
    assert options.get("max_steps") == steps and "model" not in options
    assert options.get("max_context_tokens", 1_000) >= 1_000
