"""What `docs/how-to/web.md` shows: its settings lead a search to their server, its rules match."""

from __future__ import annotations

import asyncio

import examples
import yaml

from holdfast.core.approvals.policy import Layers, evaluate
from holdfast.core.approvals.policy_file import parse_rules
from holdfast.core.config.settings import Settings
from holdfast.core.domain.approvals import Verdict
from holdfast.core.tools.builtin.http_request import HttpRequest, HttpRequestArguments
from holdfast.core.tools.web import WebFetcher
from holdfast.core.tools.web_searching import Wanted, WebSearcher

PAGE = "docs/how-to/web.md"


async def test_the_settings_of_the_page_lead_to_their_server() -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(
            b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"results": [{"url": "https://a.example/"}]}'
        )
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    _, shown, _ = examples.blocks_of(PAGE, "yaml")
    settings = Settings.model_validate(yaml.safe_load(shown.replace(":8888", f":{port}"))).web_search
    async with listener:
        found = await WebSearcher(lambda: settings, lambda name: None, WebFetcher()).search(Wanted("town"))
    assert [each.url for each in found] == ["https://a.example/"]
    assert asked[0].startswith(b"GET /search?q=town&format=json ")


def test_the_rules_of_the_page_match_method_and_address() -> None:
    rules, _ = parse_rules(examples.blocks_of(PAGE, "yaml")[2], "policy.yaml")
    assert rules is not None
    tool = HttpRequest()

    def verdict(method: str, url: str) -> Verdict:
        arguments = HttpRequestArguments.model_validate({"method": method, "url": url})
        return evaluate(tool.name, tool.risk, tool.subjects(arguments), Layers(user=rules)).verdict

    assert verdict("GET", "https://api.example.com/a") is Verdict.ALLOW
    assert verdict("GET", "https://API.example.com/../a") is Verdict.ALLOW
    assert verdict("POST", "https://api.example.com/a") is Verdict.ASK
    assert verdict("GET", "https://api.example.com.evil.example/") is Verdict.ASK
    assert verdict("DELETE", "https://api.example.com/a") is Verdict.DENY
