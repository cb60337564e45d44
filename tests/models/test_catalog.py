"""Which model is chosen and why, and what the catalogue knows."""

from __future__ import annotations

import pytest
from tests.fakes.openai_server import FakeOpenAI

from holdfast.core.config.settings import ModelsSettings
from holdfast.core.domain.errors import ModelNotFound
from holdfast.core.models.catalog import Catalog
from holdfast.core.models.credentials import qualify
from holdfast.core.models.prices import facts
from holdfast.core.models.providers import PROVIDERS, environment_base, environment_key, provider_of

NOWHERE = "http://127.0.0.1:9"


def catalog(*, keys: dict[str, str] | None = None, scripted: bool = False, **settings: str) -> Catalog:
    kept = keys or {}
    environment = {PROVIDERS[name].key_variables[0]: key for name, key in kept.items()}
    found = ModelsSettings(**{"ollama_url": NOWHERE, **settings})
    return Catalog(kept.get, found, environment, scripted=scripted)


@pytest.mark.parametrize(
    ("given", "settings", "keys", "model", "source"),
    [
        (("groq/a", "xai/b", "mistral/c"), {"default": "openai/d"}, {"openai": "k"}, "groq/a", "flag"),
        ((None, "xai/b", "mistral/c"), {"default": "openai/d"}, {"openai": "k"}, "xai/b", "session"),
        ((None, None, "mistral/c"), {"default": "openai/d"}, {"openai": "k"}, "mistral/c", "agent"),
        ((None, None, None), {"default": "openai/d"}, {"groq": "k"}, "openai/d", "settings"),
        ((None, None, None), {}, {"openai": "k", "groq": "k"}, "openai/gpt-5-mini", "environment"),
        ((None, None, None), {}, {"anthropic": "k"}, "anthropic/claude-sonnet-4-5", "environment"),
        ((None, None, None), {}, {"cerebras": "k"}, "offline", "default"),
        ((None, None, None), {}, {}, "offline", "default"),
        (("offline", None, None), {}, {"openai": "k"}, "offline", "flag"),
    ],
)
async def test_the_first_that_is_given_in_the_order_is_chosen(given, settings, keys, model, source):
    flag, session, agent = given
    choice = await catalog(keys=keys).choose(
        flag=flag, session=session, agent=agent, settings=settings.get("default")
    )
    assert (choice.model, choice.source) == (model, source)
    if source in ("environment", "default"):
        assert choice.hint and "\n" not in choice.hint


async def test_a_running_ollama_comes_before_offline_and_after_a_key():
    with FakeOpenAI(ollama=["llama3:8b", "qwen"]) as server:
        choice = await catalog(ollama_url=server.root).choose(
            flag=None, session=None, agent=None, settings=None
        )
        assert (choice.model, choice.source) == ("ollama_chat/llama3:8b", "ollama")
        with_key = catalog(ollama_url=server.root, keys={"groq": "k"})
        assert (
            await with_key.choose(flag=None, session=None, agent=None, settings=None)
        ).source == "environment"
        listed = await catalog(ollama_url=server.root).list()
        assert [m.name for m in listed[:3]] == ["offline", "ollama_chat/llama3:8b", "ollama_chat/qwen"]


async def test_something_else_on_ollamas_port_is_no_ollama():
    with FakeOpenAI() as server:
        choice = await catalog(ollama_url=server.root).choose(
            flag=None, session=None, agent=None, settings=None
        )
    assert choice.model == "offline"


async def test_a_stored_key_counts_like_one_in_the_environment():
    found = Catalog({"mistral": "k"}.get, ModelsSettings(ollama_url=NOWHERE), {})
    choice = await found.choose(flag=None, session=None, agent=None, settings=None)
    assert choice.model == "mistral/mistral-small-latest"
    assert "a key for Mistral is kept" in choice.hint


async def test_a_named_model_of_an_unknown_provider_is_not_found_with_near_names():
    with pytest.raises(ModelNotFound, match="openai/gpt-4o"):
        await catalog().choose(flag="opneai/gpt-4o", session=None, agent=None, settings=None)
    with pytest.raises(ModelNotFound, match="claude-sonnet-4-5"):
        await catalog().get("cluade-sonnet-4-5")
    with pytest.raises(ModelNotFound):
        await catalog().get("openai/")


async def test_a_known_model_has_window_price_and_abilities():
    found = await catalog(keys={"openai": "k"}).get("openai/gpt-4o")
    assert (found.context_window, found.max_output_tokens) == (128000, 16384)
    assert (found.input_usd_per_million, found.output_usd_per_million) == (2.5, 10.0)
    assert found.takes_images and found.takes_tools and found.available
    assert not (await catalog().get("openai/gpt-4o")).available


async def test_a_model_that_the_table_does_not_know_is_allowed_without_a_window():
    found = await catalog().get("openai/my-own-finetune")
    assert (found.context_window, found.provider) == (None, "openai")


async def test_the_list_shows_usable_providers_first_and_says_how_to_use_the_rest():
    listed = await catalog(keys={"mistral": "k"}).list()
    assert listed[0].name == "offline"
    assert listed[1].provider == "mistral" and listed[1].available
    unusable = next(m for m in listed if m.provider == "openai")
    assert "holdfast keys provider set openai" in unusable.note
    assert len({m.name for m in listed}) == len(listed)


async def test_scripted_models_are_there_only_when_allowed():
    assert (await catalog(scripted=True).get("scripted/a.json")).provider == "scripted"
    with pytest.raises(ModelNotFound):
        await catalog().get("scripted/a.json")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openai/gpt-4o", ("openai", "openai/gpt-4o")),
        ("gpt-4o", ("openai", "openai/gpt-4o")),
        ("claude-sonnet-4-5", ("anthropic", "anthropic/claude-sonnet-4-5")),
        ("gemini-2.5-flash", ("gemini", "gemini/gemini-2.5-flash")),
        ("ollama/llama3", ("ollama_chat", "ollama_chat/llama3")),
        ("openrouter/openai/gpt-5-mini", ("openrouter", "openrouter/openai/gpt-5-mini")),
    ],
)
def test_a_name_says_its_provider_with_or_without_a_prefix(name, expected):
    assert qualify(name) == expected


@pytest.mark.parametrize("name", ["huggingface/https://evil.example/x", "openai/http://evil.example"])
def test_a_name_does_not_say_where_a_key_is_sent(name):
    with pytest.raises(ModelNotFound, match="holds an address"):
        qualify(name)


def test_every_default_model_belongs_to_its_provider():
    for provider in PROVIDERS.values():
        if provider.default_model:
            assert provider_of(provider.default_model) == provider.name


def test_keys_and_addresses_come_from_the_first_variable_that_is_set():
    assert environment_key("gemini", {"GOOGLE_API_KEY": " k ", "GEMINI_API_KEY": " "}) == "k"
    assert environment_key("nobody", {"NOBODY_API_KEY": "k"}) is None
    assert environment_base("openai", {"OPENAI_BASE_URL": "http://here/v1"}) == "http://here/v1"


def test_the_responses_form_of_a_name_has_the_same_facts():
    assert facts("openai/responses/gpt-5-mini") == facts("openai/gpt-5-mini")
