"""Sage's providers: tried by real calls, kept with masked keys, seen by nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.fakes.openai_server import FakeOpenAI

from holdfast.core.domain.own_models import OwnModel

KEY = "sk-abcdefgh-1234"
BASE = "/sage/api/llm-provider"
PRIVATE = {"tools": {"allow_private_hosts": True}}


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    """A server of models that knows one key, sees red, and speaks JSON when it is asked to."""
    answers = [
        {"when": {"contains": "colour"}, "text": "Red.", "keep": True},
        {"when": {"contains": "capital"}, "text": '{"capital": "Paris"}', "keep": True},
    ]
    with FakeOpenAI(answers, default={"text": "OK"}, key=KEY) as fake:
        yield fake


def body(server: FakeOpenAI, **more: Any) -> dict[str, Any]:
    return {"name": "Fake", "base_url": f"{server.url}/", "api_keys": [KEY], "model": "fake-model", **more}


class Asking:
    """One user's calls."""

    def __init__(self, served: Any, headers: dict[str, str]) -> None:
        self._http, self._headers = served.http, headers

    async def __call__(self, method: str, path: str, json: Any = None, **headers: str) -> Any:
        sent = {**self._headers, **headers}
        answer = await self._http.request(method, f"{BASE}{path}", json=json, headers=sent)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.mark.covers("sage.list_providers", "sage.create_provider", "sage.update_provider")
async def test_a_provider_is_kept_for_its_user_alone_with_its_key_masked(
    serve_users: Any, server: FakeOpenAI
) -> None:
    async with serve_users(more_settings=PRIVATE) as served:
        ann, bob = [Asking(served, await served.user(name)) for name in ("ann", "bob")]
        sent = body(server, temperature=0.2, max_model_len=32_000, presence_penalty=0.5, is_default=True)
        made = (await ann("POST", "/create", {**sent, "unheard_of": 1}))["data"]
        assert made["provider_id"] == made["id"] and made["base_url"] == server.url
        assert made["api_keys"] == ["sk-a***1234"] and made["is_default"] is False
        assert (made["temperature"], made["presence_penalty"], made["max_model_len"]) == (0.2, 0.5, 32_000)
        assert server.requests[0].body["model"] == "fake-model"
        again = (await ann("POST", "/create", body(server, name="Other")))["data"]
        assert again["id"] == made["id"]
        listed = await ann("GET", "/list")
        assert [each["id"] for each in listed["data"]] == [made["id"]] and listed["message"] == ""
        assert (await bob("GET", "/list"))["data"] == []
        theirs = (await bob("POST", "/create", sent))["data"]
        assert theirs["id"] != made["id"] and theirs["user_id"] != made["user_id"]

        path = f"/update/{made['id']}"
        shown = {"api_keys": made["api_keys"], "name": "New", "temperature": None}
        changed = (await ann("PUT", path, shown))["data"]
        assert (changed["name"], changed["temperature"], changed["model"]) == ("New", None, "fake-model")
        assert changed["api_keys"] == made["api_keys"]
        found = await ann("POST", f"/verify-capabilities/{made['id']}")
        assert found["data"]["connection"]["supported"]  # the key that was shown masked is still the real one
        moved = (await ann("PUT", path, {"base_url": "https://models.example.com/v1"}))["data"]
        assert moved["api_keys"] == []  # it was given for another server
        assert (await ann("PUT", f"/update/{theirs['id']}", {}))["message"] == "Provider not found"


@pytest.mark.covers("sage.delete_provider")
async def test_what_goes_wrong_is_told_with_the_status_200(serve_users: Any, server: FakeOpenAI) -> None:
    async with serve_users(more_settings=PRIVATE) as served:
        ann = Asking(served, await served.user("ann"))
        made = (await ann("POST", "/create", body(server)))["data"]
        engines = await served.bench.workbench.models.keep(
            OwnModel(name="shared", kind="server", url=server.url), None
        )
        for method, path, said in (
            ("DELETE", "/delete/none", "Provider not found"),
            ("PUT", "/update/none", "Provider not found"),
            ("DELETE", f"/delete/{engines.id}", "Provider not found"),
        ):
            wrong = await ann(method, path, {})
            assert (wrong["success"], wrong["code"], wrong["message"]) == (False, 500, said)
        local = Asking(served, {})
        for method, path, said in (
            ("PUT", f"/update/{engines.id}", "Cannot modify system default provider"),
            ("DELETE", f"/delete/{engines.id}", "Cannot delete default provider"),
            ("DELETE", f"/delete/{made['id']}", "Provider not found"),
        ):
            assert (await local(method, path, {}))["message"] == said
        assert (await ann("DELETE", f"/delete/{made['id']}"))["success"]
        assert (await ann("GET", "/list"))["data"] == []
        assert [each.model.id for each in await served.bench.workbench.models.own()] == [engines.id]
        refused = await served.http.post(f"{BASE}/create", json={**body(server), "api_keys": ["a", "b"]})
        assert refused.status_code == 422
        assert refused.json()["detail"][0]["msg"] == "Value error, Exactly one API key is required"
        refused = await served.http.post(f"{BASE}/create", json={**body(server), "api_keys": ["a\nb"]})
        assert refused.json()["detail"][0]["msg"] == "Value error, API key must be a single line"


@pytest.mark.covers(
    "sage.verify_provider",
    "sage.verify_multimodal",
    "sage.verify_capabilities",
    "sage.verify_kept_capabilities",
)
async def test_a_provider_is_tried_by_real_calls(serve_users: Any, server: FakeOpenAI) -> None:
    async with serve_users(more_settings=PRIVATE) as served:
        ann = Asking(served, await served.user("ann"))
        assert (await ann("POST", "/verify", body(server)))["message"] == "验证成功"
        wrong = await ann("POST", "/verify", body(server, api_keys=["sk-wrong-key-0000"]))
        assert (wrong["code"], wrong["data"]) == (500, None) and wrong["message"].startswith("验证失败: 401")
        assert "sk-wrong-key-0000" not in str(wrong)
        english = await ann("POST", "/verify", body(server, api_keys=["x"]), **{"X-Sage-Locale": "en-US"})
        assert english["message"].startswith("Verification failed: ")
        seen = await ann("POST", "/verify-multimodal", body(server))
        assert seen["data"]["supports_multimodal"] and seen["data"]["response"] == "Red."
        sent = server.requests[-1].body["messages"][0]["content"][1]["image_url"]["url"]
        assert sent.startswith("data:image/png;base64,")
        blind = await ann("POST", "/verify-multimodal", body(server, api_keys=["x"]))
        assert blind["success"] and blind["data"]["error"].startswith("401")
        assert blind["message"] == "该模型不支持多模态"
        found = (await ann("POST", "/verify-capabilities", body(server)))["data"]
        assert found["connection"]["supported"] and found["structured_output"]["parsed"]
        assert found["supports_multimodal"] and found["model"] == "fake-model"
        assert found["base_url"] == server.url
        odd = await ann("POST", "/verify", body(server, api_keys=["ключ"]))
        assert odd["code"] == 500 and "ASCII" in odd["message"]
        created = await ann("POST", "/create", body(server, api_keys=["sk-wrong-key-0000"]))
        assert created["code"] == 500 and (await ann("GET", "/list"))["data"] == []


async def test_a_user_makes_the_engine_ask_no_private_address(serve_users: Any, server: FakeOpenAI) -> None:
    async with serve_users() as served:
        ann = Asking(served, await served.user("ann"))
        for path in ("/verify", "/create", "/verify-capabilities"):
            refused = await ann("POST", path, body(server))
            assert refused["code"] == 500 and "not at a public address" in refused["message"]
        blind = await ann("POST", "/verify-multimodal", body(server))
        assert blind["success"] and "not at a public address" in blind["data"]["error"]
        assert server.requests == []
