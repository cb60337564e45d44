"""Sage's versions: written by administrators, read by its updater."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from holdfast.core.tools.web import WebFetcher

BASE = "/sage/api/system/version"
VERSION = {
    "version": "1.2.3",
    "release_notes": "n",
    "artifacts": [
        {"platform": "darwin-aarch64", "updater_url": "https://h/u.tar.gz", "updater_signature": "sig"},
        {"platform": "linux-x86_64", "installer_url": "https://h/a.deb"},
    ],
}


@pytest.mark.covers(
    "sage.create_version",
    "sage.list_versions",
    "sage.latest_version",
    "sage.check_version",
    "sage.delete_version",
)
async def test_administrators_write_versions_and_everybody_reads_the_newest(serve_users: Any) -> None:
    async with serve_users() as served:
        http = served.http
        ann = await served.user("ann")
        none = await http.get(f"{BASE}/check")
        assert (none.status_code, none.json()["message"]) == (404, "未找到版本")
        assert (await http.get(f"{BASE}/latest")).json()["data"] is None
        made = (await http.post(BASE, json=VERSION)).json()
        assert made["message"] == "版本创建成功" and made["data"]["artifacts"][1]["updater_url"] is None
        again = await http.post(BASE, json=VERSION)
        assert (again.status_code, again.json()["code"], again.json()["message"]) == (200, 400, "版本已存在")
        for refused in (
            await http.post(BASE, json={**VERSION, "version": "2"}, headers=ann),
            await http.delete(f"{BASE}/1.2.3", headers=ann),
            await http.post(f"{BASE}/import_github", headers=ann),
        ):
            assert (refused.status_code, refused.json()["code"]) == (200, 403)
        listed = (await http.get(BASE, headers=ann)).json()["data"]
        assert [each["version"] for each in listed] == ["1.2.3"]
        wrong = {"Authorization": "Bearer hf_nobody"}
        latest = await http.get(f"{BASE}/latest", headers=wrong)
        assert latest.json()["data"] == made["data"]
        checked = (await http.get(f"{BASE}/check", headers=wrong)).json()
        assert checked["platforms"] == {"darwin-aarch64": {"url": "https://h/u.tar.gz", "signature": "sig"}}
        assert (checked["version"], checked["notes"], checked["pub_date"][-1]) == ("1.2.3", "n", "Z")
        assert (await http.get(BASE, headers=wrong)).status_code == 401
        bad = {**VERSION, "artifacts": [{"platform": "a", "updater_url": "javascript:alert(1)"}]}
        assert (await http.post(BASE, json=bad)).status_code == 422
        gone = (await http.delete(f"{BASE}/1.2.3")).json()
        assert (gone["data"], gone["message"]) == ({"success": True}, "版本删除成功")
        missing = await http.delete(f"{BASE}/1.2.3")
        assert (missing.status_code, missing.json()["code"]) == (200, 404)


@pytest.mark.covers("sage.import_version")
async def test_the_newest_release_on_github_is_taken_over(serve_users: Any) -> None:
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        return ["140.82.112.3"]

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        release = {
            "tag_name": "v2.0.0",
            "body": "b",
            "assets": [{"name": "n_arm64.dmg", "browser_download_url": "https://h/n_arm64.dmg"}],
        }
        return httpx.Response(200, stream=httpx.ByteStream(json.dumps(release).encode()))

    web = WebFetcher(resolve=resolve, transport=lambda: httpx.MockTransport(answer))
    named = {"releases": {"repository": "o/n", "github_url": "https://git.example.org/api/v3"}}
    async with serve_users(web=web, more_settings=named) as served:
        found = (await served.http.post(f"{BASE}/import_github")).json()["data"]
        assert (found["version"], found["artifacts"][0]["platform"]) == ("2.0.0", "darwin-aarch64")
        assert asked == ["/api/v3/repos/o/n/releases/latest"]
    async with serve_users() as served:
        failed = await served.http.post(f"{BASE}/import_github")
        assert (failed.status_code, failed.json()["message"]) == (500, "从 GitHub 获取版本失败")
