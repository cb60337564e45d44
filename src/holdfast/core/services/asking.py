"""What retrieval and ingestion need of models: to ask one thing outside of any conversation, and vectors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing

from holdfast.core.domain.errors import ModelStreamCut, UnsupportedError
from holdfast.core.domain.indexing import Embedder
from holdfast.core.domain.messages import Message, TextPart
from holdfast.core.domain.models import (
    Finished,
    ModelClient,
    ModelRequest,
    ModelSettings,
    TextDelta,
    UsageReport,
)

OFFLINE = "offline"


class ModelAsker:
    """An `Asker` over a model client. What is asked holds what documents say: `redact` takes secrets out.

    `used` is told what each call took. `api_base` is the address of the model's server, where the agent
    names one.
    """

    def __init__(
        self,
        client: ModelClient,
        model: str,
        redact: Callable[[str], str],
        *,
        used: Callable[[UsageReport], None] | None = None,
        api_base: str | None = None,
    ) -> None:
        self._client = client
        self._model = model
        self._redact = redact
        self._used = used
        self._api_base = api_base

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
        )
        texts: list[str] = []
        finished = False
        async with aclosing(self._client.stream(request)) as deltas:  # type: ignore[type-var]
            async for delta in deltas:
                match delta:
                    case TextDelta(text=text):
                        texts.append(text)
                    case UsageReport() if self._used is not None:
                        self._used(delta)
                    case Finished():
                        finished = True
        if not finished:
            raise ModelStreamCut("The model's answer ended in the middle.")
        return "".join(texts).strip()


class RedactingEmbedder:
    """An `Embedder` that gives no secrets of documents to the provider of another one."""

    def __init__(self, embedder: Embedder, redact: Callable[[str], str]) -> None:
        self._embedder = embedder
        self._redact = redact

    async def embed(self, model: str, texts: Sequence[str], *, query: bool = False) -> list[list[float]]:
        """See `Embedder`."""
        plain = await asyncio.to_thread(lambda: [self._redact(text) for text in texts])
        return await self._embedder.embed(model, plain, query=query)
