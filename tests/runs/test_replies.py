"""Schemas of callers: hostile ones read nothing, and hold nobody up."""

from __future__ import annotations

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.errors import InvalidError
from holdfast.core.runs.replies import ReplyCheck
from holdfast.core.sandbox.process import ChildProcesses


@pytest.fixture
def check() -> ReplyCheck:
    return ReplyCheck(ChildProcesses(), {})


async def refusal(work: Any) -> str:
    with pytest.raises(InvalidError) as caught:
        await work
    assert caught.value.code == "invalid_schema"
    return caught.value.message


async def test_a_reply_is_held_against_the_schema(check: ReplyCheck) -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {"n": {"type": "integer", "minimum": 1}},
        "type": "object",
        "properties": {"n": {"$ref": "#/$defs/n"}, "w": {"pattern": "^[a-z]+$"}},
        "required": ["n"],
    }
    assert await check.problem('{"n": 1, "w": "ü"}', schema) == "$.w: 'ü' does not match '^[a-z]+$'"
    assert await check.problem('```json\n{"n": 1}\n```', schema) == ""
    assert "is not JSON" in await check.problem("no", schema)
    both = await check.problem('{"n": 0, "w": "A"}', schema)
    assert "$.n: 0 is less than the minimum of 1" in both
    assert "$.w" in both
    assert await check.problem('"\ud800"', {"type": "string"}) == ""


async def test_the_schema_says_which_draft_it_is_of(check: ReplyCheck) -> None:
    older = {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "integer"}]}
    assert "is not of type 'integer'" in await check.problem('["x"]', older)
    assert "$.items" in await refusal(check.schema(older | {"$schema": "https://example.invalid/none"}))


@pytest.mark.parametrize(
    "schema",
    [{"type": 5}, {"type": "nope"}, {"properties": 5}, {"pattern": "("}, {"minimum": "1"}, {"required": "n"}],
)
async def test_what_is_no_schema_is_refused_with_its_place(check: ReplyCheck, schema: Any) -> None:
    assert "$." in await refusal(check.schema({"type": "object", "items": schema}))


async def test_a_reference_reads_no_file_and_no_address(check: ReplyCheck, tmp_path: Path) -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps({"const": "of this machine"}))
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            for at in (f"http://127.0.0.1:{server.server_port}/x", secret.as_uri()):
                message = await refusal(check.problem("{}", {"$ref": at}))
                assert "of this machine" not in message
                assert "refers to what is not in it" in message
        finally:
            server.shutdown()
            thread.join()
    assert not asked


@pytest.mark.parametrize(
    ("reply", "schema"),
    [
        ('"' + "a" * 60 + '!"', {"pattern": "^(a+)+$"}),
        (
            "{}",
            {
                "$defs": {
                    str(n): {"allOf": [{"$ref": f"#/$defs/{n + 1}"}] * 2} if n < 60 else {} for n in range(61)
                },
                "$ref": "#/$defs/0",
            },
        ),
    ],
    ids=["expression", "references"],
)
async def test_a_schema_that_is_never_done_with_holds_nobody_up(reply: str, schema: dict[str, Any]) -> None:
    check = ReplyCheck(ChildProcesses(grace_s=0.1), {}, check_s=0.5)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    going_on = asyncio.create_task(others())
    assert "takes more than 0.5 s" in await refusal(check.problem(reply, schema))
    going_on.cancel()
    assert turns > 10
