"""Adding a provider: what one short call says of a key, and of a server of one's own."""

from __future__ import annotations

import http.server
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from holdfast.core.domain.errors import (
    InvalidError,
    ModelAuthError,
    ModelError,
    ModelNotFound,
    ModelRateLimited,
    ModelRequestRefused,
    ModelUnavailable,
    NotFoundError,
    UnsupportedError,
)
from holdfast.core.domain.models import Finished, ModelDelta, ModelRequest, TextDelta
from holdfast.core.models.credentials import Addresses, target_of
from holdfast.core.models.desk import Providers
from holdfast.core.models.served import checked_url, served_models

NOWHERE = "http://127.0.0.1:9"


class OneAnswer:
    """Answers every call alike, or fails."""

    def __init__(self, error: ModelError | None = None) -> None:
        self.error = error
        self.asked: list[tuple[ModelRequest, str | None]] = []

    async def stream_with(self, request: ModelRequest, key: str | None) -> AsyncIterator[ModelDelta]:
        self.asked.append((request, key))
        if self.error is not None:
            raise self.error
        yield TextDelta(text="OK")
        yield Finished(reason="stop")


class Desk:
    """A desk with what it remembers."""

    def __init__(self, client: OneAnswer, **kept: str) -> None:
        self.urls: dict[str, str] = {}
        self.seen: list[str] = []
        self.addresses = Addresses(NOWHERE, kept=lambda: self.urls)
        self.providers = Providers(
            client,
            kept.get,
            lambda: dict.fromkeys(kept, "file"),
            self.addresses,
            self._keep,
            self.seen.append,
        )

    def _keep(self, provider: str, url: str | None) -> None:
        if url is None:
            self.urls.pop(provider, None)
        else:
            self.urls[provider] = url


async def test_a_key_that_a_provider_takes_is_right_and_was_asked_for_little() -> None:
    client = OneAnswer()
    desk = Desk(client)
    found = await desk.providers.check("openai", " sk-new \n", None)
    request, key = client.asked[0]
    assert (found.state, found.model) == ("right", "openai/gpt-5-mini")
    assert key == "sk-new" and desk.seen == ["sk-new"]
    assert request.settings.max_output_tokens == 16 and not request.tools


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (ModelAuthError("openai refused the key"), "refused"),
        (ModelRequestRefused("xai refused the request: Incorrect API key provided"), "refused"),
        (ModelRequestRefused("refused: max_tokens is too small"), "right"),
        (ModelRateLimited("no more requests with this API key"), "right"),
        (ModelNotFound("openai has no model gpt-5-mini"), "right"),
        (ModelUnavailable("openai cannot be reached"), "unreachable"),
    ],
)
async def test_an_error_says_of_the_key_only_what_it_is_about(error: ModelError, state: str) -> None:
    found = await Desk(OneAnswer(error)).providers.check("openai", "sk-canary", None)
    assert found.state == state
    assert "sk-canary" not in found.message


async def test_without_a_key_nobody_is_asked() -> None:
    client = OneAnswer()
    found = await Desk(client).providers.check("openai", None, None)
    assert found.state == "refused" and not client.asked
    assert (await Desk(client, openai="sk-kept").providers.check("openai", None, None)).state == "right"
    assert client.asked[0][1] == "sk-kept"


async def test_a_provider_without_a_model_of_its_own_choice_is_asked_by_its_cheapest() -> None:
    client = OneAnswer()
    assert (await Desk(client).providers.check("cerebras", "k", None)).state == "right"
    assert client.asked[0][0].model.startswith("cerebras/")
    assert (await Desk(client).providers.check("hosted_vllm", "k", None)).state == "unreachable"


async def test_an_own_server_is_asked_for_its_models_only(server: Any) -> None:
    client = OneAnswer()
    desk = Desk(client)
    found = await desk.providers.check("custom", None, server.url + "/")
    assert (found.state, found.models, found.url) == ("right", ("fake-model",), server.url)
    assert not client.asked
    wrong = await desk.providers.check("custom", None, server.root)
    assert wrong.state == "unreachable" and f"Perhaps it is {server.url}" in wrong.message
    gone = await desk.providers.check("ollama", None, None)
    assert gone.state == "unreachable" and NOWHERE in gone.message


async def test_an_own_server_that_wants_another_key_refuses_it(server: Any) -> None:
    server.key = "right"
    try:
        desk = Desk(OneAnswer())
        assert (await desk.providers.check("custom", "wrong", server.url)).state == "refused"
        assert (await desk.providers.check("custom", "right", server.url)).state == "right"
    finally:
        server.key = None


async def test_the_address_of_a_custom_server_is_where_its_models_are_asked(
    server: Any, ask: Callable[..., ModelRequest]
) -> None:
    desk = Desk(OneAnswer(), custom="k")
    with pytest.raises(ModelNotFound) as caught:
        target_of(ask(model="custom/qwen3", api_base=None), lambda _: "k", desk.addresses)
    assert caught.value.code == "model_address_missing"
    await desk.providers.set_url("custom", server.url)
    target = target_of(ask(model="custom/qwen3", api_base=None), lambda _: "k", desk.addresses)
    assert (target.model, target.api_base, target.key) == ("hosted_vllm/qwen3", server.url, "k")
    listed = {each.name: each for each in await desk.providers.list()}
    assert listed["custom"].served == ("fake-model",) and listed["custom"].key_from == "file"
    assert listed["openai"].served == () and "ollama_chat" not in listed


async def test_what_cannot_be_a_provider_or_an_address_is_refused() -> None:
    providers = Desk(OneAnswer()).providers
    with pytest.raises(NotFoundError, match="openai"):
        await providers.check("opnai", "k", None)
    with pytest.raises(UnsupportedError):
        await providers.set_url("groq", "http://h/v1")
    for url in ("h:8000", "ftp://h", "http://u:p@h/v1", "http://h/v1?key=x", "http://h:x/", "http://h/\x1b["):
        with pytest.raises(InvalidError):
            checked_url(url)


async def test_a_key_is_sent_to_no_address_that_its_provider_cannot_have() -> None:
    client = OneAnswer()
    desk = Desk(client, gemini="kept")
    with pytest.raises(UnsupportedError):
        await desk.providers.check("gemini", None, "http://127.0.0.1:9")
    assert not client.asked


def test_what_is_nested_too_deep_is_no_list_of_models() -> None:
    class Deep(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"[" * 200_000)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Deep) as server:
        threading.Thread(target=server.handle_request).start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        with pytest.raises(ModelUnavailable, match="is not a server with OpenAI's API"):
            served_models(url, None, ollama=False, timeout_s=10)
