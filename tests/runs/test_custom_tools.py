"""Tools of a user's own: kept, called under policy, and seen by nobody else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest

from holdfast.core.domain.approvals import Decision, Verdict
from holdfast.core.domain.custom_tools import HttpToolSpec, PythonToolSpec
from holdfast.core.domain.errors import AgentFileError, ConflictError, InvalidError, NotFoundError
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.identity import LOCAL, Role, Scope
from holdfast.core.domain.messages import text_of
from holdfast.core.domain.tools import Risk
from holdfast.core.services.local import LocalWorkbench
from holdfast.core.store.custom_tools import own_tool_names
from holdfast.core.tools.web import WebFetcher

SECRET = "canary-of-the-shop"
SPEC = HttpToolSpec(
    name="find_stock",
    description="Says how many are in stock.",
    parameters={
        "type": "object",
        "properties": {"article": {"type": "string"}, "n": {"type": "integer"}},
        "required": ["article"],
    },
    endpoint="https://shop.test/articles/{article}",
    headers={"Authorization": "Bearer ${secret:SHOP}"},
)
AGENT = "version: 1\nname: {name}\ntools: [find_stock]\n"
both = pytest.mark.parametrize("door", ["local", "remote"])


class Shop:
    """Answers with all that it was sent, secrets too."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.web = WebFetcher(resolve=self._resolve, transport=lambda: httpx.MockTransport(self._answer))

    async def _resolve(self, host: str, port: int) -> Sequence[str]:
        return ["93.184.215.14"]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)

        async def echo() -> AsyncIterator[bytes]:
            yield f"12 in stock, {request.headers['authorization']}".encode()

        return httpx.Response(200, headers={"content-type": "text/plain"}, content=echo())


async def keep(bench: Any) -> None:
    await bench.workbench.tools.create(SPEC)
    await bench.workbench.tools.set_secret("find_stock", "SHOP", SECRET)


@both
async def test_a_tool_is_made_listed_changed_and_deleted(open_bench: Any) -> None:
    async with open_bench() as bench:
        tools = bench.workbench.tools
        made = await tools.create(SPEC)
        assert (made.number, made.version, made.missing, made.spec) == (1, 1, ("SHOP",), SPEC)
        listed = {tool.name: tool for tool in await tools.list()}["find_stock"]
        assert (listed.source, listed.id, listed.parameters) == ("custom", made.id, SPEC.parameters)
        changed = await tools.update(made.id, SPEC.model_copy(update={"description": "Other."}), 1)
        assert (changed.id, changed.number, changed.version) == (made.id, 1, 2)
        with pytest.raises(ConflictError, match="version 2") as caught:
            await tools.update("find_stock", SPEC, 1)
        assert caught.value.code == "tool_changed"
        assert [one.version for one in await tools.versions("find_stock")] == [2, 1]
        assert (await tools.versions("find_stock"))[1].spec == SPEC
        await tools.delete("find_stock")
        with pytest.raises(NotFoundError):
            await tools.get("find_stock")
        assert (await tools.create(SPEC)).number == 2, "a number is given once"


async def test_a_name_is_taken_once_and_never_from_a_built_in_tool(open_bench: Any) -> None:
    async with open_bench() as bench:
        tools = bench.workbench.tools
        await tools.create(SPEC)
        for name in ("find_stock", "read_file", "mcp__a__b"):
            with pytest.raises(ConflictError) as caught:
                await tools.create(SPEC.model_copy(update={"name": name}))
            assert caught.value.code == "tool_exists"
        with pytest.raises(InvalidError):
            await tools.create(SPEC.model_copy(update={"name": "b", "endpoint": "https://{article}/"}))


async def test_an_agent_calls_it_when_a_person_has_seen_the_request(
    open_bench: Any, say: Any, call: Any
) -> None:
    shop = Shop()
    steps = [call(("find_stock", '{"article": "hinge", "n": 2}')), say("Twelve.")]
    async with open_bench(steps, web=shop.web) as bench:
        await keep(bench)
        await bench.workbench.agents.create(AGENT.format(name="clerk"))
        session = await bench.workbench.sessions.create("clerk", str(bench.project))
        run_id = await bench.send(session)
        approval = await bench.approval()
        assert (approval.tool, approval.subject) == ("find_stock", "https://shop.test/articles/hinge")
        assert "Bearer ${secret:SHOP}" in approval.preview[0].text
        assert shop.requests == []
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        await bench.end(run_id)
        assert shop.requests[0].headers["authorization"] == f"Bearer {SECRET}"
        assert json.loads(shop.requests[0].content) == {"n": 2}
        offered = {tool.name: tool.parameters for tool in bench.model.requests[0].tools}
        assert offered["find_stock"] == SPEC.parameters
        page = await bench.workbench.events.read(EventFilter(session_id=session.id))
        log = "\n".join(logged.to_json() for logged in page.items)
        assert "12 in stock, Bearer [redacted]" in log
        assert SECRET not in log


@both
async def test_a_direct_call_is_held_to_the_same_rules(open_bench: Any) -> None:
    shop = Shop()
    async with open_bench(web=shop.web) as bench:
        await keep(bench)
        await bench.workbench.approvals.add_rule("find_stock(https://shop.test/articles/hinge)")
        await bench.workbench.approvals.add_rule("find_stock(https://shop.test/articles/safe)", Verdict.DENY)
        session, tools = await bench.session(), bench.workbench.tools
        allowed = await tools.run(session.id, "find_stock", {"article": "hinge"}, wait_s=20)
        assert (allowed.outcome, "12 in stock" in text_of(allowed.content)) == ("ok", True)
        denied = await tools.run(session.id, "find_stock", {"article": "safe"}, wait_s=20)
        assert (denied.outcome, len(shop.requests)) == ("denied", 1)
        with pytest.raises(InvalidError, match="article is missing"):
            await tools.run(session.id, "find_stock", {})


@both
async def test_a_function_is_kept_and_called_alike(open_bench: Any) -> None:
    code = 'def double(n: int) -> int:\n    """Doubles."""\n    return 2 * n\n'
    async with open_bench() as bench:
        session, tools = await bench.session(), bench.workbench.tools
        made = await tools.create(PythonToolSpec(code=code))
        assert (made.spec.name, made.spec.description, made.missing) == ("double", "Doubles.", ())
        waiting = await tools.run(session.id, "double", {"n": 21})
        approval = await bench.approval()
        assert (approval.subject, approval.risk) == ('{"n": 21}', Risk.EXECUTE)
        assert approval.preview[1].text == code
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        done = await tools.result(waiting.run_id, 20)
        assert (done.outcome, text_of(done.content).splitlines()[0]) == ("ok", "42")
        with pytest.raises(InvalidError, match="n: 'x' is not of type 'integer'"):
            await tools.run(session.id, "double", {"n": "x"})
        changed = await tools.update("double", PythonToolSpec(code=code.replace("2 *", "3 *")))
        assert (changed.version, changed.spec.name) == (2, "double")


async def test_nobody_else_sees_a_tool_or_lists_it(open_bench: Any) -> None:
    async with open_bench() as bench:
        host: LocalWorkbench = bench.workbench
        await keep(bench)
        await host.users.add("ann", Role.USER)
        ann = host.as_principal(
            await host.authenticate((await host.keys.create("k", Scope.ADMIN, user="ann")).secret)
        )
        assert "find_stock" not in {tool.name for tool in await ann.tools.list()}
        with pytest.raises(NotFoundError):
            await ann.tools.get("find_stock")
        with pytest.raises(AgentFileError, match="find_stock"):
            await ann.agents.create(AGENT.format(name="clerk"))
        session = await ann.sessions.create("general")
        with pytest.raises(NotFoundError):
            await ann.tools.run(session.id, "find_stock", {"article": "hinge"})
        code = 'def a() -> int:\n    """One."""\n    return 1\n'
        await ann.tools.create(PythonToolSpec(code=code))
        await ann.approvals.add_rule("a")
        ran = await ann.tools.run(session.id, "a", {}, wait_s=20)
        assert ran.outcome == "denied", "only administrators run programs"
        await ann.tools.delete("a")
        own = await ann.tools.create(SPEC)
        assert (own.number, own.missing) == (2, ("SHOP",)), "his secret is not hers"
        await ann.tools.set_secret("find_stock", "SHOP", SECRET)
        await ann.tools.delete("find_stock")
        await host.users.remove("ann")
        secrets = host._core.parts.keys.tools.names_in_file()
        assert secrets and not any(own.id in name for name in secrets), "her trash is gone with its secrets"
        assert await host._core.log.reader.rows("SELECT * FROM trash") == []
        assert [tool.name for tool in await host.tools.list()].count("find_stock") == 1


async def test_a_secret_goes_to_the_host_that_it_was_given_for_and_to_no_other(open_bench: Any) -> None:
    shop = Shop()
    async with open_bench(web=shop.web) as bench:
        tools = bench.workbench.tools
        await keep(bench)
        assert (await tools.get("find_stock")).missing == ()
        moved = SPEC.model_copy(update={"endpoint": "https://evil.test/{article}"})
        assert (await tools.update("find_stock", moved)).missing == ("SHOP",)
        await bench.workbench.approvals.add_rule("find_stock")
        session = await bench.session()
        failed = await tools.run(session.id, "find_stock", {"article": "hinge"}, wait_s=20)
        assert (failed.outcome, shop.requests) == ("error", [])
        assert "secret SHOP" in text_of(failed.content)
        assert (await tools.update("find_stock", SPEC)).missing == ("SHOP",), "it was removed"


@pytest.mark.parametrize(
    ("secret", "value", "code"), [("OTHER", SECRET, "unknown_secret"), ("SHOP", "short", "invalid_secret")]
)
async def test_what_can_be_no_secret_is_refused(open_bench: Any, secret: str, value: str, code: str) -> None:
    async with open_bench() as bench:
        await bench.workbench.tools.create(SPEC)
        with pytest.raises(InvalidError) as caught:
            await bench.workbench.tools.set_secret("find_stock", secret, value)
        assert caught.value.code == code


async def test_the_next_engine_has_the_tools_and_their_secrets(open_bench: Any) -> None:
    async with open_bench() as bench:
        await keep(bench)
        await bench.workbench.agents.create(AGENT.format(name="clerk"))
    database = open_bench.home / "data" / "holdfast.db"
    assert own_tool_names(database, LOCAL) == ("find_stock",), "for checks without an engine"
    assert own_tool_names(database, "ann") == own_tool_names(database.with_name("none"), LOCAL) == ()
    async with open_bench() as bench:
        assert (await bench.workbench.tools.get("find_stock")).missing == ()
        assert (await bench.workbench.agents.get("clerk")).problems == ()
        assert "find_stock" in json.dumps(await bench.workbench.agents.schema())
        assert (await bench.workbench.tools.set_secret("find_stock", "SHOP")).missing == ("SHOP",)
        await bench.workbench.tools.delete("find_stock")
        assert (await bench.workbench.agents.get("clerk")).problems != ()


@both
async def test_a_deleted_tool_comes_back_with_its_versions_and_its_secrets(open_bench: Any) -> None:
    async with open_bench() as bench:
        tools, trash = bench.workbench.tools, bench.workbench.trash
        await keep(bench)
        made = await tools.update("find_stock", SPEC.model_copy(update={"description": "Other."}))
        await tools.delete("find_stock")
        (thrown,) = (await trash.list("tool")).items
        assert (thrown.id, thrown.title) == (made.id, "find_stock")
        await tools.create(SPEC)
        with pytest.raises(ConflictError):
            await trash.restore("tool", made.id)
        await tools.delete("find_stock")
        await trash.restore("tool", made.id)
        back = await tools.get("find_stock")
        assert (back, back.missing) == (made, ())
        assert [one.version for one in await tools.versions("find_stock")] == [2, 1]
        assert (await tools.update("find_stock", SPEC)).version == 3
        assert [one.id for one in (await trash.list("tool")).items] != [made.id]


async def test_the_secrets_of_a_tool_that_is_gone_for_good_are_gone(open_bench: Any) -> None:
    async with open_bench() as bench:
        workbench: LocalWorkbench = bench.workbench
        await keep(bench)
        secrets = workbench._core.parts.keys.tools
        made = await workbench.tools.get("find_stock")
        await workbench.tools.delete("find_stock")
        assert any(made.id in name for name in secrets.names_in_file())
        assert await workbench.trash.empty("tool", made.id) == 1
        assert not any(made.id in name for name in secrets.names_in_file())
