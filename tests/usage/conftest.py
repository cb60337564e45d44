"""A host with a scripted model, and users who sign in to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from paying import HELLO, ended

from holdfast.core.config.paths import Paths
from holdfast.core.config.settings import LimitsSettings, SandboxSettings, Settings
from holdfast.core.domain.identity import Role, Scope
from holdfast.core.domain.models import Finished, TextDelta, UsageReport
from holdfast.core.domain.values import utc_now
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


class Clock:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.at = utc_now()

    def __call__(self) -> datetime:
        return self.at

    def put_forward(self, **span: float) -> None:
        self.at += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    """The clock that limits go by."""
    return Clock()


@pytest.fixture
def limits() -> dict[str, Any]:
    """What the settings say of limits; a test may change it before and after the host is opened."""
    return {"tiers": {"free": "2/minute 3/day", "wide": "100/minute"}}


@pytest.fixture
def replies() -> list[Any]:
    """What the model says, call after call; a test may change it."""
    return [[TextDelta(text="hello"), USAGE, Finished(reason="stop")] for _ in range(9)]


@pytest.fixture
def open_host(
    tmp_path: Path, clock: Clock, limits: dict[str, Any], replies: list[Any]
) -> Callable[[], Awaitable[LocalWorkbench]]:
    """Opens the host of one home, also again after it was closed."""

    async def opened() -> LocalWorkbench:
        return await LocalWorkbench.open(_parts(tmp_path, clock, limits, replies))

    return opened


@pytest.fixture
async def host(open_host: Callable[[], Awaitable[LocalWorkbench]]) -> AsyncIterator[LocalWorkbench]:
    opened = await open_host()
    yield opened
    await opened.close()


def _parts(tmp_path: Path, clock: Clock, limits: dict[str, Any], replies: list[Any]) -> Parts:
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "home")})
    paths.make()
    paths.agents.mkdir(exist_ok=True)
    (paths.agents / "helper.yaml").write_text(AGENT)
    keys = ProviderKeys(paths, {}, {})
    return Parts(
        paths=paths,
        settings=lambda project: Settings(
            limits=LimitsSettings.model_validate(limits),
            sandbox=SandboxSettings(unconfined_scripts=True),
        ),
        blobs=FileBlobs(paths.blobs),
        client=ScriptedModel([lambda _: replies.pop(0)] * len(replies) * 9),
        catalog=Catalog(keys.get, Settings().models, {}),
        tools=ToolRegistry(builtin_tools(ChildProcesses())),
        keys=keys,
        environment={},
        now=clock,
    )


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
        sent = await workbench.runs.send(session.id, HELLO)
        await ended(workbench, str(sent.run_id))
        return session.id

    return asked
