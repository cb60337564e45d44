"""One `ModelClient` for all models: each call goes to the adapter that its model's name says.

Constructing it imports neither LiteLLM nor an HTTP client; the model worker starts at the first call that
needs it, or with `prestart`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path

from holdfast.core.domain.addresses import Resolver, WebAddress, checked_addresses, system_resolver
from holdfast.core.domain.errors import (
    ForbiddenError,
    ModelNotFound,
    ModelRequestRefused,
    ModelUnavailable,
    ToolError,
)
from holdfast.core.domain.images import MadeImage
from holdfast.core.domain.models import ModelClient, ModelDelta, ModelRequest
from holdfast.core.domain.own_models import LOCAL, OWN
from holdfast.core.domain.tools import BlobStore
from holdfast.core.models.credentials import Addresses, Keys, embedding_target_of
from holdfast.core.models.embedding import embed
from holdfast.core.models.images import image_target_of, make_image
from holdfast.core.models.offline import OfflineModel
from holdfast.core.models.own import OwnModels, Resolved
from holdfast.core.models.protocol import PUBLIC
from holdfast.core.models.providers import OFFLINE, SCRIPTED
from holdfast.core.models.scripted import ScriptedModel
from holdfast.core.models.worker_client import COMMAND, WorkerClient

_ADVICE = (
    "An administrator can allow such addresses (`tools.allow_private_hosts`), or keep the model himself."
)


class ModelRouter:
    """Routes calls: `offline`, `scripted/PATH.json` where allowed, `local/NAME` to the worker of models in
    files, and everything else to LiteLLM: `own/NAME` as what stands behind it."""

    def __init__(  # noqa: PLR0913 (the one place where all kinds of models meet)
        self,
        keys: Keys,
        blobs: BlobStore,
        log_file: Path,
        environment: Mapping[str, str],
        addresses: Addresses | None = None,
        *,
        in_process: bool = False,
        scripted: bool = False,
        own: OwnModels | None = None,
        local: ModelClient | None = None,
        allow_private: Callable[[], bool] = lambda: False,
        resolve: Resolver = system_resolver,
    ) -> None:
        """`log_file` takes what the worker prints; `in_process` hosts LiteLLM here, without a worker. `own`
        knows models of one's own, and `local` runs those in files; None: there are none. `allow_private` says
        whether models that users keep for themselves may be in private networks."""
        self._allow_private = allow_private
        self._resolve = resolve
        self._keys = keys
        self._blobs = blobs
        self._scripted_allowed = scripted
        self._offline = OfflineModel(blobs.get)
        self._scripts: dict[str, ScriptedModel] = {}
        self._addresses = addresses or Addresses(environment=environment)
        self._own = own
        self._local = local
        self._in_process: ModelClient | None = None
        self._worker = (
            None if in_process else WorkerClient(keys, blobs, log_file, environment, self._addresses)
        )
        self._guarded = (
            None
            if in_process
            else WorkerClient(
                *(keys, blobs, log_file, _without_proxies(environment), self._addresses),
                command=(*COMMAND, PUBLIC),
            )
        )
        """Starts at the first call to a model that a user keeps for himself."""

    @property
    def worker_pid(self) -> int | None:
        """The process id of the model worker while it runs."""
        return self._worker.pid if self._worker else None

    async def prestart(self, model: str) -> None:
        """Starts the model worker when `model` will need it; it loads while other things go on."""
        if self._worker is not None and not _is_local(model):
            await self._worker.prestart()

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelDelta]:
        """Yields the deltas of one call; see `ModelClient`."""
        async with aclosing(await self._stream(request)) as deltas:  # type: ignore[type-var]
            async for delta in deltas:
                yield delta

    async def _stream(self, request: ModelRequest) -> AsyncIterator[ModelDelta]:
        if self._own is None or not request.model.startswith(f"{OWN}/"):
            return self._client(request.model).stream(request)
        call = await asyncio.to_thread(self._own.resolved, request)
        if call.guarded and not await asyncio.to_thread(self._allow_private):
            return await self._public(call)
        if call.given:
            return self.stream_with(call.request, call.key)
        return self._client(call.request.model).stream(call.request)

    async def _public(self, call: Resolved) -> AsyncIterator[ModelDelta]:
        """Returns the deltas of a call that may reach no private network."""
        model = call.request.model
        if self._guarded is None:
            words = "A model that a user keeps for himself is asked by the model worker only."
            raise ModelRequestRefused(words, code="model_worker_needed", details={"model": model})
        try:
            # Looked at here for the words; the worker looks at the connection that is made.
            place = WebAddress.parse(call.request.settings.api_base or "")
            await checked_addresses(place, self._resolve, allow_private=False, advice=_ADVICE)
        except ForbiddenError as error:
            raise ModelRequestRefused(error.message, code=error.code, details={"model": model}) from None
        except ToolError as error:
            raise ModelUnavailable(error.message, details={"model": model}) from None
        return self._guarded.stream_with(call.request, call.key)

    async def stream_with(self, request: ModelRequest, key: str | None) -> AsyncIterator[ModelDelta]:
        """Yields the deltas of one call to a provider that is made with `key`, whatever is kept."""
        if self._worker is not None:
            stream = self._worker.stream_with(request, key)
        else:
            from holdfast.core.models.litellm_client import LiteLLMClient  # only where it is hosted here

            stream = LiteLLMClient(lambda _: key, self._blobs.get, self._addresses).stream(request)
        async with aclosing(stream) as deltas:  # type: ignore[type-var]
            async for delta in deltas:
                yield delta

    async def embed(self, model: str, texts: Sequence[str], *, query: bool = False) -> list[list[float]]:
        """Returns a vector for each text; see `Embedder`."""
        if _is_local(model):
            raise ModelNotFound(
                f"{model} makes no vectors; `wordllama` does without a provider", details={"model": model}
            )
        if self._worker is not None:
            return await self._worker.embed(model, texts, query=query)
        target = await asyncio.to_thread(embedding_target_of, model, self._keys, self._addresses)
        return await embed(target, model, texts, query=query)

    async def make_image(self, model: str, prompt: str, *, size: str | None = None) -> MadeImage:
        """Returns an image; see `ImageMaker`."""
        if _is_local(model):
            raise ModelNotFound(
                f"{model} makes no images; `images.model` names a model of a provider that does",
                details={"model": model},
            )
        if self._worker is not None:
            return await self._worker.make_image(model, prompt, size=size)
        target = await asyncio.to_thread(image_target_of, model, self._keys, self._addresses)
        return await make_image(target, model, prompt, size)

    async def close(self) -> None:
        """Ends the worker and lets go of connections."""
        for client in (self._worker, self._guarded, self._in_process, self._local):
            if client is not None:
                await client.close()

    def _client(self, model: str) -> ModelClient:
        if model == OFFLINE:
            return self._offline
        if model.startswith(f"{SCRIPTED}/"):
            return self._script(model)
        if self._local is not None and model.startswith(f"{LOCAL}/"):
            return self._local
        return self._worker or self._litellm()

    def _script(self, model: str) -> ScriptedModel:
        if not self._scripted_allowed:
            raise ModelNotFound(f"{model}: scripted models are for tests", details={"model": model})
        if model not in self._scripts:
            self._scripts[model] = ScriptedModel.load(Path(model.removeprefix(f"{SCRIPTED}/")))
        return self._scripts[model]

    def _litellm(self) -> ModelClient:
        if self._in_process is None:
            from holdfast.core.models.litellm_client import LiteLLMClient  # only where it is hosted here

            self._in_process = LiteLLMClient(self._keys, self._blobs.get, self._addresses)
        return self._in_process


def _without_proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """A proxy would make the connections: where they lead could not be looked at."""
    return {name: value for name, value in environment.items() if not name.upper().endswith("_PROXY")}


def _is_local(model: str) -> bool:
    return model == OFFLINE or model.startswith((f"{SCRIPTED}/", f"{LOCAL}/"))
