"""A host with a scripted model, and users who sign in to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from holdfast.core.config.paths import Paths
from holdfast.core.config.settings import Settings
from holdfast.core.domain.events import RUN_ENDS, EventFilter
from holdfast.core.domain.identity import Role, Scope
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.models import Finished, TextDelta, UsageReport
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.identity.keys import ProviderKeys
from holdfast.core.models.catalog import Catalog
from holdfast.core.models.scripted import ScriptedModel
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.services.local import LocalWorkbench, Parts
from holdfast.core.services.workbench import Workbench
from holdfast.core.tools.builtin.catalog import builtin_tools
from holdfast.core.tools.registry import ToolRegistry

AGENT = "version: 1\nname: helper\nmodel: offline\ntools: [read_file]\n"
USAGE = UsageReport(input_tokens=10, output_tokens=2, cached_tokens=1, cost_usd=0.25)

SignIn = Callable[..., Awaitable[Workbench]]
Ask = Callable[[Workbench], Awaitable[str]]


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[LocalWorkbench]:
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "home")})
    paths.make()
    paths.agents.mkdir()
    (paths.agents / "helper.yaml").write_text(AGENT)
    settings = Settings()
    keys = ProviderKeys(paths, {}, {})
    replies = [[TextDelta(text="hello"), USAGE, Finished(reason="stop")] for _ in range(9)]
    parts = Parts(
        paths=paths,
        settings=lambda project: settings,
        blobs=FileBlobs(paths.blobs),
        client=ScriptedModel(replies),
        catalog=Catalog(keys.get, settings.models, {}),
        tools=ToolRegistry(builtin_tools(ChildProcesses())),
        keys=keys,
        environment={},
    )
    opened = await LocalWorkbench.open(parts)
    yield opened
    await opened.close()


@pytest.fixture
def sign_in(host: LocalWorkbench) -> SignIn:
    """Returns the view of a user, who is added."""

    async def signed_in(name: str, role: Role = Role.USER, scope: Scope = Scope.ADMIN) -> Workbench:
        await host.users.add(name, role)
        new = await host.keys.create("k", scope, user=name)
        return host.as_principal(await host.authenticate(new.secret))

    return signed_in


@pytest.fixture
def ask() -> Ask:
    """Runs one message in a new session to its end; returns the session's id."""

    async def asked(workbench: Workbench) -> str:
        session = await workbench.sessions.create("general", model="offline", title="Secret plans")
        sent = await workbench.runs.send(session.id, (TextPart(text="Hello"),))
        async with asyncio.timeout(20):
            async for logged in workbench.events.follow(EventFilter(run_id=sent.run_id), 0):
                if logged.event.type in RUN_ENDS:
                    break
        return session.id

    return asked
