"""What retrieval and ingestion need of models: to ask one thing outside of any conversation, and vectors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import partial

from holdfast.core.domain.errors import ModelError, ModelStreamCut, UnsupportedError
from holdfast.core.domain.indexing import Embedder
from holdfast.core.domain.messages import Message, TextPart
from holdfast.core.domain.models import (
    Finished,
    ModelCatalog,
    ModelClient,
    ModelDelta,
    ModelInfo,
    ModelRequest,
    ModelSettings,
    TextDelta,
    UsageReport,
)
from holdfast.core.runs.metering import Meter
from holdfast.core.services.open_calls import estimated

OFFLINE = "offline"


class ModelAsker:
    """An `Asker` over a model client. What is asked holds what documents say: `redact` takes secrets out.

    `used` is told what each call took, however it ends, by the prices of `catalog` where nobody reports it.
    `api_base` is the address of the model's server, where the agent names one; `owner` is the user who asks.
    """

    def __init__(
        self,
        client: ModelClient,
        model: str,
        redact: Callable[[str], str],
        *,
        used: Callable[[UsageReport], None] | None = None,
        catalog: ModelCatalog | None = None,
        api_base: str | None = None,
        owner: str = "",
    ) -> None:
        self._client = client
        self._model = model
        self._redact = redact
        self._used = used
        self._catalog = catalog
        self._api_base = api_base
        self._owner = owner

    async def __call__(self, prompt: str, *, system: str = "", max_tokens: int = 1_000) -> str:
        """Returns the answer. Raises `ModelError`, and `UnsupportedError` for the offline model."""
        if self._model == OFFLINE:
            raise UnsupportedError(
                "The offline model cannot answer questions outside of a conversation. Choose another model, "
                "or a method that asks none: hybrid, vector, lexical."
            )
        prompt = self._redact(prompt)
        told = [Message(role="system", parts=(TextPart(text=system),))] if system else []
        request = ModelRequest(
            model=self._model,
            messages=(*told, Message(role="user", parts=(TextPart(text=prompt),))),
            settings=ModelSettings(max_output_tokens=max_tokens, api_base=self._api_base),
            owner=self._owner,
        )
        texts: list[str] = []
        finished = False
        async with aclosing(self._counted(request)) as deltas:
            async for delta in deltas:
                match delta:
                    case TextDelta(text=text):
                        texts.append(text)
                    case Finished():
                        finished = True
        if not finished:
            raise ModelStreamCut("The model's answer ended in the middle.")
        return "".join(texts).strip()

    async def _counted(self, request: ModelRequest) -> AsyncGenerator[ModelDelta, None]:
        info = ModelInfo(name=self._model, provider="")
        if self._catalog is not None:
            info = await self._catalog.get(self._model, self._owner)
        meter = Meter()
        try:
            async with aclosing(self._client.stream(request)) as deltas:  # type: ignore[type-var]
                async for delta in deltas:
                    meter.take(delta)
                    yield delta
            meter.end()
        except ModelError:
            meter.end()
            raise
        finally:
            usage = meter.usage(partial(estimated, info, request))
            if usage is not None and self._used is not None:
                self._used(usage)


class RedactingEmbedder:
    """An `Embedder` that gives no secrets of documents to the provider of another one."""

    def __init__(self, embedder: Embedder, redact: Callable[[str], str]) -> None:
        self._embedder = embedder
        self._redact = redact

    async def embed(self, model: str, texts: Sequence[str], *, query: bool = False) -> list[list[float]]:
        """See `Embedder`."""
        plain = await asyncio.to_thread(lambda: [self._redact(text) for text in texts])
        return await self._embedder.embed(model, plain, query=query)
