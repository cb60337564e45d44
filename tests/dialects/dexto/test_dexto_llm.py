"""Models through Dexto's API: current, the catalogue, switching, one's own, and keys."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from holdfast.server.dialects.dexto.choosing import llm_options

LLM = "/dexto/api/llm"
CUSTOM = f"{LLM}/custom-models"
KEY = "sk-proj-0123456789abcdefXYZ4"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "OPENAI_API_KEY": KEY}
NOWHERE = "http://127.0.0.1:9/v1"


@pytest.fixture
def models(serve: Any) -> Any:
    """Serves a workbench that knows all models, and has the key of one provider."""

    def serving(steps: Any = (), **more: Any) -> Any:
        return serve(steps, known_models=True, environment=ENVIRONMENT, **more)

    return serving


async def got(served: Any, path: str, **query: Any) -> Any:
    answer = await served.http.get(f"{LLM}/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def switched(served: Any, **body: Any) -> Any:
    answer = await served.http.post(f"{LLM}/switch", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(served: Any, path: str, **body: Any) -> Any:
    answer = await served.http.post(f"{LLM}/{path}", json=body)
    assert answer.status_code == 400, answer.text
    return answer.json()


@pytest.mark.covers("dexto.get_llm_current")
async def test_the_current_model_is_the_agents_and_never_has_the_key(models: Any) -> None:
    async with models() as served:
        found = await got(served, "current")
        assert found["routing"] == {"viaDexto": False}
        config = found["config"]
        assert (config["provider"], config["model"], config["hasApiKey"]) == ("openai", "gpt-5-mini", True)
        assert config["maxInputTokens"] > 100_000 and KEY not in str(found)
        assert await got(served, "current", sessionId="nobody's") == found
        wrong = await served.http.get(f"{LLM}/current", params={"session": "x"})
        assert wrong.status_code == 400
        assert wrong.json()["error"]["issues"][0]["code"] == "unrecognized_keys"


@pytest.mark.covers("dexto.switch_llm")
async def test_a_switch_holds_for_the_agent_or_for_one_session(models: Any) -> None:
    async with models() as served:
        said = await switched(
            served,
            model="gpt-5-nano",
            maxIterations=7,
            maxInputTokens=9_000,
            maxOutputTokens=500,
            temperature=0.25,
            allowedMediaTypes=["image/*"],
            reasoningEffort="low",
        )
        assert said == {
            "config": {
                "provider": "openai",
                "model": "gpt-5-nano",
                "maxIterations": 7,
                "maxInputTokens": 9_000,
                "maxOutputTokens": 500,
                "temperature": 0.25,
                "allowedMediaTypes": ["image/*"],
                "reasoningEffort": "low",
                "hasApiKey": True,
            }
        }
        assert (await got(served, "current"))["config"] == said["config"]
        other = (await switched(served, model="gpt-4o-mini"))["config"]
        assert "maxOutputTokens" not in other and other["maxInputTokens"] == 128_000
        assert (other["temperature"], other["maxIterations"]) == (0.25, 7)
        await switched(served, model="gpt-5-nano")
        session = await served.bench.workbench.sessions.create("general")
        of_session = await switched(served, provider="openai", model="gpt-4o", sessionId=session.id)
        assert (of_session["sessionId"], of_session["config"]["model"]) == (session.id, "gpt-4o")
        assert (await got(served, "current", sessionId=session.id))["config"]["model"] == "gpt-4o"
        assert (await got(served, "current"))["config"]["model"] == "gpt-5-nano"
        missing = await served.http.post(f"{LLM}/switch", json={"model": "gpt-4o", "sessionId": "none"})
        assert (missing.status_code, missing.json()["code"]) == (404, "session_not_found")


async def test_runs_are_asked_as_clients_have_chosen(models: Any, say: Any) -> None:
    async with models([say("Hello."), say("Again."), say("Waited.")]) as served:
        await switched(served, model="gpt-5-nano", temperature=0.5, maxIterations=3, maxOutputTokens=64)
        asked = {"content": "hi", "sessionId": "one"}
        reply = (await served.http.post("/dexto/api/message-sync", json=asked)).json()
        assert (reply["response"], reply["provider"], reply["model"]) == ("Hello.", "openai", "gpt-5-nano")
        request = served.bench.model.requests[0]
        assert (request.model, request.settings.temperature) == ("openai/gpt-5-nano", 0.5)
        assert request.settings.max_output_tokens == 64
        await switched(served, provider="openai", model="gpt-4o", sessionId="one")
        stream = await served.http.post("/dexto/api/message-stream", json=asked)
        assert "Again." in stream.text
        assert served.bench.model.requests[1].model == "openai/gpt-4o"


async def test_what_is_not_known_of_a_provider_is_its_default(models: Any) -> None:
    asked: list[tuple[dict[str, str], str]] = [
        ({"provider": "openai", "model": "gpt-17-mega"}, "gpt-5-mini"),
        ({"model": "gpt-4o"}, "gpt-4o"),
        ({"model": "openai/gpt-4o-mini"}, "gpt-4o-mini"),
        ({"provider": "openai", "model": "gpt-oss-120b"}, "gpt-5-mini"),
        ({"provider": "openai", "model": "gpt-4o", "apiKey": "$OPENAI_API_KEY"}, "gpt-4o"),
        ({"provider": "anthropic", "apiKey": "sk-ant-test-key-000001"}, "claude-sonnet-4-5"),
        ({"provider": "google", "model": "nope", "apiKey": "AIza-test-0000001"}, "gemini-2.5-flash"),
        (
            {"provider": "openrouter", "model": "maker/any-model", "apiKey": "sk-or-12345678"},
            "maker/any-model",
        ),
        ({"provider": "openai"}, "gpt-5-mini"),
    ]
    async with models() as served:
        for body, model in asked:
            config = (await switched(served, **body))["config"]
            assert (config["provider"], config["model"]) == (body.get("provider", "openai"), model)
            assert "apiKey" not in config


async def test_a_switch_that_cannot_be_says_why(models: Any) -> None:
    async with models() as served:
        nothing = (await refused(served, "switch", temperature=0.5))["error"]["issues"]
        assert [(each["code"], each["path"]) for each in nothing] == [("custom", [])]
        issues = (await refused(served, "switch", model="x", temperature=2, maxIterations=0))["error"][
            "issues"
        ]
        assert sorted(each["path"][0] for each in issues) == ["maxIterations", "temperature"]
        no_key = await refused(served, "switch", provider="groq")
        assert no_key["name"] == "DextoValidationError"
        assert no_key["issues"][0]["code"] == "llm_api_key_missing"
        assert no_key["issues"][0]["context"] == {"provider": "groq", "envVar": "GROQ_API_KEY"}
        no_url = await refused(served, "switch", provider="litellm", model="a/b")
        assert no_url["issues"][0]["code"] == "llm_base_url_missing"
        fixed = await refused(served, "switch", provider="openai", model="gpt-4o", baseURL=NOWHERE)
        assert fixed["issues"][0]["code"] == "llm_base_url_invalid"
        assert (await got(served, "current"))["config"]["model"] == "gpt-5-mini"


async def test_a_server_of_ones_own_is_switched_to_by_its_address(models: Any, say: Any) -> None:
    async with models([say("Hello.")]) as served:
        said = await switched(
            served, provider="openai-compatible", model="my/model", baseURL=NOWHERE, apiKey="sk-mine-123456"
        )
        assert said["config"]["baseURL"] == NOWHERE and "sk-mine" not in str(said)
        workbench = served.bench.workbench
        kept = (await workbench.models.own())[0].model
        assert (kept.full_name, kept.url, kept.has_key) == ("own/my/model", NOWHERE, True)
        session = await workbench.sessions.create("general")
        run = await served.bench.send(session, "hi", **await llm_options(workbench, session))
        await served.bench.end(run)
        assert served.bench.model.requests[0].model == "own/my/model"


@pytest.mark.covers("dexto.get_llm_catalog")
async def test_the_catalogue_has_every_provider_with_its_models(models: Any) -> None:
    async with models() as served:
        providers = (await got(served, "catalog"))["providers"]
        assert "dexto" not in providers and len(providers) == 16
        openai = providers["openai"]
        assert (openai["name"], openai["hasApiKey"]) == ("Openai", True)
        assert (openai["primaryEnvVar"], openai["supportsBaseURL"]) == ("OPENAI_API_KEY", False)
        nano = next(each for each in openai["models"] if each["name"] == "gpt-5-nano")
        assert nano["maxInputTokens"] == 272_000 and nano["supportedFileTypes"] == ["pdf", "image"]
        assert nano["pricing"] == {
            "inputPerM": 0.05,
            "outputPerM": 0.4,
            "cacheReadPerM": 0.005,
            "currency": "USD",
            "unit": "per_million_tokens",
        }
        assert [each["name"] for each in openai["models"] if each.get("default")] == ["gpt-5-mini"]
        assert providers["anthropic"]["hasApiKey"] is False
        assert providers["openai-compatible"]["supportsBaseURL"] is True


async def test_the_catalogue_is_filtered(models: Any) -> None:
    async with models() as served:

        async def names(**query: Any) -> set[str]:
            return set((await got(served, "catalog", **query))["providers"])

        assert await names(provider="openai, groq") == {"openai", "groq"}
        assert await names(provider=["xai", "nobody"]) == {"xai"}
        assert await names(provider="nobody") == set()
        assert await names(hasKey="true") == {"openai"}
        assert "openai" not in await names(hasKey="0")
        assert "groq" not in await names(fileType="pdf") and "anthropic" in await names(fileType="pdf")
        assert await names(fileType="audio") == set()
        bare = (await got(served, "catalog", includeModels="false"))["providers"]
        assert all(each["models"] == [] for each in bare.values())
        flat = (await got(served, "catalog", mode="flat", defaultOnly="1"))["models"]
        assert {"openai", "anthropic", "google"} <= {each["provider"] for each in flat}
        assert all(each["default"] for each in flat)
        every = (await got(served, "catalog", provider="openai"))["providers"]["openai"]["models"]
        curated = (await got(served, "catalog", provider="openai", scope="curated"))["providers"]["openai"]
        assert 5 < len(curated["models"]) < 20 < len(every)
        wrong = await served.http.get(f"{LLM}/catalog", params={"mode": "round"})
        assert wrong.json()["error"]["issues"][0]["code"] == "invalid_enum_value"


@pytest.mark.covers("dexto.create_custom_model", "dexto.list_custom_models", "dexto.delete_custom_model")
async def test_models_of_ones_own_are_kept_replaced_and_removed(models: Any) -> None:
    async with models() as served:
        body = {
            "name": "vendor/my model",
            "provider": "litellm",
            "baseURL": NOWHERE,
            "displayName": "Mine",
            "maxInputTokens": 8_000,
            "maxOutputTokens": 900,
            "reasoningEffort": "none",
        }
        made = await served.http.post(CUSTOM, json={**body, "apiKey": "sk-mine-0123456789"})
        shown = {**body, "apiKey": "[REDACTED]"}
        assert (made.status_code, made.json()) == (200, {"ok": True, "model": shown})
        assert (await got(served, "custom-models")) == {"models": [shown]}
        again = await served.http.post(CUSTOM, json={**body, "displayName": "Other"})
        assert again.json()["model"]["displayName"] == "Other"
        assert len((await got(served, "custom-models"))["models"]) == 1
        assert (await switched(served, provider="litellm", model="vendor/my model"))["config"] == {
            "provider": "litellm",
            "model": "vendor/my model",
            "baseURL": NOWHERE,
            "maxIterations": 50,
            "maxInputTokens": 8_000,
            "hasApiKey": True,
        }
        gone = await served.http.delete(f"{CUSTOM}/vendor%2Fmy%20model")
        assert gone.json() == {"ok": True, "deleted": "vendor/my model"}
        missing = await served.http.delete(f"{CUSTOM}/vendor%2Fmy%20model")
        assert (missing.status_code, missing.json()["code"]) == (404, "custom_model_not_found")


async def test_a_model_of_ones_own_has_what_its_provider_needs(models: Any) -> None:
    wrong: list[tuple[dict[str, str], str]] = [
        ({"name": ""}, "name"),
        ({"name": "a"}, "baseURL"),
        ({"name": "a", "provider": "litellm"}, "baseURL"),
        ({"name": "a", "baseURL": "no url"}, "baseURL"),
        ({"name": "a", "provider": "local"}, "filePath"),
        ({"name": "a", "provider": "local", "filePath": "/x.bin"}, "filePath"),
        ({"name": "a", "provider": "openai"}, "provider"),
    ]
    async with models() as served:
        for body, place in wrong:
            found = (await refused(served, "custom-models", **body))["error"]["issues"][0]
            assert found["path"] == [place], body


@pytest.mark.covers("dexto.get_llm_capabilities")
async def test_capabilities_are_those_of_the_model_behind_a_gateway(models: Any) -> None:
    async with models() as served:

        async def takes(provider: str, model: str) -> list[str]:
            found = await got(served, "capabilities", provider=provider, model=model)
            assert (found["provider"], found["model"]) == (provider, model)
            return found["supportedFileTypes"]

        assert await takes("openai", "gpt-5-nano") == ["pdf", "image"]
        assert await takes("openai", "no-such-model") == ["pdf", "image"]
        assert await takes("openrouter", "anthropic/claude-sonnet-4.5") == ["pdf", "image"]
        assert await takes("dexto", "openai/gpt-4o") == await takes("openai", "gpt-4o")
        assert await takes("vertex", "nothing") == []
        wrong = await served.http.get(f"{LLM}/capabilities", params={"provider": "openai"})
        assert wrong.status_code == 400


@pytest.mark.covers("dexto.get_llm_key", "dexto.set_llm_key")
async def test_a_key_is_kept_counts_at_once_and_is_shown_masked(models: Any) -> None:
    async with models() as served:
        found = await got(served, "key/openai")
        assert found == {
            "provider": "openai",
            "envVar": "OPENAI_API_KEY",
            "hasKey": True,
            "keyValue": "sk-proj...XYZ4",
        }
        none = await got(served, "key/google")
        assert none == {"provider": "google", "envVar": "GOOGLE_GENERATIVE_AI_API_KEY", "hasKey": False}
        for provider in ("openai", "google", "glama"):
            kept = await served.http.post(
                f"{LLM}/key", json={"provider": provider, "apiKey": "sk-new-key-9876"}
            )
            assert kept.json() == {"ok": True, "provider": provider, "envVar": kept.json()["envVar"]}
            assert (await got(served, f"key/{provider}"))["keyValue"] == "sk-new-...9876"
        assert (await got(served, "catalog", hasKey="true"))["providers"].keys() >= {"google", "glama"}
        assert (await served.http.get(f"{LLM}/key/nobody")).status_code == 400
        await refused(served, "key", provider="openai", apiKey="")


async def test_short_keys_are_hardly_shown(models: Any) -> None:
    async with models() as served:
        for key, shown in (("abcdefghijk", "abcd...hijk"), ("abcdefgh", "...")):
            await served.http.post(f"{LLM}/key", json={"provider": "xai", "apiKey": key})
            assert (await got(served, "key/xai"))["keyValue"] == shown


async def test_switches_at_the_same_time_lose_nothing(models: Any) -> None:
    async with models() as served:
        switch = served.http.post("/dexto/api/agents/switch", json={"id": "guide"})
        of_model = served.http.post(f"{LLM}/switch", json={"model": "gpt-5-nano"})
        again = served.http.post(f"{LLM}/switch", json={"model": "gpt-4o"})
        answers = await asyncio.gather(switch, of_model, again)
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        kept = (await served.bench.workbench.users.annotations())["dexto"]
        assert kept["agent"] and kept["llm"]


SWITCH = {
    "provider": "openai",
    "model": "string",
    "apiKey": "sk-string-0123456789",
    "maxIterations": 1,
    "maxInputTokens": 1,
    "maxOutputTokens": 1,
    "temperature": 1,
    "allowedMediaTypes": ["string"],
    "reasoningEffort": "none",
    "sessionId": "string",
}
CONFIG = {
    *("provider", "model", "maxIterations", "baseURL", "maxInputTokens", "maxOutputTokens", "temperature"),
    *("allowedMediaTypes", "reasoningEffort", "hasApiKey", "displayName"),
}


async def test_the_samples_of_the_page_are_taken_and_answered_with_its_fields(models: Any) -> None:
    custom = {
        "name": "string",
        "provider": "openai-compatible",
        "baseURL": NOWHERE,
        "displayName": "string",
        "maxInputTokens": 1,
        "maxOutputTokens": 1,
        "apiKey": "string",
        "reasoningEffort": "none",
    }
    async with models() as served:
        await served.http.post("/dexto/api/sessions", json={"sessionId": "string"})
        said = await switched(served, **SWITCH)
        assert said["sessionId"] == "string" and said["config"]["model"] == "gpt-5-mini"
        assert said["config"].keys() == CONFIG - {"baseURL", "displayName"}
        saved = await served.http.post(CUSTOM, json=custom)
        assert saved.json() == {"ok": True, "model": {**custom, "apiKey": "[REDACTED]"}}
        everything = {**SWITCH, "provider": "openai-compatible", "baseURL": NOWHERE}
        assert (await switched(served, **everything))["config"].keys() == CONFIG - {"displayName"}
        current = await got(served, "current", sessionId="string")
        assert current.keys() == {"config", "routing"} and current["config"].keys() == CONFIG
        flat = (await got(served, "catalog", mode="flat"))["models"]
        named = {"name", "maxInputTokens", "default", "supportedFileTypes", "pricing", "provider"}
        assert set().union(*flat) == named
        prices = set().union(*(each["pricing"] for each in flat if "pricing" in each))
        units = {"currency", "unit"}
        assert prices == {"inputPerM", "outputPerM", "cacheReadPerM", "cacheWritePerM"} | units
        kept = await served.http.post(f"{LLM}/key", json={"provider": "openai", "apiKey": "string"})
        assert kept.json() == {"ok": True, "provider": "openai", "envVar": "OPENAI_API_KEY"}
