"""The OpenAI-compatible API behind the real server, on a scripted model; OpenAI's own client asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from tests.dialects.conftest import Served, call, door, open_bench, say, validated
from tests.dialects.conftest import serve as serve_apis

__all__ = ["call", "door", "open_bench", "say", "serve_apis", "validated"]


@pytest.fixture
def serve(serve_apis: Callable[..., Any]) -> Callable[..., Any]:
    """Serves a workbench whose model plays the given steps; `client` is OpenAI's."""

    @asynccontextmanager
    async def serving(steps: Any = (), **options: Any) -> AsyncIterator[Served]:
        async with serve_apis(steps, **options) as served:
            served.client = openai.AsyncOpenAI(
                api_key="unused",
                base_url="http://engine/openai/v1",
                http_client=served.http,
                max_retries=0,
            )
            yield served

    return serving
