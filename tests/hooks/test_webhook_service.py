"""Webhooks through both doors of the workbench, with a real receiver; and who sees and may do what."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.config.paths import Paths
from holdfast.core.config.settings import Settings
from holdfast.core.domain.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.identity import Role, Scope
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.models import Finished, TextDelta
from holdfast.core.domain.webhooks import DeliveryStatus
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.identity.keys import ProviderKeys
from holdfast.core.models.catalog import Catalog
from holdfast.core.models.scripted import ScriptedModel
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.services.local import LocalWorkbench, Parts
from holdfast.core.services.webhooks import MAX_WEBHOOKS
from holdfast.core.services.workbench import Workbench
from holdfast.core.tools.builtin.catalog import builtin_tools
from holdfast.core.tools.registry import ToolRegistry
from holdfast.server.kit.auth import LocalDoor
from holdfast.server.listener import listen
from holdfast.server.lock import bind_socket
from holdfast.server.native.client import RemoteWorkbench
from holdfast.server.native.routes import native_app

PUBLIC = "https://receiver.example.org/hook"


@asynccontextmanager
async def opened(home: Path) -> AsyncIterator[LocalWorkbench]:
    paths = Paths.resolve({"HOLDFAST_HOME": str(home)})
    paths.make()
    settings = Settings()
    keys = ProviderKeys(paths, {}, {})
    parts = Parts(
        paths=paths,
        settings=lambda project: settings,
        blobs=FileBlobs(paths.blobs),
        client=ScriptedModel([[TextDelta(text="hello"), Finished(reason="stop")] for _ in range(9)]),
        catalog=Catalog(keys.get, settings.models, {}),
        tools=ToolRegistry(builtin_tools(ChildProcesses())),
        keys=keys,
        environment={},
    )
    host = await LocalWorkbench.open(parts)
    try:
        yield host
    finally:
        await host.close()


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[LocalWorkbench]:
    async with opened(tmp_path / "home") as made:
        yield made


@pytest.fixture(params=["local", "remote"])
async def door(request: Any, host: LocalWorkbench) -> AsyncIterator[Workbench]:
    """The local user's workbench: in this process, and through the native API."""
    if request.param == "local":
        yield host
        return

    async def ready() -> LocalWorkbench:
        return host

    stop = asyncio.Event()
    app = native_app(ready, log=logging.getLogger("holdfast.tests"), closing=stop)
    with tempfile.TemporaryDirectory(prefix="hf") as folder:
        socket = Path(folder) / "s.sock"
        server = asyncio.create_task(listen(LocalDoor(app), bind_socket(socket), stop))
        remote = RemoteWorkbench(socket)
        yield remote
        await remote.close()
        stop.set()
        async with asyncio.timeout(10):
            await server


async def sign_in(
    host: LocalWorkbench, name: str, role: Role = Role.USER, scope: Scope = Scope.ADMIN
) -> Workbench:
    if name not in {user.name for user in await host.users.list()}:
        await host.users.add(name, role)
    new = await host.keys.create("k", scope, user=name)
    return host.as_principal(await host.authenticate(new.secret))


async def ran(workbench: Workbench, text: str = "Hello") -> str:
    """Makes a session with one run that has ended; returns its id."""
    session = await workbench.sessions.create("general", model="offline")
    submitted = await workbench.runs.send(session.id, (TextPart(text=text),))
    async with asyncio.timeout(20):
        async for logged in workbench.events.follow(EventFilter(run_id=submitted.run_id), 0):
            if logged.event.type == "run.completed":
                break
    return session.id


async def until_delivered(workbench: Workbench, id: str, count: int) -> list[Any]:
    """Returns the deliveries, oldest first, when so many are done."""
    async with asyncio.timeout(20):
        while True:
            items = (await workbench.webhooks.deliveries(id, 1000)).items[::-1]
            if sum(each.status is DeliveryStatus.DELIVERED for each in items) >= count:
                return list(items)


async def test_a_run_comes_signed_and_in_order_as_the_stream_has_it(door: Workbench, receiver: Any) -> None:
    new = await door.webhooks.add(receiver.url, events=("run.*", "part.completed"), name="mine")
    session = await ran(door)
    deliveries = await until_delivered(door, new.webhook.id, 3)
    stream = (await door.events.read(EventFilter(session_id=session))).items
    wanted = [
        each for each in stream if each.event.type in ("run.started", "part.completed", "run.completed")
    ]
    requests = await receiver.until(3)
    bodies = [json.loads(request.body) for request in requests]
    assert [body["event"] for body in bodies] == [json.loads(each.to_json()) for each in wanted]
    assert [(body["id"], body["event_id"]) for body in bodies] == [(d.id, d.event_id) for d in deliveries]
    for request in requests:
        digest = hmac.new(new.secret.encode(), request.body, hashlib.sha256).hexdigest()
        assert request.headers["x-holdfast-signature"] == f"sha256={digest}"
    (listed,) = await door.webhooks.list()
    assert (listed.name, listed.succeeded_at is not None) == ("mine", True)


async def test_a_test_says_what_the_receiver_answered(door: Workbench, receiver: Any) -> None:
    new = await door.webhooks.add(receiver.url)
    receiver.answer(500, b"not today")
    failed = await door.webhooks.test(new.webhook.id)
    assert (failed.status, failed.response_status, failed.response) == ("failed", 500, "not today")
    taken = await door.webhooks.test(new.webhook.id)
    assert (taken.status, taken.error, taken.type) == ("delivered", "", "webhook.test")
    page = await door.webhooks.deliveries(new.webhook.id, limit=1)
    assert page.items == (taken,)
    rest = await door.webhooks.deliveries(new.webhook.id, limit=1, cursor=page.next_cursor)
    assert (rest.items, rest.next_cursor) == ((failed,), None)
    with pytest.raises(InvalidError):
        await door.webhooks.deliveries(new.webhook.id, limit=0)
    with pytest.raises(InvalidError):
        await door.webhooks.redeliver(failed.id)


async def test_what_was_refused_can_be_sent_again_under_its_id(door: Workbench, receiver: Any) -> None:
    new = await door.webhooks.add(receiver.url, events=("run.started",))
    receiver.answer(404)
    session = await ran(door)
    async with asyncio.timeout(20):
        while not (deliveries := (await door.webhooks.deliveries(new.webhook.id)).items):
            continue
    assert deliveries[0].status is DeliveryStatus.FAILED
    again = await door.webhooks.redeliver(deliveries[0].id)
    assert (again.status, again.attempts, again.id) == ("delivered", 2, deliveries[0].id)
    first, second = (json.loads(request.body) for request in receiver.requests)
    assert (first["id"], first["event"]) == (second["id"], second["event"])
    assert (await door.webhooks.deliveries(new.webhook.id)).items == (again,)
    await door.sessions.delete(session)
    with pytest.raises(ConflictError):
        await door.webhooks.redeliver(again.id)


async def test_what_is_still_tried_is_not_sent_again_beside(door: Workbench, receiver: Any) -> None:
    new = await door.webhooks.add(receiver.url, events=("run.started",))
    receiver.answer(503, Retry_After="3000")
    await ran(door)
    async with asyncio.timeout(20):
        while not (deliveries := (await door.webhooks.deliveries(new.webhook.id)).items):
            continue
    assert deliveries[0].next_attempt_at is not None
    with pytest.raises(ConflictError):
        await door.webhooks.redeliver(deliveries[0].id)
    assert (await door.webhooks.get(new.webhook.id)).failures == 1
    await door.webhooks.test(new.webhook.id)
    assert len(await until_delivered(door, new.webhook.id, 2)) == 2
    assert (await door.webhooks.get(new.webhook.id)).failures == 0


async def test_a_webhook_is_switched_off_and_on_and_goes_on_where_it_was(
    door: Workbench, receiver: Any
) -> None:
    new = await door.webhooks.add(receiver.url, events=("session.created",))
    off = await door.webhooks.update(new.webhook.id, enabled=False)
    assert (off.enabled, off.reason) == (False, "")
    one = await door.sessions.create("general", model="offline")
    two = await door.sessions.create("general", model="offline")
    on = await door.webhooks.update(new.webhook.id, enabled=True, name="again")
    assert (on.enabled, on.name) == (True, "again")
    await until_delivered(door, new.webhook.id, 2)
    assert [json.loads(r.body)["event"]["session_id"] for r in receiver.requests] == [one.id, two.id]


async def test_other_events_and_another_address_hold_from_now_on(door: Workbench, receiver: Any) -> None:
    new = await door.webhooks.add("http://127.0.0.1:1/", events=("run.started",))
    session = await door.sessions.create("general", model="offline")
    changed = await door.webhooks.update(new.webhook.id, url=receiver.url, events=("session.*",))
    assert (changed.url, changed.events) == (receiver.url, ("session.*",))
    await door.sessions.rename(session.id, "Another")
    (delivery,) = await until_delivered(door, new.webhook.id, 1)
    assert delivery.type == "session.renamed"
    assert (await door.webhooks.update(new.webhook.id)).url == receiver.url


async def test_a_removed_webhook_is_gone_with_its_secret(
    door: Workbench, receiver: Any, tmp_path: Path
) -> None:
    new = await door.webhooks.add(receiver.url)
    delivery = await door.webhooks.test(new.webhook.id)
    await door.webhooks.remove(new.webhook.id)
    assert await door.webhooks.list() == ()
    for gone in (
        door.webhooks.get(new.webhook.id),
        door.webhooks.remove(new.webhook.id),
        door.webhooks.test(new.webhook.id),
        door.webhooks.update(new.webhook.id, enabled=True),
        door.webhooks.deliveries(new.webhook.id),
        door.webhooks.redeliver(delivery.id),
    ):
        with pytest.raises(NotFoundError):
            await gone
    assert new.secret not in (tmp_path / "home" / "config" / "webhooks.yaml").read_text()


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://a.test/"},
        {"url": "https://user:pw@a.test/"},
        {"url": "https://a.test/" + "x" * 2000},
        {"url": "no address"},
        {"url": PUBLIC, "events": ("run",)},
        {"url": PUBLIC, "name": "x" * 101},
        {"url": PUBLIC, "secret": "short"},
        {"url": PUBLIC, "secret": "has a space"},
        {"url": PUBLIC, "secret": "x" * 257},
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_kept(door: Workbench, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidError):
        await door.webhooks.add(**wrong)
    assert await door.webhooks.list() == ()


async def test_a_secret_of_ones_own_signs(door: Workbench, receiver: Any) -> None:
    new = await door.webhooks.add(receiver.url, secret="correct-horse")
    assert new.secret == "correct-horse"
    await door.webhooks.test(new.webhook.id)
    (request,) = receiver.requests
    digest = hmac.new(b"correct-horse", request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-holdfast-signature"] == f"sha256={digest}"


async def test_a_webhook_of_one_session_gets_that_session_only(door: Workbench, receiver: Any) -> None:
    one = await door.sessions.create("general", model="offline")
    other = await door.sessions.create("general", model="offline")
    new = await door.webhooks.add(receiver.url, session_id=other.id)
    await door.sessions.rename(one.id, "x")
    await door.sessions.rename(other.id, "y")
    await until_delivered(door, new.webhook.id, 1)
    assert json.loads(receiver.requests[0].body)["event"]["title"] == "y"
    with pytest.raises(NotFoundError):
        await door.webhooks.add(receiver.url, session_id="nobody's")


async def test_the_number_of_webhooks_is_bounded(host: LocalWorkbench) -> None:
    ann = await sign_in(host, "ann")
    for _ in range(MAX_WEBHOOKS):
        await ann.webhooks.add(PUBLIC)
    with pytest.raises(ConflictError) as raised:
        await ann.webhooks.add(PUBLIC)
    assert raised.value.code == "too_many_webhooks"
    await host.webhooks.add(PUBLIC)


# --- who sees what, and may do what


async def test_what_one_user_has_is_not_there_for_another(host: LocalWorkbench, receiver: Any) -> None:
    ann, boss = await sign_in(host, "ann"), await sign_in(host, "boss", Role.ADMIN)
    theirs = await boss.webhooks.add(receiver.url, events=("session.created",))
    delivery = await boss.webhooks.test(theirs.webhook.id)
    assert await ann.webhooks.list() == ()
    for reach in (
        ann.webhooks.get(theirs.webhook.id),
        ann.webhooks.update(theirs.webhook.id, url=PUBLIC),
        ann.webhooks.remove(theirs.webhook.id),
        ann.webhooks.test(theirs.webhook.id),
        ann.webhooks.deliveries(theirs.webhook.id),
        ann.webhooks.redeliver(delivery.id),
    ):
        with pytest.raises(NotFoundError):
            await reach
    anns = await ann.sessions.create("general", model="offline")
    with pytest.raises(NotFoundError):
        await boss.webhooks.add(receiver.url, session_id=anns.id)
    bosses = await boss.sessions.create("general", model="offline")
    await until_delivered(boss, theirs.webhook.id, 2)
    assert [json.loads(r.body)["event"].get("session_id") for r in receiver.requests] == [None, bosses.id]


async def test_looking_needs_read_and_changing_needs_admin(host: LocalWorkbench, receiver: Any) -> None:
    new = await host.webhooks.add(receiver.url)
    for scope in (Scope.READ, Scope.CHAT):
        reader = await sign_in(host, "local", scope=scope)
        assert await reader.webhooks.list() == (new.webhook,)
        assert (await reader.webhooks.deliveries(new.webhook.id)).items == ()
        for call in (
            lambda w: w.add(PUBLIC),
            lambda w: w.update(new.webhook.id, enabled=False),
            lambda w: w.remove(new.webhook.id),
            lambda w: w.test(new.webhook.id),
            lambda w: w.redeliver("d"),
        ):
            with pytest.raises(ForbiddenError):
                await call(reader.webhooks)


@pytest.mark.parametrize(
    "host_name",
    ["127.0.0.1", "localhost", "a.localhost", "[::1]", "10.1.2.3", "169.254.169.254", "[fe80::1]"],
)
async def test_a_user_who_is_no_administrator_cannot_name_what_is_not_public(
    host: LocalWorkbench, host_name: str
) -> None:
    ann = await sign_in(host, "ann")
    with pytest.raises(ForbiddenError):
        await ann.webhooks.add(f"http://{host_name}:8700/")
    new = await ann.webhooks.add(PUBLIC)
    with pytest.raises(ForbiddenError):
        await ann.webhooks.update(new.webhook.id, url=f"http://{host_name}/")


async def test_a_name_that_leads_to_this_machine_is_refused_when_it_is_connected_to(
    host: LocalWorkbench, receiver: Any
) -> None:
    ann, boss = await sign_in(host, "ann"), await sign_in(host, "boss", Role.ADMIN)
    url = f"http://127.1:{receiver.port}/"
    anns = await ann.webhooks.test((await ann.webhooks.add(url)).webhook.id)
    assert (anns.status, "not at a public address" in anns.error) == ("failed", True)
    assert receiver.connections == 0
    bosses = await boss.webhooks.test((await boss.webhooks.add(url)).webhook.id)
    assert bosses.status == "delivered"


async def test_a_removed_users_webhooks_go_with_him(
    host: LocalWorkbench, receiver: Any, tmp_path: Path
) -> None:
    boss = await sign_in(host, "boss", Role.ADMIN)
    new = await boss.webhooks.add(receiver.url)
    session = await boss.sessions.create("general", model="offline")
    await until_delivered(boss, new.webhook.id, 1)
    await host.users.remove("boss")
    with contextlib.suppress(NotFoundError):
        await boss.sessions.rename(session.id, "after")
    await host.webhooks.test((await host.webhooks.add(receiver.url)).webhook.id)
    assert len(receiver.requests) == 2
    assert new.secret not in (tmp_path / "home" / "config" / "webhooks.yaml").read_text()


# --- secrets, restarts


def files_with(folder: Path, text: str) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


async def test_the_secret_is_in_no_file_but_its_own_and_in_no_answer(
    host: LocalWorkbench, receiver: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    new = await host.webhooks.add(receiver.url)
    receiver.answer(400, f"your key is {new.secret}".encode())
    delivery = await host.webhooks.test(new.webhook.id)
    assert delivery.response == "your key is [redacted]"
    session = await ran(host, f"my secret is {new.secret}")
    exported = await host.sessions.export(session, "json")
    shown = [
        repr(new),
        str(await host.webhooks.list()),
        exported,
        caplog.text,
        str(await host.keys.providers()),
    ]
    assert not any(new.secret in each for each in shown)
    assert "my secret is [redacted]" in exported
    assert files_with(tmp_path / "home", new.secret) == ["webhooks.yaml"]


async def test_a_secret_is_known_to_the_redaction_again_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as host:
        new = await host.webhooks.add("http://127.0.0.1:1/")
    async with opened(tmp_path / "home") as host:
        session = await host.sessions.create("general", model="offline", title=f"see {new.secret}")
        assert (await host.sessions.get(session.id)).title == "see [redacted]"


async def test_deliveries_go_on_after_a_restart(tmp_path: Path, receiver: Any) -> None:
    async with opened(tmp_path / "home") as host:
        new = await host.webhooks.add(receiver.url, events=("session.created",))
        receiver.answer(503)
        session = await host.sessions.create("general", model="offline")
        async with asyncio.timeout(20):
            while not (await host.webhooks.deliveries(new.webhook.id)).items:
                continue
    async with opened(tmp_path / "home") as host:
        (delivery,) = await until_delivered(host, new.webhook.id, 1)
    assert (delivery.attempts, len(receiver.requests)) == (2, 2)
    assert {json.loads(request.body)["id"] for request in receiver.requests} == {delivery.id}
    assert json.loads(receiver.requests[-1].body)["event"]["session_id"] == session.id


async def test_a_receiver_that_never_answers_holds_up_neither_runs_nor_the_end(
    tmp_path: Path, receiver: Any
) -> None:
    receiver.answers += [None] * 5
    async with opened(tmp_path / "home") as host:
        await host.webhooks.add(receiver.url)
        await ran(host)
        await receiver.until(1)
        async with asyncio.timeout(5):
            await host.close()
