"""Users, keys and logins, and what each principal sees of the others' things."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.config.paths import Paths
from holdfast.core.config.settings import Settings
from holdfast.core.domain.approvals import Approval, Decision
from holdfast.core.domain.errors import (
    ConflictError,
    ForbiddenError,
    HoldfastError,
    InvalidError,
    NotFoundError,
    StoreError,
    UnauthenticatedError,
)
from holdfast.core.domain.events import ApprovalRequested, EventFilter, ToolCallCompleted
from holdfast.core.domain.identity import LOCAL, Principal, Role, Scope
from holdfast.core.domain.messages import (
    ImagePart,
    Message,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    text_of,
)
from holdfast.core.domain.models import (
    Finished,
    ModelDelta,
    ModelRequest,
    ModelSettings,
    TextDelta,
    ToolCallDelta,
)
from holdfast.core.domain.runs import RunOptions
from holdfast.core.domain.values import utc_now
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.identity.keys import ProviderKeys
from holdfast.core.models.catalog import Catalog
from holdfast.core.models.scripted import ScriptedModel
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.services import identity
from holdfast.core.services.local import LocalWorkbench, Parts
from holdfast.core.services.mcp_servers import McpServers
from holdfast.core.services.workbench import Workbench
from holdfast.core.tools.builtin.catalog import builtin_tools
from holdfast.core.tools.registry import ToolRegistry

AGENT = "version: 1\nname: helper\nmodel: offline\ntools: [read_file, run_command]\n"


def _reply(request: ModelRequest) -> list[ModelDelta]:
    """Runs a program where the agent can, else says hello."""
    said = any(message.role == "tool" for message in request.messages)
    if said or "run_command" not in {tool.name for tool in request.tools}:
        return [TextDelta(text="hello"), Finished(reason="stop")]
    call = ToolCallDelta(key="0", name="run_command", arguments='{"command": "echo hi"}')
    return [call, Finished(reason="tool_calls")]


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[LocalWorkbench]:
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "home")})
    paths.make()
    paths.agents.mkdir()
    (paths.agents / "helper.yaml").write_text(AGENT)
    settings = Settings()
    keys = ProviderKeys(paths, {}, {})
    parts = Parts(
        paths=paths,
        settings=lambda project: settings,
        blobs=FileBlobs(paths.blobs),
        client=ScriptedModel([_reply] * 9),
        catalog=Catalog(keys.get, settings.models, {}),
        tools=ToolRegistry(builtin_tools(ChildProcesses())),
        keys=keys,
        environment={},
    )
    opened = await LocalWorkbench.open(parts)
    yield opened
    await opened.close()


async def sign_in(
    host: LocalWorkbench, name: str, role: Role = Role.USER, scope: Scope = Scope.ADMIN
) -> Workbench:
    if name not in {user.name for user in await host.users.list()}:
        await host.users.add(name, role)
    new = await host.keys.create("k", scope, user=name)
    return host.as_principal(await host.authenticate(new.secret))


async def test_a_key_says_who_asks_and_only_its_hash_is_kept(host: LocalWorkbench, tmp_path: Path) -> None:
    new = await host.keys.create("laptop", Scope.READ)
    principal = await host.authenticate(new.secret)
    assert (principal.user_id, principal.scope) == (LOCAL, Scope.READ)
    (listed,) = await host.keys.list()
    assert listed.last_four == new.secret[-4:]
    assert listed.last_used_at is not None
    kept = b"".join(each.read_bytes() for each in (tmp_path / "home" / "data").glob("holdfast.db*"))
    assert new.secret.encode() not in kept
    assert new.secret not in repr(new)


@pytest.mark.parametrize("secret", ["", "x", "hf_", "hf_" + "a" * 43, "hf_" + "ü" * 43, "a" * 10_000])
async def test_a_wrong_secret_is_refused(host: LocalWorkbench, secret: str) -> None:
    with pytest.raises(UnauthenticatedError):
        await host.authenticate(secret)


async def test_a_revoked_key_is_refused_at_once(host: LocalWorkbench) -> None:
    new = await host.keys.create("laptop")
    await host.authenticate(new.secret)
    revoked = await host.keys.revoke("laptop")
    assert revoked.revoked_at is not None
    with pytest.raises(UnauthenticatedError, match="was revoked") as caught:
        await host.authenticate(new.secret)
    assert caught.value.code == "key_revoked", "whoever has the secret may know what became of it"
    with pytest.raises(NotFoundError):
        await host.keys.revoke("laptop")


async def test_an_expired_key_is_refused_although_it_was_used(
    host: LocalWorkbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = await host.keys.create("short", expires_s=60)
    await host.authenticate(new.secret)
    monkeypatch.setattr(identity, "utc_now", lambda: utc_now() + timedelta(seconds=61))
    with pytest.raises(UnauthenticatedError, match="expired"):
        await host.authenticate(new.secret)


async def test_who_waits_for_the_end_of_a_key_hears_of_it_at_once(host: LocalWorkbench) -> None:
    await sign_in(host, "ann")
    revoked = (await host.keys.create("one")).secret
    removed = (await host.keys.create("two", user="ann")).secret
    expired = (await host.keys.create("three", expires_s=1)).secret
    kept = (await host.keys.create("four", expires_s=86_400)).secret
    waiting = [asyncio.create_task(host.until_refused(each)) for each in (revoked, removed, expired, kept)]
    async with asyncio.timeout(10):
        await waiting[2]
        await host.keys.revoke("one")
        await waiting[0]
        assert not waiting[1].done()
        await host.users.remove("ann")
        await waiting[1]
        await host.until_refused("no key at all")
    assert not waiting[3].done()
    waiting[3].cancel()


async def test_a_name_that_several_keys_have_does_not_revoke_one_of_them(host: LocalWorkbench) -> None:
    first, _ = await host.keys.create("ci"), await host.keys.create("ci")
    with pytest.raises(ConflictError):
        await host.keys.revoke("ci")
    await host.keys.revoke(first.credential.id)
    await host.keys.revoke("ci")


async def test_a_key_is_found_by_its_secret_its_id_and_its_name_by_its_owner_alone(
    host: LocalWorkbench,
) -> None:
    await host.users.add("ann")
    hers = await host.keys.create("ci", Scope.ADMIN, user="ann")
    ann = host.as_principal(await host.authenticate(hers.secret))
    for named in (hers.secret, hers.credential.id, "ci"):
        assert (await ann.keys.find(named)).id == hers.credential.id
        with pytest.raises(NotFoundError) as unknown:
            await host.keys.find(named)
        assert named not in unknown.value.message
    await host.keys.create("ci", user="ann")
    with pytest.raises(ConflictError):
        await ann.keys.find("ci")
    login = await ann.users.login()
    await host.keys.revoke(hers.credential.id)
    for gone in (hers.secret, hers.credential.id, login.secret):
        with pytest.raises((NotFoundError, UnauthenticatedError)):
            await host.as_principal(ann.principal).keys.find(gone)


async def test_nobody_makes_a_key_that_may_do_more_than_his_own(host: LocalWorkbench) -> None:
    ann = await sign_in(host, "ann")
    with pytest.raises(ForbiddenError):
        await ann.keys.create("k", Scope.CHAT, user="local")
    chat = await sign_in(host, "ann", scope=Scope.CHAT)
    with pytest.raises(ForbiddenError):
        await chat.keys.create("k")
    with pytest.raises(ForbiddenError):
        await chat.users.login(scope=Scope.ADMIN)
    login = await chat.users.login(expires_s=60)
    assert login.credential.scope is Scope.CHAT
    assert (await host.authenticate(login.secret)).user_id == (await chat.users.me()).user_id


async def test_a_login_ends(host: LocalWorkbench) -> None:
    ann = await sign_in(host, "ann")
    login = await ann.users.login()
    await ann.users.logout(login.credential.id)
    with pytest.raises(UnauthenticatedError):
        await host.authenticate(login.secret)
    bob = await sign_in(host, "bob")
    other = await ann.users.login()
    with pytest.raises(NotFoundError):
        await bob.users.logout(other.credential.id)


async def test_a_login_ends_with_the_key_that_it_was_asked_for_with(host: LocalWorkbench) -> None:
    key = await host.keys.create("leaked", Scope.READ)
    first = await host.as_principal(await host.authenticate(key.secret)).users.login()
    second = await host.as_principal(await host.authenticate(first.secret)).users.login()
    own = await host.users.login()
    await host.keys.revoke("leaked")
    for gone in (key, first, second):
        with pytest.raises(UnauthenticatedError):
            await host.authenticate(gone.secret)
    await host.authenticate(own.secret)


async def test_a_login_does_not_outlive_a_key_that_expires(host: LocalWorkbench) -> None:
    key = await host.keys.create("short", Scope.READ, expires_s=60)
    login = await host.as_principal(await host.authenticate(key.secret)).users.login()
    assert login.credential.expires_at == key.credential.expires_at
    assert login.credential.made_by == key.credential.id


async def test_who_is_refused_meanwhile_makes_no_login(host: LocalWorkbench) -> None:
    key = await host.keys.create("leaked", Scope.ADMIN)
    view = host.as_principal(await host.authenticate(key.secret))
    await host.keys.revoke("leaked")
    with pytest.raises(NotFoundError):
        await view.users.login()
    with pytest.raises(NotFoundError):
        await view.keys.create("again")


async def test_a_login_is_ended_by_its_user_and_by_nobody_who_may_do_less(host: LocalWorkbench) -> None:
    ann = await sign_in(host, "ann")
    theirs, mine = await ann.users.login(), await host.users.login()
    reader = host.as_principal(await host.authenticate((await host.keys.create("r", Scope.READ)).secret))
    for id in (theirs.credential.id, "login"):
        with pytest.raises(NotFoundError):
            await host.users.logout(id)
    with pytest.raises(ForbiddenError):
        await reader.users.logout(mine.credential.id)
    little = await reader.users.login()
    await reader.users.logout(little.credential.id)
    for stays in (theirs, mine):
        await host.authenticate(stays.secret)


async def test_logins_are_bounded_and_those_that_ended_long_ago_are_forgotten(
    host: LocalWorkbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "MAX_LOGINS", 3)
    for _ in range(3):
        last = await host.users.login(expires_s=60)
    with pytest.raises(ConflictError, match="3 times"):
        await host.users.login()
    await host.users.logout(last.credential.id)
    await host.users.login(expires_s=60)
    assert len(await host.users.logins()) == 4
    monkeypatch.setattr(identity, "utc_now", lambda: utc_now() + timedelta(days=31))
    await host.users.login()
    assert len(await host.users.logins()) == 1


async def test_a_name_that_is_another_users_id_names_that_other_user(host: LocalWorkbench) -> None:
    ann = await host.users.add("ann")
    twin = await host.users.add(ann.id, Role.ADMIN)
    key = await host.keys.create("k", Scope.READ, user=ann.id)
    assert key.credential.user_id == ann.id
    assert (await host.authenticate(key.secret)).role is Role.USER
    await host.users.remove(ann.id)
    assert [user.id for user in await host.users.list()] == [LOCAL, twin.id]


async def test_whoever_may_make_no_keys_for_others_does_not_learn_who_they_are(host: LocalWorkbench) -> None:
    ann = await sign_in(host, "ann")
    for name in ("local", "nobody"):
        with pytest.raises(ForbiddenError):
            await ann.keys.create("k", user=name)
    assert (await ann.keys.create("k", user="ann")).credential.user_id == (await ann.users.me()).user_id


async def test_a_full_disk_keeps_nobody_out(host: LocalWorkbench, monkeypatch: pytest.MonkeyPatch) -> None:
    key = await host.keys.create("k")

    async def full(*_: object) -> None:
        raise StoreError("The disk is full.", code="disk_full")

    monkeypatch.setattr(host._core.accounts, "used", full)
    assert (await host.authenticate(key.secret)).user_id == LOCAL


async def test_a_key_is_refused_though_who_revoked_it_went_away(host: LocalWorkbench) -> None:
    key = await host.keys.create("k")
    await host.authenticate(key.secret)
    begun, going_on = asyncio.Event(), asyncio.Event()

    async def revoke() -> None:
        begun.set()
        await going_on.wait()
        await host._core.accounts.revoke(key.credential.id, utc_now())

    revoking = asyncio.create_task(host._core.gate.change(revoke()))
    refused = asyncio.create_task(host.until_refused(key.secret))
    await begun.wait()
    revoking.cancel()
    going_on.set()
    async with asyncio.timeout(10):
        await refused
    with pytest.raises(UnauthenticatedError):
        await host.authenticate(key.secret)


async def test_the_runs_of_a_removed_user_end_and_what_waits_starts_no_other(host: LocalWorkbench) -> None:
    ann = await sign_in(host, "ann", Role.ADMIN)
    await ann.agents.create(AGENT)
    session = await ann.sessions.create("helper")
    said = (TextPart(text="Hi"),)
    submitted = await ann.runs.send(session.id, said)
    async with asyncio.timeout(20):
        async for logged in ann.events.follow(EventFilter(session_id=session.id), 0):
            if isinstance(logged.event, ApprovalRequested):
                break
    await ann.runs.send(session.id, said)
    await host.users.remove("ann")
    assert submitted.run_id is not None
    assert (await ann.runs.get(submitted.run_id)).status == "cancelled"
    assert len((await ann.runs.list(session.id)).items) == 1
    with pytest.raises(NotFoundError, match="removed"):
        await ann.runs.send(session.id, said)


async def test_the_runs_of_a_removed_user_end_before_the_servers_that_they_use(
    host: LocalWorkbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await sign_in(host, "ann", Role.ADMIN)
    await ann.agents.create(AGENT)
    session = await ann.sessions.create("helper")
    submitted = await ann.runs.send(session.id, (TextPart(text="Hi"),))
    async with asyncio.timeout(20):
        async for logged in ann.events.follow(EventFilter(session_id=session.id), 0):
            if isinstance(logged.event, ApprovalRequested):
                break
    seen: list[str] = []

    async def forget_user(servers: McpServers, owner: str) -> None:
        assert submitted.run_id is not None
        seen.append((await ann.runs.get(submitted.run_id)).status)

    monkeypatch.setattr(McpServers, "forget_user", forget_user)
    await host.users.remove("ann")

    assert seen == ["cancelled"]


async def test_the_digest_of_somebody_elses_content_brings_nobody_the_content(host: LocalWorkbench) -> None:
    ann, bob = await sign_in(host, "ann"), await sign_in(host, "bob")
    session, own = await ann.sessions.create("general"), await bob.sessions.create("general", model="offline")
    theirs = await ann.files.attach_data(session.id, "plan.txt", b"the plan")
    result = ToolResultPart(
        call_id="c", name="look", content=(ImagePart(blob=theirs.blob, media_type="image/png"),)
    )
    asked = Message(role="assistant", parts=(ToolCallPart(call_id="c", name="look", arguments={}),))
    history = (
        Message(role="user", parts=(TextPart(text="Hi"),)),
        asked,
        Message(role="tool", parts=(result,)),
    )
    told = RunOptions(history=(Message(role="user", parts=(theirs,)),))
    run = await bob.runs.send(
        own.id, (TextPart(text=theirs.blob),), RunOptions(response_format={"$id": theirs.blob})
    )
    assert run.run_id is not None
    said = (TextPart(text="Read it"),)
    for wanted in (
        bob.runs.send(own.id, (theirs,)),
        bob.runs.send(own.id, (result,)),
        bob.runs.send(own.id, said, told),
        bob.runs.send(own.id, said, RunOptions(history=history)),
        bob.runs.go_on(own.id, told),
        bob.runs.steer(run.run_id, (theirs,)),
    ):
        with pytest.raises(NotFoundError, match="attached nothing"):
            await wanted
    await bob.runs.cancel(run.run_id)
    mine = await bob.files.attach_data(own.id, "plan.txt", b"the plan")
    assert mine == theirs
    await bob.runs.send(own.id, (mine,))


async def test_what_a_user_has_said_before_can_be_said_again(host: LocalWorkbench) -> None:
    ann = await sign_in(host, "ann")
    session = await ann.sessions.create("general", model="offline")
    part = await ann.files.attach_data(session.id, "plan.txt", b"the plan")
    await ann.runs.send(session.id, (part,))
    host._core.attachments._handed_in.clear()  # as in the next engine
    await ann.runs.send(session.id, (part,))


async def test_a_removed_user_is_out_at_once(host: LocalWorkbench) -> None:
    ann = await sign_in(host, "ann")
    new = await ann.keys.create("mine")
    await host.authenticate(new.secret)
    await host.users.remove("ann")
    with pytest.raises(UnauthenticatedError):
        await host.authenticate(new.secret)
    with pytest.raises(ConflictError):
        await host.users.remove("local")


@pytest.mark.parametrize("name", ["", " x", "x ", "x  y", "a/b", "x" * 65, "a\nb", "ü"])
async def test_a_user_has_a_plain_name(host: LocalWorkbench, name: str) -> None:
    with pytest.raises(InvalidError):
        await host.users.add(name)


async def test_what_a_user_has_is_not_there_for_another(host: LocalWorkbench) -> None:
    ann, bob = await sign_in(host, "ann"), await sign_in(host, "bob", Role.ADMIN)
    session = await ann.sessions.create("general", model="offline")
    submitted = await ann.runs.send(session.id, (TextPart(text="Hello secret"),))
    assert submitted.run_id is not None
    async with asyncio.timeout(20):
        async for logged in ann.events.follow(EventFilter(run_id=submitted.run_id), 0):
            if logged.event.type == "run.completed":
                break
    for other in (host, bob):
        assert (await other.sessions.list()).items == ()
        assert (await other.sessions.search("secret")).items == ()
        assert (await other.events.read(EventFilter())).items == ()
        assert (await other.events.read(EventFilter(session_id=session.id))).items == ()
        for wanted in _reaches(other, session.id, submitted.run_id):
            with pytest.raises(NotFoundError):
                await wanted
    assert (await ann.sessions.get(session.id)).owner == (await ann.users.me()).user_id
    assert len((await ann.events.read(EventFilter())).items) > 5


def _reaches(other: Workbench, session_id: str, run_id: str) -> list[Any]:
    parts = (TextPart(text="x"),)
    return [
        other.sessions.get(session_id),
        other.sessions.rename(session_id, "x"),
        other.sessions.configure(session_id, model="offline"),
        other.sessions.delete(session_id),
        other.sessions.fork(session_id),
        other.sessions.export(session_id, "json"),
        other.sessions.queue(session_id),
        other.sessions.pull_back(session_id, "m"),
        other.runs.send(session_id, parts),
        other.runs.get(run_id),
        other.runs.list(session_id),
        other.runs.cancel(run_id),
        other.runs.pause(run_id),
        other.runs.resume(run_id),
        other.runs.finish(run_id),
        other.runs.steer(run_id, parts),
        other.runs.go_on(session_id),
        other.events.page_before(session_id),
        other.files.list(session_id),
        other.files.read(session_id, "a"),
        other.files.attach(session_id, "a"),
        other.files.complete(session_id, "a"),
        other.tools.run(session_id, "list_files", {}),
        other.tools.result(run_id),
        other.files.write(session_id, "a", "x"),
        other.files.upload(session_id, "a", b"x"),
        other.files.delete(session_id, "a"),
        other.files.download(session_id, "a"),
        other.files.versions(session_id, "a"),
        other.files.stats(session_id),
        other.files.attach_data(session_id, "a", b"x"),
        other.files.undo(session_id),
        other.files.redo(session_id),
    ]


async def test_a_follower_sees_its_own_users_events_only(host: LocalWorkbench) -> None:
    ann, bob = await sign_in(host, "ann"), await sign_in(host, "bob")
    stream = bob.events.follow(EventFilter(), 0)
    await ann.sessions.create("general")
    mine = await bob.sessions.create("general")
    async with asyncio.timeout(20):
        first = await anext(stream)
        assert first.event.session_id == mine.id
        theirs = await ann.sessions.create("general")
        await ann.sessions.delete(theirs.id, permanent=True)
        await bob.sessions.delete(mine.id, permanent=True)
        second = await anext(stream)
    assert (second.event.type, second.event.session_id) == ("session.deleted", mine.id)
    assert [each.event.session_id for each in (await bob.events.read(EventFilter())).items] == [mine.id]


async def test_a_scope_that_is_too_small_is_refused_before_anything_happens(host: LocalWorkbench) -> None:
    reader = await sign_in(host, "ann", scope=Scope.READ)
    assert (await reader.sessions.list()).items == ()
    with pytest.raises(ForbiddenError, match="scope"):
        await reader.sessions.create("general")
    admin = await sign_in(host, "ann")
    for refused in ("check", "stop"):
        with pytest.raises(ForbiddenError, match="role"):
            await getattr(admin.engine, refused)()


async def test_a_user_cannot_name_folders_or_files_of_the_machine(
    host: LocalWorkbench, tmp_path: Path
) -> None:
    ann = await sign_in(host, "ann")
    (tmp_path / "secret.txt").write_text("secret")
    session = await ann.sessions.create("general")
    own = Path(session.project)
    (own / "out").symlink_to(tmp_path)
    for wanted in (
        ann.sessions.create("general", str(tmp_path)),
        ann.sessions.create("general", str(own / "out")),
        ann.sessions.create("general", "/no/such"),
        ann.agents.list(str(tmp_path)),
        ann.agents.get("general", str(tmp_path)),
        ann.agents.validate(str(tmp_path / "secret.txt")),
        ann.agents.check(AGENT, "general", str(tmp_path)),
        ann.agents.update("theirs", AGENT, project=str(tmp_path)),
        ann.agents.update("theirs", AGENT, project=str(own / "out")),
        ann.agents.trusted(str(tmp_path)),
        ann.models.choose("general", str(tmp_path)),
        ann.engine.settings(str(tmp_path)),
        ann.files.attach(session.id, str(tmp_path / "secret.txt")),
        ann.files.attach(session.id, "../../../secret.txt"),
    ):
        with pytest.raises(ForbiddenError):
            await wanted
    with pytest.raises(HoldfastError):
        await ann.files.attach(session.id, "out/secret.txt")
    assert await ann.agents.trusted("") is None
    assert await ann.agents.trusted(session.project) is None
    assert (await ann.engine.status()).home == ""


async def test_the_role_decides_who_reaches_the_machine(
    host: LocalWorkbench,
) -> None:
    boss = await sign_in(host, "boss", Role.ADMIN)
    me: Principal = await boss.users.me()
    assert me.is_admin
    assert (await boss.engine.status()).home


async def test_only_an_administrator_says_where_the_engines_keys_are_sent(host: LocalWorkbench) -> None:
    anna = await sign_in(host, "anna")
    session = await anna.sessions.create("general", "")
    options = RunOptions(model_settings=ModelSettings(api_base="https://elsewhere.example/v1"))
    for call in (
        anna.runs.send(session.id, (TextPart(text="Hi"),), options),
        anna.runs.go_on(session.id, options),
    ):
        with pytest.raises(ForbiddenError, match="api_base"):
            await call
    assert (await anna.runs.list(session.id)).items == ()


async def test_a_chat_key_decides_but_makes_no_rule_that_stays(host: LocalWorkbench) -> None:
    await (await sign_in(host, "boss", Role.ADMIN)).agents.create(AGENT)
    boss = await sign_in(host, "boss", Role.ADMIN, Scope.CHAT)
    session = await boss.sessions.create("helper", model="offline")
    await boss.runs.send(session.id, (TextPart(text="x"),))
    waiting = await _waiting_approval(boss, session.id)
    with pytest.raises(ForbiddenError, match="scope"):
        await boss.approvals.decide(waiting.id, Decision(outcome="approve", scope="always"))
    decided = await boss.approvals.decide(waiting.id, Decision(outcome="deny", decided_by="somebody else"))
    assert decided.decision is not None
    assert decided.decision.decided_by == "boss"


async def _waiting_approval(workbench: Workbench, session_id: str) -> Approval:
    async with asyncio.timeout(20):
        async for logged in workbench.events.follow(EventFilter(session_id=session_id), 0):
            if isinstance(logged.event, ApprovalRequested):
                return logged.event.approval
    raise AssertionError("no approval")


async def test_programs_of_a_user_without_the_role_are_denied(host: LocalWorkbench) -> None:
    ann = await sign_in(host, "ann")
    await ann.agents.create(AGENT)
    session = await ann.sessions.create("helper", model="offline")
    sent = await ann.runs.send(session.id, (TextPart(text="x"),))
    async with asyncio.timeout(20):
        async for logged in ann.events.follow(EventFilter(run_id=sent.run_id), 0):
            if isinstance(logged.event, ToolCallCompleted):
                assert logged.event.outcome == "denied"
                assert "administrators" in text_of(logged.event.content)
                return
