"""Agents behind `/a2a` on a scripted model, asked by the SDK's own client and by plain HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from a2a.client import ClientConfig, ClientFactory
from a2a.client.card_resolver import A2ACardResolver
from a2a_talking import Talk
from tests.dialects.conftest import serve, validated
from tests.hooks.conftest import receiver
from tests.runs.conftest import call, door, open_bench, say

__all__ = ["call", "door", "open_bench", "receiver", "say", "serve", "validated"]


@pytest.fixture
def talk(serve: Any) -> Callable[..., Any]:
    """Opens a workbench on scripted steps with a client of the protocol's before it."""

    @asynccontextmanager
    async def talking(
        steps: Any = (),
        *,
        binding: str = "JSONRPC",
        streaming: bool = False,
        **options: Any,
    ) -> AsyncIterator[Talk]:
        async with serve(steps, **options) as served:
            base = "/a2a/agents/tester"
            async with httpx.AsyncClient(base_url=served.address, timeout=30, trust_env=False) as http:
                card = await A2ACardResolver(http, f"{served.address}{base}").get_agent_card()
                config = ClientConfig(
                    streaming=streaming, httpx_client=http, supported_protocol_bindings=[binding]
                )
                async with ClientFactory(config).create(card) as client:
                    yield Talk(served, client, http)

    return talking
