import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.custom_tools import CustomTool, HttpToolSpec
from holdfast.core.domain.errors import ForbiddenError, HoldfastError, InvalidError, ToolError
from holdfast.core.domain.tools import CodeBlock
from holdfast.core.domain.values import utc_now
from holdfast.core.tools.http_tool import MAX_BYTES, HttpTool, check_spec
from holdfast.core.tools.registry import schema
from holdfast.core.tools.web import WebFetcher

SECRET = "canary-secret"
HOSTS = {"api.test": "93.184.215.14", "inside.test": "10.0.0.8", "meta.test": "169.254.169.254"}
ORDER: dict[str, Any] = {
    "name": "order",
    "description": "Order something.",
    "parameters": {
        "type": "object",
        "properties": {"shop": {"type": "string"}, "n": {"type": "integer"}, "tags": {"type": "array"}},
        "required": ["shop"],
    },
    "endpoint": "https://api.test/shops/{shop}/orders",
    "headers": {"Authorization": "Bearer ${secret:KEY}", "X-Plain": "a"},
}


class Server:
    """Answers every request alike, and keeps what was asked."""

    def __init__(self, answer: httpx.Response | None = None) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []

    def __call__(self) -> httpx.AsyncBaseTransport:
        async def answered(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            if self.answer is None:
                await asyncio.Event().wait()
            assert self.answer is not None
            return self.answer

        return httpx.MockTransport(answered)


def answer(body: bytes, status: int = 200, kind: str = "application/json") -> httpx.Response:
    async def stream() -> AsyncIterator[bytes]:
        yield body

    return httpx.Response(status, headers={"content-type": kind}, content=stream())


def tool(server: Server, **changes: Any) -> HttpTool:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return [HOSTS[host]]

    async def secrets(of: CustomTool) -> Mapping[str, str]:
        return {"KEY": SECRET}

    spec = HttpToolSpec.model_validate({**ORDER, **changes})
    now = utc_now()
    custom = CustomTool(id="t", number=1, owner="local", spec=spec, created_at=now, updated_at=now)
    return HttpTool(custom, spec, WebFetcher(resolve=resolve, transport=server), secrets)


async def test_arguments_go_into_the_address_and_the_rest_into_the_body(bench: Any, text: Any) -> None:
    server = Server(answer(b'{"ok": true}'))
    output = await bench.run(tool(server), {"shop": "a b/c", "n": 2})
    request = server.requests[0]
    assert (request.method, request.headers["host"]) == ("POST", "api.test")
    assert request.url.raw_path == b"/shops/a%20b%2Fc/orders"
    assert json.loads(request.content) == {"n": 2}
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    assert (text(output), output.is_error) == ('{"ok": true}', False)


async def test_a_get_sends_arguments_in_the_query(bench: Any) -> None:
    server = Server(answer(b"[]"))
    got = tool(server, method="GET", endpoint="https://api.test/{shop}?x=1")
    await bench.run(got, {"shop": "a", "n": 2, "tags": ["b&c", "d"]})
    assert server.requests[0].url.raw_path == b"/a?x=1&n=2&tags=b%26c&tags=d"
    assert server.requests[0].content == b""
    assert bench.subjects(got, {"shop": "a", "n": 2}) == ("https://api.test/a?x=1&n=2",)


async def test_a_preview_shows_the_request_and_no_secret(bench: Any) -> None:
    server = Server()
    shown = await bench.preview(tool(server), {"shop": "a", "n": 2})
    block = shown.blocks[0]
    assert isinstance(block, CodeBlock)
    assert block.text.startswith("POST https://api.test/shops/a/orders\n")
    assert "Authorization: Bearer ${secret:KEY}" in block.text
    assert '"n": 2' in block.text
    assert SECRET not in shown.model_dump_json()
    assert server.requests == []


async def test_a_preview_of_another_request_is_another(bench: Any) -> None:
    one, two = [await bench.preview(tool(Server()), {"shop": "a", "n": n}) for n in (1, 2)]
    edited = await bench.preview(tool(Server(), headers={"X-Plain": "b"}), {"shop": "a", "n": 1})
    assert len({one.fingerprint, two.fingerprint, edited.fingerprint}) == 3


@pytest.mark.parametrize("host", ["inside.test", "meta.test"])
async def test_what_a_name_leads_to_must_be_public(bench: Any, host: str) -> None:
    server = Server(answer(b"{}"))
    with pytest.raises(ForbiddenError) as caught:
        await bench.run(tool(server, endpoint=f"https://{host}/x"), {"shop": "a"})
    assert caught.value.code == "private_address"
    assert server.requests == []


async def test_a_private_address_is_reached_where_the_settings_allow_it(bench: Any) -> None:
    server = Server(answer(b"{}"))
    own = tool(server, endpoint="https://inside.test/x")
    assert not (await bench.run(own, {"shop": "a"}, allow_private_hosts=True)).is_error


async def test_a_redirection_is_not_followed(bench: Any) -> None:
    server = Server(httpx.Response(302, headers={"location": "http://169.254.169.254/latest"}))
    with pytest.raises(ToolError, match=r"leads to http://169\.254\.169\.254/latest"):
        await bench.run(tool(server), {"shop": "a"})
    assert len(server.requests) == 1


async def test_an_error_of_the_server_is_an_error_of_the_call(bench: Any, text: Any) -> None:
    output = await bench.run(tool(Server(answer(b"no such shop", 404, "text/plain"))), {"shop": "a"})
    assert output.is_error
    assert text(output) == "The server answered 404.\n\nno such shop"


async def test_a_long_answer_is_cut_and_one_that_is_no_text_is_named(bench: Any, text: Any) -> None:
    cut = await bench.run(tool(Server(answer(b"a" * (MAX_BYTES + 1)))), {"shop": "a"})
    assert "was cut at" in text(cut)
    image = await bench.run(tool(Server(answer(b"\x89PNG\0", kind="image/png"))), {"shop": "a"})
    assert text(image) == "(5 bytes of image/png, which is no text)"
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    document = await bench.run(tool(Server(answer(b"PK\3\4\0\0", kind=word))), {"shop": "a"})
    assert text(document) == f"(6 bytes of {word}, which is no text)"


async def test_a_server_that_never_answers_is_given_up(bench: Any) -> None:
    with pytest.raises(ToolError) as caught:
        await bench.run(tool(Server(), timeout_s=0.05), {"shop": "a"})
    assert caught.value.code == "tool_timeout"


@pytest.mark.parametrize("shop", ["..", "."])
async def test_an_argument_cannot_climb_out_of_the_address(bench: Any, shop: str) -> None:
    server = Server(answer(b"{}"))
    with pytest.raises(ToolError):
        await bench.run(tool(server), {"shop": shop})
    assert server.requests == []


@given(st.text(min_size=1))
def test_no_argument_leads_out_of_its_place(shop: str) -> None:
    made = tool(Server())
    (subject,) = made.subjects(made.arguments.model_validate({"shop": shop}))
    assert subject.startswith("https://api.test/shops/")
    assert subject.endswith("/orders")
    assert subject.count("/") == 5


def test_models_see_the_schema_as_it_was_given() -> None:
    assert schema(tool(Server())).parameters == ORDER["parameters"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"endpoint": "https://{shop}.api.test/"}, "host"),
        ({"endpoint": "https://api.test/{other}"}, "no argument"),
        ({"endpoint": "ftp://api.test/"}, "http or https"),
        ({"endpoint": "https://me:pw@api.test/"}, "password"),
        ({"endpoint": "https://api.test/#x"}, "fragment"),
        ({"headers": {"Host": "b.test"}}, "header"),
        ({"headers": {"X": "a\r\nY: b"}}, "ASCII"),
        ({"headers": {"Authorization": "Bearer abc"}}, "refer to a secret"),
        ({"headers": {"X": "${secret:no name}"}}, "reference"),
        ({"parameters": {"type": "string"}}, "object"),
    ],
)
def test_what_could_never_be_called_is_refused(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(InvalidError, match=word):
        check_spec(HttpToolSpec.model_validate({**ORDER, **changes}))


async def test_a_secret_that_is_not_set_is_named(bench: Any) -> None:
    server = Server(answer(b"{}"))
    with pytest.raises(HoldfastError, match="secret OTHER of order") as caught:
        await bench.run(tool(server, headers={"X-Key": "${secret:OTHER}"}), {"shop": "a"})
    assert caught.value.code == "secret_missing"
    assert server.requests == []
