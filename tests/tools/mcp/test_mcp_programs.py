from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.core.domain.errors import ToolError, UnavailableError
from holdfast.core.domain.mcp import McpServerSpec, McpState
from holdfast.core.tools.mcp.connection import Connection
from holdfast.core.tools.mcp.hub import McpHub
from holdfast.core.tools.mcp.limits import MAX_LOG_BYTES
from holdfast.core.tools.mcp.port import RawResult
from holdfast.core.tools.mcp.server_log import ServerLog

Connect = Callable[..., Connection]
Spec = Callable[..., McpServerSpec]


async def call(made: Connection, tool: str = "work", **arguments: object) -> RawResult:
    return await made.call(tool, dict(arguments), lambda text: None)


async def test_a_program_answers_sees_no_key_and_is_told_of_when_it_dies(
    connect: Connect, good_spec: Spec, hub: McpHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY_API_KEY", "canary")
    made = connect(good_spec(env={"GIVEN": "${secret:given}"}))
    told: list[str] = []

    listing = await made.listing()
    reading = {tool.own_name for tool in listing.tools if tool.reads_only}
    sum_ = await call(made, "add", a=1, b=2)
    seen = await call(made, "environment")
    mixed = await call(made, "mixed")
    await made.call("report", {}, told.append)

    assert reading == {"add"}
    assert sum_.structured == {"result": 3}
    assert set(seen.structured["result"]) <= {"GIVEN", "LC_CTYPE", "PATH"}
    assert (await call(made, "secret")).structured == {"result": "s3cret-value"}
    assert [part["type"] for part in mixed.content] == ["text", "image", "resource"]
    assert (await call(made, "fail")).is_error
    assert told == ["1/2 half way\n"]
    with pytest.raises((ToolError, UnavailableError), match="exit code 7"):
        await call(made, "die")
    async with asyncio.timeout(20):
        while "goodbye" not in hub.log("local", "good").tail():  # noqa: ASYNC110 (read beside the answer)
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("kind", "reason"), [("line", "more than 8 MiB"), ("flood", "far more than anybody asked for")]
)
async def test_a_flood_ends_the_server_and_not_the_engine(
    connect: Connect, hostile_spec: Spec, kind: str, reason: str
) -> None:
    made = connect(hostile_spec(kind))

    with pytest.raises((ToolError, UnavailableError), match=reason):
        await call(made)
    await made.stop()
    assert (made.state, made.failures) == (McpState.FAILED, 1)


async def test_a_server_that_does_not_answer_the_first_word_is_given_up(
    connect: Connect, hostile_spec: Spec
) -> None:
    with pytest.raises(UnavailableError, match="did not start within"):
        await connect(hostile_spec("mute", start_timeout_s=0.2)).listing()


async def test_a_call_without_an_answer_is_given_up(connect: Connect, hostile_spec: Spec) -> None:
    with pytest.raises(ToolError, match="did not answer"):
        await call(connect(hostile_spec("hangs", timeout_s=0.2)))


async def test_a_program_that_dies_at_once_is_told_with_its_log(
    connect: Connect, hostile_spec: Spec, hub: McpHub
) -> None:
    with pytest.raises(UnavailableError, match="exit code 3"):
        await connect(hostile_spec("dies")).listing()
    assert hub.log("local", "hostile").tail() == "I cannot[2J go on\n"


async def test_a_program_that_is_not_there_is_told(connect: Connect) -> None:
    spec = McpServerSpec(name="gone", command=("/no/such/program",))

    with pytest.raises(UnavailableError, match="cannot be started"):
        await connect(spec).listing()


async def test_one_wrong_schema_costs_one_tool(connect: Connect, hostile_spec: Spec) -> None:
    listing = await connect(hostile_spec("schemas")).listing()

    assert [tool.own_name for tool in listing.tools] == ["fine"]
    assert {each.tool for each in listing.left_out} == {"wrong", "remote", "huge", "text"}


async def test_pages_without_an_end_come_to_one(connect: Connect, hostile_spec: Spec) -> None:
    assert (await connect(hostile_spec("pages")).listing()).tools == ()


async def test_what_is_no_message_is_passed_by(connect: Connect, hostile_spec: Spec) -> None:
    result = await call(connect(hostile_spec("garbage")))

    assert result.content[0]["text"] == "after garbage"


async def test_a_result_that_is_none_is_an_error(connect: Connect, hostile_spec: Spec) -> None:
    made = connect(hostile_spec("nonsense"))

    with pytest.raises(ToolError, match="no result"):
        await call(made)
    assert made.state is McpState.READY


async def test_stderr_goes_to_a_log_that_cannot_grow_for_ever(
    connect: Connect, hostile_spec: Spec, hub: McpHub, capfd: pytest.CaptureFixture[str]
) -> None:
    made = connect(hostile_spec("stderr"))
    await call(made)
    await made.stop()

    log = hub.log("local", "hostile")
    sizes = [path.stat().st_size for path in log.path.parent.iterdir()]
    assert 0 < sum(sizes) <= 2 * MAX_LOG_BYTES
    assert log.path.stat().st_mode & 0o777 == 0o600
    assert capfd.readouterr().err == ""


async def test_a_program_that_will_not_end_is_killed(
    connect: Connect, hostile_spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = connect(hostile_spec("stubborn"))
    pid = int((await call(made)).content[0]["text"])
    from holdfast.core.tools.mcp import stdio  # imported with the library, by the call

    monkeypatch.setattr(stdio, "_GRACE_S", 0.1)
    await made.stop()

    assert made.state is McpState.STOPPED
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_only_administrators_use_programs(connect: Connect, good_spec: Spec) -> None:
    with pytest.raises(UnavailableError, match="only administrators"):
        await connect(good_spec(), admin=False).listing()


async def test_a_secret_that_is_not_kept_is_named(connect: Connect, good_spec: Spec) -> None:
    with pytest.raises(UnavailableError, match="its secret nothing is not set"):
        await connect(good_spec(env={"A": "${secret:nothing}"})).listing()


def test_a_log_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("mine")
    (tmp_path / "a.log").symlink_to(tmp_path / "target")

    with pytest.raises(OSError, match=r"link|loop"):
        ServerLog(tmp_path / "a.log").write(b"theirs")
    assert (tmp_path / "target").read_text() == "mine"
