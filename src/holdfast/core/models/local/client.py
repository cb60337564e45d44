"""The engine's side of models in files: asks the worker that runs them, which starts at the first call."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from importlib.util import find_spec
from pathlib import Path

from holdfast.core.domain.errors import HoldfastError, ModelNotFound, ModelRequestRefused
from holdfast.core.domain.models import ModelDelta, ModelRequest
from holdfast.core.domain.tools import BlobStore
from holdfast.core.models.own import OwnModels, window_of
from holdfast.core.models.worker_client import WorkerClient

COMMAND = (sys.executable, "-P", "-m", "holdfast.core.models.local.worker")
PACKAGE = "llama_cpp"
_ALSO = (
    *("LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"),
    *("OMP_NUM_THREADS", "GGML_VK_VISIBLE_DEVICES"),
)
"""Where its libraries are, and which devices it may use."""


class LocalClient:
    """A `ModelClient` for `local/NAME`."""

    def __init__(
        self,
        own: OwnModels,
        blobs: BlobStore,
        log_file: Path,
        environment: Mapping[str, str],
        *,
        command: Sequence[str] = COMMAND,
        package: str = PACKAGE,
    ) -> None:
        """`package` is what must be installed for the worker."""
        self._own = own
        self._worker = WorkerClient(lambda _: None, blobs, log_file, environment, command=command, also=_ALSO)
        self._package = package

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelDelta]:
        """Yields the deltas of one call; see `ModelClient`."""
        file, window, resolved = await asyncio.to_thread(self._look, request)
        more = {"file": file, "window": window}
        async with aclosing(self._worker.stream_as_is(resolved, None, more)) as deltas:
            async for delta in deltas:
                yield delta

    async def close(self) -> None:
        """Ends the worker."""
        await self._worker.close()

    def _look(self, request: ModelRequest) -> tuple[str, int, ModelRequest]:
        """Returns the file, the tokens that it is run with, and the request with the model's own limits."""
        own = self._own.get(request.model)
        if find_spec(self._package) is None:
            raise ModelRequestRefused(
                f"{request.model} needs llama.cpp, which is not installed: `pip install 'holdfast[local]'`",
                code="model_package_missing",
                details={"model": request.model},
            )
        try:
            head = self._own.check_file(own.path)
        except HoldfastError as error:
            raise ModelNotFound(
                f"{request.model}: {error.message}",
                code="model_file_missing",
                details={"model": request.model},
            ) from None
        settings = request.settings
        most = settings.max_output_tokens or own.max_output_tokens
        asked = settings.model_copy(update={"max_output_tokens": most, "api_base": None})
        return own.path, window_of(own, head), request.model_copy(update={"settings": asked})
