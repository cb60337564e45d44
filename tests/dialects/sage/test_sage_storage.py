"""Sage's storage: files that are fetched by their address, without a login."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from holdfast.core.tools.web import WebFetcher

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
UPLOAD = "/sage/api/oss/upload"
NOBODY = {"Authorization": "Bearer hf_nobody"}


async def uploaded(served: Any, name: str, data: bytes, headers: Any = None, **fields: str) -> str:
    answer = await served.http.post(UPLOAD, files={"file": (name, data)}, data=fields, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["message"] == ""
    return str(answer.json()["data"]["url"])


async def fetched(served: Any, url: str) -> httpx.Response:
    parts = urlsplit(url)
    assert parts.scheme == "http" and parts.netloc == "engine"
    return await served.http.get(parts.path, headers=NOBODY)


@pytest.mark.covers("sage.upload_object", "sage.fetch_object")
async def test_a_file_is_fetched_by_its_address_and_executed_by_no_browser(serve_users: Any) -> None:
    async with serve_users() as served:
        ann = await served.user("ann")
        url = await uploaded(served, "example.png", PNG, ann, path="uploads/images")
        assert url.endswith("/uploads/images/example.png")
        picture = await fetched(served, url)
        assert picture.content == PNG and picture.headers["content-type"] == "image/png"
        assert picture.headers["content-disposition"] == "inline"
        for name, data in (
            ("page.html", b"<script>alert(1)</script>"),
            ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"),
            ("page.png", b"<html>not a picture</html>"),
        ):
            answer = await fetched(served, await uploaded(served, name, data, ann))
            assert answer.content == data
            assert answer.headers["content-disposition"].startswith("attachment;")
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert (
                "html" not in answer.headers["content-type"] and "svg" not in answer.headers["content-type"]
            )
            assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert "_e%20x.png" in await uploaded(served, "e x.png", PNG, ann)
        missing = await served.http.get("/sage/api/oss/objects/guessed/uploads/images/example.png")
        assert missing.status_code == 404 and missing.json()["message"] == "文件不存在"
        assert (
            await served.http.post(UPLOAD, files={"file": ("a", b"b")}, headers=NOBODY)
        ).status_code == 401
        for empty in ({"files": {"other": (None, "b")}}, {"data": {"path": "a"}}, {"json": {}}):
            answer = await served.http.post(UPLOAD, headers=ann, **empty)
            assert (answer.status_code, answer.json()["message"]) == (422, "缺少文件")


async def test_files_are_no_larger_than_uploads_and_go_where_the_settings_say(serve_users: Any) -> None:
    settings = {
        "server": {"max_upload_mb": 1},
        "objects": {"url": "memory://sage"},
        "accounts": {"public_url": "http://engine/"},
    }
    async with serve_users(more_settings=settings) as served:
        large = await served.http.post(UPLOAD, files={"file": ("a", b"x" * (2**20 + 1))})
        assert large.status_code == 413
        assert (await fetched(served, await uploaded(served, "a.txt", b"kept"))).content == b"kept"
    async with serve_users(more_settings={"objects": {"url": "nothing-of-that-kind://x"}}) as served:
        failed = await served.http.post(UPLOAD, files={"file": ("a", b"x")})
        assert (failed.status_code, failed.json()["message"]) == (500, "S3 配置缺失")


@pytest.mark.covers("sage.import_url")
async def test_what_the_web_answers_is_kept_and_private_addresses_are_not_asked(serve_users: Any) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["169.254.169.254"] if host == "inside.example.org" else ["93.184.216.34"]

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=httpx.ByteStream(PNG))

    web = WebFetcher(resolve=resolve, transport=lambda: httpx.MockTransport(answer))
    async with serve_users(web=web) as served:
        path = "/sage/api/oss/import_url"
        found = (await served.http.post(path, json={"url": "https://example.org/a.png"})).json()["data"]
        assert found["filename"] == "a.png" and (await fetched(served, found["url"])).content == PNG
        refused = await served.http.post(path, json={"url": "http://inside.example.org/latest/meta-data"})
        assert refused.status_code == 500 and "169.254" not in refused.text


@pytest.mark.covers("sage.import_workspace_file")
async def test_a_file_of_an_agents_gets_an_address(serve_users: Any) -> None:
    async with serve_users(more_settings={"server": {"max_upload_mb": 1}}) as served:
        await served.bench.workbench.agent_files.upload("tester", "out/chart.png", PNG)
        agent = next(each for each in await served.bench.workbench.agents.list() if each.name == "tester")
        body = {"agent_id": agent.id, "filename": "out/chart.png"}
        answer = await served.http.post("/sage/api/oss/import_sandbox_upload", json=body)
        assert answer.status_code == 200, answer.text
        found = answer.json()["data"]
        assert found["filename"] == "chart.png" and (await fetched(served, found["url"])).content == PNG
        folder = next(served.bench.home.rglob("out/chart.png")).parent
        (folder / "made.bin").write_bytes(b"\0" * (2**20 + 1))  # by a program, which no upload limits
        body["filename"] = "out/made.bin"
        refused = await served.http.post("/sage/api/oss/import_sandbox_upload", json=body)
        assert (refused.status_code, len(await served.bench.workbench.objects.list())) == (413, 1)
        ann = await served.user("ann")
        body["filename"] = "../../../own-models.json"
        refused = await served.http.post("/sage/api/oss/import_sandbox_upload", json=body, headers=ann)
        assert refused.status_code == 500
