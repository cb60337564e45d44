"""Embedding models of providers: a vector for each text, errors in our words, no key anywhere."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.domain.errors import ModelAuthError, ModelError, ModelNotFound, ModelRateLimited
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.models.credentials import Addresses
from holdfast.core.models.router import ModelRouter
from holdfast.core.models.worker_client import WorkerClient

pytestmark = pytest.mark.asyncio(loop_scope="module")
MODEL = "openai/text-embedding-3-small"


@pytest.fixture
def embedder(worker: WorkerClient, server: Any, monkeypatch: Any) -> WorkerClient:
    """The model worker, whose provider is the fake server."""
    monkeypatch.setattr(worker, "_addresses", Addresses(environment={"OPENAI_API_BASE": server.url}))
    return worker


async def test_each_text_gets_its_vector_in_order(embedder: WorkerClient, server: Any, canary: str) -> None:
    vectors = await embedder.embed(MODEL, ["one", "three", ""])
    assert vectors == [[3.0, 1.0, 0.5], [5.0, 1.0, 0.5], [0.0, 1.0, 0.5]]
    (request,) = server.requests
    assert request.body["input"] == ["one", "three", ""]
    assert request.headers["authorization"] == f"Bearer {canary}"


async def test_errors_of_a_provider_are_told_in_our_words(
    embedder: WorkerClient, server: Any, canary: str
) -> None:
    for status, kind in ((401, ModelAuthError), (429, ModelRateLimited), (404, ModelNotFound)):
        server.reset({"status": status})
        with pytest.raises(kind) as caught:
            await embedder.embed(MODEL, ["x"])
        assert canary not in caught.value.message


async def test_vectors_that_are_not_one_for_each_text_are_refused(
    embedder: WorkerClient, server: Any
) -> None:
    for answer in ({"vectors": [[1.0]]}, {"vectors": [[1.0], [1.0, 2.0]]}):
        server.reset(answer)
        with pytest.raises(ModelError, match="vector for each text"):
            await embedder.embed(MODEL, ["a", "b"])


async def test_models_of_no_provider_make_no_vectors(tmp_path: Any) -> None:
    router = ModelRouter(lambda _: None, FileBlobs(tmp_path), tmp_path / "log", {})
    for model in ("offline", "nobody/knows"):
        with pytest.raises(ModelNotFound):
            await router.embed(model, ["x"])
    await router.close()
