"""The API's own document and its page: served to everybody, whole, and without a network."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from typing import Any

import httpx
import pytest

from holdfast.core.domain.identity import Principal
from holdfast.server.kit.auth import ask_for_key, no_key
from holdfast.server.native.openapi import document_json
from holdfast.server.native.routes import PUBLIC_PATHS, native_app

PAGE = "/docs"


async def test_the_document_is_served_as_it_is_made(served: Any) -> None:
    answer = await served.http.get("/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.content == document_json()
    assert served.fake.calls == []


async def test_many_may_ask_for_the_document_at_once(served: Any) -> None:
    answers = await asyncio.gather(*(served.http.get("/openapi.json") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}


async def test_all_that_the_page_loads_comes_from_here_and_is_there(served: Any) -> None:
    page = await served.http.get(PAGE)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    names = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(names) == 4
    base = httpx.URL("http://engine/holdfast/v1/docs")
    for name in names:
        address = base.join(name)
        assert address.host == "engine"
        assert address.path in PUBLIC_PATHS
        answer = await served.http.get(str(address))
        assert answer.status_code == 200, name
        assert len(answer.content) > 100
        kind = {"js": "text/javascript", "css": "text/css", "png": "image/png"}[name.rpartition(".")[2]]
        assert answer.headers["content-type"].startswith(kind)


async def test_the_page_may_load_and_reach_nothing_else(served: Any) -> None:
    for path in (PAGE, "/docs/start.js", "/docs/swagger-ui-bundle.js"):
        headers = (await served.http.get(path)).headers
        policy = dict(rule.strip().split(" ", 1) for rule in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert not re.search(r"unsafe|http|\*", headers["content-security-policy"])
        assert headers["x-content-type-options"] == "nosniff"


async def test_the_page_has_no_code_of_its_own_and_asks_no_validator(served: Any) -> None:
    page = (await served.http.get(PAGE)).text
    assert re.findall(r"<script(?! src=)|<style|\bon\w+=|style=", page) == []
    start = (await served.http.get("/docs/start.js")).text
    assert "validatorUrl: null" in start
    assert 'url: "openapi.json"' in start
    assert "http" not in start


@pytest.mark.parametrize(
    "path", ["/docs/", "/docs/x.js", "/docs/../routes.py", "/docs/%2e%2e/x", "/docs/start.js/x"]
)
async def test_nothing_but_the_files_of_the_page_is_there(served: Any, path: str) -> None:
    assert (await served.http.get(path)).status_code == 404


async def _refuse(secret: str) -> Principal:
    raise no_key()


async def test_document_and_page_need_no_key_and_everything_else_does() -> None:
    async def host() -> Any:
        raise AssertionError("nobody is let in")

    native = native_app(host, log=logging.getLogger("holdfast.tests"))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        ask_for_key(scope, _refuse)
        await native(scope, receive, send)

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://engine") as http:
        for path in PUBLIC_PATHS:
            if "health" not in path:
                assert (await http.get(path)).status_code == 200, path
        document = json.loads(document_json())
        for path, rows in document["paths"].items():
            for method, row in rows.items():
                if row.get("security") != []:
                    answer = await http.request(method, "/holdfast/v1" + path)
                    assert answer.status_code == 401, path
