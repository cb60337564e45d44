"""Releases: added by hand or taken over from GitHub, told to everybody."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from tests.runs.conftest import door, open_bench

from holdfast.core.domain.errors import ConflictError, NotFoundError, ToolError
from holdfast.core.domain.releases import Artifact, NewRelease, platform_of
from holdfast.core.tools.web import WebFetcher

__all__ = ["door", "open_bench"]

FILES = "https://github.com/o/n/releases/download"


def asset(name: str) -> dict[str, str]:
    return {"name": name, "browser_download_url": f"{FILES}/{name}"}


NEWEST = {
    "tag_name": "v1.4.0",
    "body": "Faster.",
    "assets": [
        *map(asset, ("n_aarch64.dmg", "n_aarch64.app.tar.gz", "n_aarch64.app.tar.gz.sig", "n_x64-setup.exe")),
        *map(asset, ("n_amd64.deb", "notes.txt", "latest.json")),
    ],
}
MANIFEST = {"platforms": {"windows-x86_64": {"url": f"{FILES}/n.nsis.zip", "signature": "win"}}}


class GitHub:
    """Answers as GitHub does."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Any] = {
            "/repos/o/n/releases/latest": json.dumps(NEWEST),
            "/o/n/releases/download/latest.json": json.dumps(MANIFEST),
            "/o/n/releases/download/n_aarch64.app.tar.gz.sig": "mac\n",
        }

    def web(self) -> WebFetcher:
        async def resolve(host: str, port: int) -> list[str]:
            return ["140.82.112.3"]

        def answer(request: httpx.Request) -> httpx.Response:
            self.asked.append(f"{request.headers['host']}{request.url.path}")
            found = self.answers.get(request.url.path)
            status = 404 if found is None else 200
            return httpx.Response(status, stream=httpx.ByteStream((found or "").encode()))

        return WebFetcher(resolve=resolve, transport=lambda: httpx.MockTransport(answer))


@pytest.mark.parametrize(
    ("name", "platform"),
    [
        ("App_1.0_aarch64.dmg", "darwin-aarch64"),
        ("App_x64.app.tar.gz", "darwin-x86_64"),
        ("App_1.0_x64-setup.exe", "windows-x86_64"),
        ("App_1.0_arm64.AppImage", "linux-aarch64"),
        ("App_amd64.deb", "linux-x86_64"),
        ("App_amd64.deb.sig", None),
        ("checksums.txt", None),
    ],
)
def test_files_name_their_platform(name: str, platform: str | None) -> None:
    assert platform_of(name) == platform


async def test_releases_are_told_until_they_are_removed(open_bench: Any) -> None:
    async with open_bench() as bench:
        releases = bench.workbench.releases
        assert await releases.latest() is None and await releases.list() == ()
        mac = Artifact(platform="darwin-aarch64", updater_url="https://h/a", updater_signature="s")
        first = await releases.add(NewRelease(version="1.0.0", notes="n", artifacts=(mac,)))
        second = await releases.add(NewRelease(version="1.1.0"))
        assert await releases.list() == (second, first) and await releases.latest() == second
        with pytest.raises(ConflictError) as there:
            await releases.add(NewRelease(version="1.0.0"))
        assert there.value.code == "release_exists"
        await releases.remove("1.1.0")
        assert await releases.latest() == first
        with pytest.raises(NotFoundError):
            await releases.remove("1.1.0")


async def test_the_newest_release_of_a_repository_is_taken_over(open_bench: Any) -> None:
    github = GitHub()
    named = {"releases": {"repository": "o/n"}}
    async with open_bench(web=github.web(), more_settings=named) as bench:
        made = await bench.workbench.releases.import_newest()
        assert (made.version, made.notes) == ("1.4.0", "Faster.")
        found = {each.platform: each for each in made.artifacts}
        assert list(found) == ["darwin-aarch64", "linux-x86_64", "windows-x86_64"]
        mac, windows = found["darwin-aarch64"], found["windows-x86_64"]
        assert mac.installer_url == f"{FILES}/n_aarch64.dmg"
        assert (mac.updater_url, mac.updater_signature) == (f"{FILES}/n_aarch64.app.tar.gz", "mac")
        assert (windows.updater_url, windows.updater_signature) == (f"{FILES}/n.nsis.zip", "win")
        assert windows.installer_url == f"{FILES}/n_x64-setup.exe"
        asked = len(github.asked)
        assert github.asked[0] == "api.github.com/repos/o/n/releases/latest"
        assert await bench.workbench.releases.import_newest() == made
        await bench.workbench.releases.remove("1.4.0")
        assert (await bench.workbench.releases.import_newest()).version == "1.4.0"
        assert len(github.asked) == asked  # a quarter of an hour has not gone by


@pytest.mark.parametrize("answer", [None, "[]", '{"tag_name": ""}', '{"tag_name": "../x"}', "{" * 10_000])
async def test_what_is_no_release_is_not_taken_over(open_bench: Any, answer: str | None) -> None:
    github = GitHub()
    github.answers["/repos/o/n/releases/latest"] = answer
    async with open_bench(web=github.web(), more_settings={"releases": {"repository": "o/n"}}) as bench:
        with pytest.raises(ToolError) as refused:
            await bench.workbench.releases.import_newest()
        assert refused.value.code == "no_release" and await bench.workbench.releases.list() == ()


async def test_without_a_repository_it_is_said_where_to_name_it(open_bench: Any) -> None:
    async with open_bench() as bench:
        with pytest.raises(ConflictError, match=r"releases\.repository"):
            await bench.workbench.releases.import_newest()
