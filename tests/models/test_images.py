"""Models of providers that make images: one image for a prompt, its cost, errors in our words."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from tests.fakes.openai_server import PIXEL

from holdfast.core.domain.errors import (
    ModelAuthError,
    ModelError,
    ModelNotFound,
    ModelRateLimited,
    ModelRequestRefused,
)
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.models.credentials import Addresses
from holdfast.core.models.router import ModelRouter
from holdfast.core.models.worker_client import WorkerClient

pytestmark = pytest.mark.asyncio(loop_scope="module")
GIVES_ADDRESSES = "openai/dall-e-3"
"""Gives an address, if it is not asked for the data."""


@pytest.fixture
def maker(worker: WorkerClient, server: Any, monkeypatch: Any) -> WorkerClient:
    """The model worker, whose provider is the fake server, also as a server of the person's own."""
    kept = {"custom": server.url}
    addresses = Addresses(kept=lambda: kept, environment={"OPENAI_API_BASE": server.url})
    monkeypatch.setattr(worker, "_addresses", addresses)
    return worker


async def test_one_image_is_asked_for_with_its_data(maker: WorkerClient, server: Any, canary: str) -> None:
    made = await maker.make_image(GIVES_ADDRESSES, "A cat", size="1024x1024")
    assert made.data == base64.b64decode(PIXEL)
    (request,) = server.requests
    assert {name: request.body[name] for name in ("model", "prompt", "n", "size", "response_format")} == {
        "model": "dall-e-3",
        "prompt": "A cat",
        "n": 1,
        "size": "1024x1024",
        "response_format": "b64_json",
    }
    assert request.headers["authorization"] == f"Bearer {canary}"


async def test_newer_models_tell_what_they_cost_and_are_not_asked_for_data_that_they_always_give(
    maker: WorkerClient, server: Any
) -> None:
    told = {"input_tokens": 11, "output_tokens": 272, "total_tokens": 283}
    server.reset({"usage": {**told, "input_tokens_details": {"text_tokens": 11, "image_tokens": 0}}})
    made = await maker.make_image("openai/gpt-image-1", "A cat")
    assert (made.usage.input_tokens, made.usage.output_tokens) == (11, 272)
    assert made.usage.cost_usd is not None and 0.005 < made.usage.cost_usd < 0.05
    assert {"response_format", "size"}.isdisjoint(server.requests[0].body)


async def test_a_server_of_ones_own_makes_images_at_an_unknown_price(
    maker: WorkerClient, server: Any
) -> None:
    made = await maker.make_image("custom/our-painter", "A cat")
    assert made.usage.cost_usd is None
    assert server.requests[0].body["model"] == "our-painter"


async def test_errors_of_a_provider_are_told_in_our_words(
    maker: WorkerClient, server: Any, canary: str
) -> None:
    kinds = {401: ModelAuthError, 429: ModelRateLimited, 404: ModelNotFound, 400: ModelRequestRefused}
    for status, kind in kinds.items():
        server.reset({"status": status, "headers": {"x-should-retry": "false"}})
        with pytest.raises(kind) as caught:
            await maker.make_image(GIVES_ADDRESSES, "x")
        assert canary not in caught.value.message


@pytest.mark.parametrize(
    "image",
    [
        {"url": "http://169.254.169.254/latest"},
        {"b64_json": "not base64!"},
        {"b64_json": base64.b64encode(b"<svg onload='x'/>").decode()},
    ],
)
async def test_what_is_no_image_is_refused_and_no_address_is_followed(
    maker: WorkerClient, server: Any, image: dict[str, str]
) -> None:
    server.reset({"image": image})
    with pytest.raises(ModelError, match="gave no image"):
        await maker.make_image(GIVES_ADDRESSES, "x")
    assert len(server.requests) == 1


async def test_models_of_no_provider_make_no_images(tmp_path: Any) -> None:
    router = ModelRouter(lambda _: None, FileBlobs(tmp_path), tmp_path / "log", {})
    for model in ("offline", "nobody/knows"):
        with pytest.raises(ModelNotFound):
            await router.make_image(model, "x")
    await router.close()
